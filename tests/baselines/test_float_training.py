"""The float federation does what the integers' does, device by device."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tifed.baselines.float_device import local_steps
from tifed.baselines.float_fedavg import Carrier, FloatFedAvg
from tifed.baselines.float_network import FloatParameters, start
from tifed.baselines.float_server import FloatState, published
from tifed.baselines.float_training import FloatTraining
from tifed.data import load
from tifed.data.partition import iid
from tifed.errors import RunError, UsageError
from tifed.experiment.load import validated
from tifed.federation import AtEnd, AverageEvery, Federation, RoundRecord
from tifed.federation.assignment import contiguous, full_network, per_device
from tifed.federation.device import Stream
from tifed.federation.plan import Job
from tifed.fleets import Fails, FaultyFleet
from tifed.rule.recipes import Server, Tuned


def _federation(shape: tuple[int, ...], streams: tuple[Stream, ...], rounds: int) -> Federation:
    """Every device trains every layer; the server's integer constants do not matter here."""
    return Federation(
        network=Tuned().network(shape, 10),
        server=Server(),
        streams=tuple(map(len, streams)),
        assignment=full_network(len(shape) - 1),
        extra_shifts=(0,) * rounds,
        seed=4,
        buffer=50,
        batch=10,
        local_epochs=5,
    )


def _digits(devices: int = 4, rounds: int = 12) -> tuple[Federation, tuple[Stream, ...]]:
    train = load("digits").train
    orders = iid(train.labels, devices, seed=1).indices
    streams = tuple(Stream(train.features, train.labels, order) for order in orders)
    return _federation((64, 32, 10), streams, rounds), streams


def _nobody(device: int, number: int) -> bool:
    """No device fails."""
    return False


def _plain(**settings: Any) -> FloatFedAvg:
    """FedAvg without a trick."""
    plain = {"centred": False, "server_rate": 1, "decay_percent": 100, "running_mean": 1}
    return FloatFedAvg(**plain | settings)


def _all(
    settings: FloatFedAvg,
    federation: Federation,
    streams: tuple[Stream, ...],
    fails: Fails = _nobody,
) -> list[tuple[FloatState, RoundRecord]]:
    """Every round's state and record."""
    training = FloatTraining(settings, federation, streams, fails)
    state, _ = training.begin()
    return list(training.rounds(state))


def _first_weights(states: list[tuple[FloatState, RoundRecord]]) -> list[NDArray[np.float32]]:
    """The published first layer after each round."""
    return [published(state).weights[0] for state, _ in states]


def _accuracy(settings: FloatFedAvg, federation: Federation, streams: tuple[Stream, ...]) -> float:
    """Of the last round, on the test split of the digits."""
    test = load("digits").test
    state, _ = _all(settings, federation, streams)[-1]
    training = FloatTraining(settings, federation, streams, _nobody)
    return float(np.mean(training.classify(state, test.features) == test.labels))


@pytest.mark.parametrize(
    "settings",
    [
        FloatFedAvg(learning_rate=0.1),
        _plain(learning_rate=0.1),
        _plain(momentum=0.9, learning_rate=0.01),
        _plain(server_momentum=0.5, learning_rate=0.1),
        _plain(feedback=Carrier.DFA, centred=True, learning_rate=0.1),
    ],
)
def test_it_learns_the_digits(settings: FloatFedAvg) -> None:
    federation, streams = _digits()
    assert _accuracy(settings, federation, streams) > 0.9
    _, last = _all(settings, federation, streams)[-1]
    assert last.statistics.visits == 4 * 50 * 5
    assert last.statistics.missed < 0.1 * last.statistics.visits


@pytest.mark.parametrize("carrier", list(Carrier))
def test_the_hidden_layer_learns_as_well(carrier: Carrier) -> None:
    """Eight random features that stay random are far too few for ten digits."""
    federation, streams = _digits(rounds=20)
    federation = replace(federation, network=Tuned().network((64, 8, 10), 10))
    output_only = replace(federation, assignment=per_device([[1]] * 4, 4, 2))
    both, output = (
        _accuracy(_plain(feedback=carrier, centred=True), each, streams)
        for each in (federation, output_only)
    )
    assert both > output + 0.1


def test_single_layer_devices_learn_together() -> None:
    federation, streams = _digits()
    federation = replace(federation, assignment=contiguous(4, 2))
    assert _accuracy(_plain(centred=True), federation, streams) > 0.9
    _, last = _all(_plain(), federation, streams)[-1]
    assert last.updates == {0: 2, 1: 2}
    layer_bytes = [4 * 65 * 32, 4 * 33 * 10]
    assert last.costs.bytes_up == 2 * sum(layer_bytes)
    assert last.costs.bytes_down == 4 * sum(layer_bytes)
    forward, back = 64 * 32 + 32 * 10, 32 * 10
    assert last.costs.macs == 2 * 250 * (forward + back + 64 * 32) + 2 * 250 * (forward + 320)


@pytest.mark.parametrize("carrier", list(Carrier))
def test_a_device_leaves_the_layers_alone_that_it_does_not_train(carrier: Carrier) -> None:
    _, streams = _digits()
    parameters = start((64, 32, 10), np.zeros(64, np.float32), 1)
    feedback = None if carrier is Carrier.BACKPROPAGATION else (np.ones((10, 32), np.float32),)
    for layer in (0, 1):
        job = Job(0, (layer,), 0, 50, 0, 25)
        after = local_steps(parameters, feedback, streams[0], job, 10, 0.1, 0.0).parameters
        other = 1 - layer
        assert after.weights[other] is parameters.weights[other]
        assert after.biases[other] is parameters.biases[other]
        assert not np.array_equal(after.weights[layer], parameters.weights[layer])
        assert not np.array_equal(after.biases[layer], parameters.biases[layer])


def test_one_device_and_one_step_equal_a_calculation_by_hand() -> None:
    # One sample (64, -128) / 64 = (1, -2), weights 0: both classes have probability 1/2, so the
    # error of class 1 being right is (1/2, -1/2).
    stream = Stream(np.array([[64, -128]], np.int8), np.array([1], np.int32), np.array([0]))
    flat = FloatParameters(
        np.zeros(2, np.float32), (np.zeros((2, 2), np.float32),), (np.zeros(2, np.float32),)
    )
    job = Job(0, (0,), 0, 1, 0, 1)
    outcome = local_steps(flat, None, stream, job, 1, 0.5, 0.0)
    assert outcome.parameters.weights[0].tolist() == [[-0.25, 0.25], [0.5, -0.5]]
    assert outcome.parameters.biases[0].tolist() == [-0.25, 0.25]
    assert outcome.statistics.missed == 1
    # The whole federation of that device does the same from its own start.
    federation = replace(_federation((2, 2), (stream,), 1), buffer=1, batch=1, local_epochs=1)
    (only,) = _first_weights(_all(_plain(learning_rate=0.5), federation, (stream,)))
    W = start((2, 2), np.zeros(2, np.float32), 4).weights[0]
    logits = W[0] - 2 * W[1]
    error = np.exp(logits) / np.exp(logits).sum() - np.array([0, 1])
    np.testing.assert_allclose(only, W - 0.5 * np.outer([1, -2], error), rtol=1e-5)


def test_momentum_adds_a_share_of_the_step_before() -> None:
    _, streams = _digits()
    parameters = start((64, 32, 10), np.zeros(64, np.float32), 1)

    def after(steps: int, momentum: float, first: int = 0) -> FloatParameters:
        job = Job(0, (0, 1), 0, 50, first, steps)
        return local_steps(parameters, None, streams[0], job, 10, 0.1, momentum).parameters

    one, plain, heavy = after(1, 0.0), after(2, 0.0), after(2, 0.5)
    np.testing.assert_array_equal(after(1, 0.5).weights[0], one.weights[0])
    share = 0.5 * (one.weights[1] - parameters.weights[1])
    np.testing.assert_allclose(heavy.weights[1], plain.weights[1] + share, atol=1e-6)


def test_the_average_counts_samples() -> None:
    # Two devices, 10 and 30 samples, who stop at their end: the mean leans to the second.
    federation, streams = _digits()
    short = tuple(
        Stream(s.samples, s.labels, s.order[:n]) for s, n in zip(streams, (10, 30), strict=False)
    )
    both = replace(federation, streams=(10, 30), at_end=AtEnd.STOP, extra_shifts=(0,))
    alone = []
    for stream in short:
        one = replace(both, streams=(len(stream),))
        alone += _first_weights(_all(_plain(), one, (stream,)))
    (together,) = _first_weights(_all(_plain(), both, short))
    np.testing.assert_allclose(together, alone[0] / 4 + alone[1] * 3 / 4, atol=1e-6)
    (doubled,) = _first_weights(_all(_plain(server_rate=2), both, short))
    began = start((64, 32, 10), np.zeros(64, np.float32), 4).weights[0]
    np.testing.assert_allclose(doubled, 2 * together - began, atol=1e-5)


def test_server_momentum_adds_a_share_of_the_step_before() -> None:
    federation, streams = _digits(rounds=2)
    began = start((64, 32, 10), np.zeros(64, np.float32), 4).weights[0]
    first, plain = _first_weights(_all(_plain(), federation, streams))
    same, further = _first_weights(_all(_plain(server_momentum=0.5), federation, streams))
    np.testing.assert_array_equal(same, first)
    np.testing.assert_allclose(further, plain + 0.5 * (first - began), atol=1e-6)


def test_the_running_mean_is_over_the_last_exchanges() -> None:
    federation, streams = _digits(rounds=3)
    raw = _first_weights(_all(_plain(), federation, streams))
    mean = _first_weights(_all(_plain(running_mean=2), federation, streams))
    np.testing.assert_array_equal(mean[0], raw[0])
    second = (raw[0] + raw[1]) / 2
    np.testing.assert_allclose(mean[1], second, atol=1e-6)
    np.testing.assert_allclose(mean[2], (second + raw[2]) / 2, atol=1e-6)


def test_faults_are_those_of_the_integers() -> None:
    federation, streams = _digits(rounds=6)
    fails = FaultyFleet(None, 4, 500_000).fails  # type: ignore[arg-type]
    federation = replace(federation, minimum_devices=2)
    before = start((64, 32, 10), np.zeros(64, np.float32), 4)
    weights = before.weights[0]
    counts = set()
    for state, record in _all(_plain(), federation, streams, fails):
        present = [device for device in range(4) if not fails(device, record.round)]
        assert record.answered.tolist() == present
        assert record.asked.tolist() == [0, 1, 2, 3]
        moved = not np.array_equal(published(state).weights[0], weights)
        assert moved == (len(present) >= 2)
        weights = published(state).weights[0]
        counts.add(len(present) >= 2)
    assert counts == {True, False}


def test_averaging_more_often_costs_more_and_changes_the_model() -> None:
    federation, streams = _digits(rounds=1)
    often = replace(federation, average_every=AverageEvery.EPOCH)
    ((seldom_state, seldom_round),) = seldom_all = _all(_plain(), federation, streams)
    ((often_state, often_round),) = often_all = _all(_plain(), often, streams)
    assert (seldom_state.exchange, often_state.exchange) == (1, 5)
    assert often_round.costs.bytes_up == 5 * seldom_round.costs.bytes_up
    assert often_round.statistics.visits == seldom_round.statistics.visits
    assert not np.array_equal(_first_weights(often_all)[0], _first_weights(seldom_all)[0])


def test_the_late_decay_of_the_plan_halves_the_step() -> None:
    federation, streams = _digits(rounds=1)
    later = replace(federation, extra_shifts=(1,))
    (half,) = _first_weights(_all(_plain(learning_rate=0.1), later, streams))
    (whole,) = _first_weights(_all(_plain(learning_rate=0.05), federation, streams))
    np.testing.assert_array_equal(half, whole)
    floats = FloatFedAvg(decay_percent=60)
    shifts = [floats.extra_shift(number, 5, "full-network") for number in range(5)]
    assert shifts == [0, 0, 0, 1, 1]


def test_the_same_seed_gives_the_same_numbers() -> None:
    federation, streams = _digits(rounds=2)
    one, two = (_first_weights(_all(FloatFedAvg(), federation, streams))[-1] for _ in range(2))
    other = _first_weights(_all(FloatFedAvg(), replace(federation, seed=5), streams))[-1]
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_the_centre_is_the_mean_of_the_first_samples() -> None:
    federation, streams = _digits(rounds=1)
    training = FloatTraining(_plain(centred=True, calibration=7), federation, streams, _nobody)
    state, costs = training.begin()
    first = np.concatenate([stream.read(0, 7)[0] for stream in streams])
    np.testing.assert_allclose(state.centre, first.mean(axis=0), rtol=1e-6)
    assert costs.bytes_up == 4 * 64 * 4
    state, costs = FloatTraining(_plain(), federation, streams, _nobody).begin()
    assert not state.centre.any()
    assert costs.bytes_up == 0


def test_divergence_is_an_error() -> None:
    federation, streams = _digits()
    with pytest.raises(RunError, match="learning_rate"):
        _all(_plain(learning_rate=1e20), federation, streams)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("momentum", 1.0),
        ("calibration", 0),
        ("server_momentum", 1.0),
        ("server_rate", 0.0),
        ("running_mean", 0),
    ],
)
def test_a_setting_out_of_range_is_named(field: str, value: float) -> None:
    settings = {"baseline": "float-fedavg", "baseline_settings": {field: value}}
    with pytest.raises(UsageError, match=field):
        validated(settings, "experiment")


def test_as_many_streams_as_devices() -> None:
    federation, streams = _digits()
    with pytest.raises(UsageError, match="streams"):
        _all(FloatFedAvg(), federation, streams[:3])
