"""The float federation does what the integers' does, device by device."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tifed.baselines import Algorithm, FloatFedAvg, FloatParameters, FloatRound, predict
from tifed.baselines.float_device import local_steps
from tifed.baselines.float_network import start
from tifed.baselines.learning_rate_search import validation_accuracy
from tifed.datasets import load
from tifed.device import Stream
from tifed.errors import RunError, UsageError
from tifed.federation import AtEnd, AverageEvery, Federation
from tifed.federation.assignment import contiguous, full_network, per_device
from tifed.federation.plan import Job
from tifed.fleets import FaultyFleet
from tifed.partition import iid
from tifed.recipes import Server, Tuned


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


def _last(
    algorithm: FloatFedAvg, federation: Federation, streams: tuple[Stream, ...]
) -> FloatRound:
    *_, last = algorithm.run(federation, streams)
    return last


@pytest.mark.parametrize(
    "algorithm",
    [
        FloatFedAvg(),
        FloatFedAvg(momentum=0.9, learning_rate=0.01),
        FloatFedAvg(algorithm=Algorithm.DFA),
        FloatFedAvg(calibration_samples=0),
        FloatFedAvg(running_mean=4),
    ],
)
def test_it_learns_the_digits(algorithm: FloatFedAvg) -> None:
    federation, streams = _digits()
    last = _last(algorithm, federation, streams)
    test = load("digits").test
    assert np.mean(predict(last.parameters, test.features) == test.labels) > 0.9
    assert last.loss < 0.3  # that of guessing is 2.3
    assert last.statistics.visits == 4 * 50 * 5
    assert last.statistics.missed < 0.1 * last.statistics.visits


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_the_hidden_layer_learns_as_well(algorithm: Algorithm) -> None:
    """Eight random features that stay random are far too few for ten digits."""
    federation, streams = _digits(rounds=20)
    federation = replace(federation, network=Tuned().network((64, 8, 10), 10))
    output_only = replace(federation, assignment=per_device([[1]] * 4, 4, 2))
    test = load("digits").test
    accuracies = []
    for each in (federation, output_only):
        last = _last(FloatFedAvg(0.1, algorithm=algorithm), each, streams)
        accuracies.append(np.mean(predict(last.parameters, test.features) == test.labels))
    assert accuracies[0] > accuracies[1] + 0.1


def test_single_layer_devices_learn_together() -> None:
    federation, streams = _digits()
    federation = replace(federation, assignment=contiguous(4, 2))
    last = _last(FloatFedAvg(), federation, streams)
    test = load("digits").test
    assert np.mean(predict(last.parameters, test.features) == test.labels) > 0.9
    layer_bytes = [4 * 65 * 32, 4 * 33 * 10]
    assert last.costs.bytes_up == 2 * sum(layer_bytes)
    assert last.costs.bytes_down == 4 * sum(layer_bytes)
    forward, back = 64 * 32 + 32 * 10, 32 * 10
    assert last.costs.macs == 2 * 250 * (forward + back + 64 * 32) + 2 * 250 * (forward + 320)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_device_leaves_the_layers_alone_that_it_does_not_train(algorithm: Algorithm) -> None:
    _, streams = _digits()
    parameters = start((64, 32, 10), np.zeros(64, np.float32), 1, Algorithm.BACKPROPAGATION)
    feedback = None if algorithm is Algorithm.BACKPROPAGATION else (np.ones((10, 32), np.float32),)
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
    assert outcome.loss == pytest.approx(np.log(2))
    assert outcome.statistics.missed == 1
    # The whole federation of that device does the same from its own start.
    federation = replace(_federation((2, 2), (stream,), 1), buffer=1, batch=1, local_epochs=1)
    (only,) = FloatFedAvg(learning_rate=0.5, calibration_samples=0).run(federation, (stream,))
    W = start((2, 2), np.zeros(2, np.float32), 4, Algorithm.BACKPROPAGATION).weights[0]
    logits = W[0] - 2 * W[1]
    error = np.exp(logits) / np.exp(logits).sum() - np.array([0, 1])
    np.testing.assert_allclose(
        only.parameters.weights[0], W - 0.5 * np.outer([1, -2], error), rtol=1e-5
    )


def test_momentum_adds_a_share_of_the_step_before() -> None:
    _, streams = _digits()
    parameters = start((64, 32, 10), np.zeros(64, np.float32), 1, Algorithm.BACKPROPAGATION)

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
        (only,) = FloatFedAvg(calibration_samples=0).run(one, (stream,))
        alone.append(only.parameters.weights[0])
    (together,) = FloatFedAvg(calibration_samples=0).run(both, short)
    np.testing.assert_allclose(
        together.parameters.weights[0], alone[0] / 4 + alone[1] * 3 / 4, atol=1e-6
    )
    (doubled,) = FloatFedAvg(calibration_samples=0, server_rate=2).run(both, short)
    began = start((64, 32, 10), np.zeros(64, np.float32), 4, Algorithm.BACKPROPAGATION).weights[0]
    np.testing.assert_allclose(
        doubled.parameters.weights[0], 2 * together.parameters.weights[0] - began, atol=1e-5
    )


def test_the_running_mean_is_over_the_last_exchanges() -> None:
    federation, streams = _digits(rounds=3)
    raw = [r.parameters.weights[0] for r in FloatFedAvg().run(federation, streams)]
    mean = [r.parameters.weights[0] for r in FloatFedAvg(running_mean=2).run(federation, streams)]
    np.testing.assert_array_equal(mean[0], raw[0])
    second = (raw[0] + raw[1]) / 2
    np.testing.assert_allclose(mean[1], second, atol=1e-6)
    np.testing.assert_allclose(mean[2], (second + raw[2]) / 2, atol=1e-6)


def test_faults_are_those_of_the_integers() -> None:
    federation, streams = _digits(rounds=6)
    fails: Callable[[int, int], bool] = FaultyFleet(None, 4, 500_000).fails  # type: ignore[arg-type]
    federation = replace(federation, minimum_devices=2)
    before = start((64, 32, 10), np.zeros(64, np.float32), 4, Algorithm.BACKPROPAGATION)
    weights = before.weights[0]
    counts = set()
    for record in FloatFedAvg(calibration_samples=0).run(federation, streams, fails):
        present = tuple(device for device in range(4) if not fails(device, record.round))
        assert record.answered == present
        assert record.asked == (0, 1, 2, 3)
        moved = not np.array_equal(record.parameters.weights[0], weights)
        assert moved == (len(present) >= 2)
        weights = record.parameters.weights[0]
        counts.add(len(present) >= 2)
    assert counts == {True, False}


def test_averaging_more_often_costs_more_and_changes_the_model() -> None:
    federation, streams = _digits(rounds=1)
    often = replace(federation, average_every=AverageEvery.EPOCH)
    (seldom_round,) = FloatFedAvg(calibration_samples=0).run(federation, streams)
    (often_round,) = FloatFedAvg(calibration_samples=0).run(often, streams)
    assert often_round.costs.bytes_up == 5 * seldom_round.costs.bytes_up
    assert often_round.statistics.visits == seldom_round.statistics.visits
    assert not np.array_equal(often_round.parameters.weights[0], seldom_round.parameters.weights[0])


def test_the_late_decay_of_the_plan_halves_the_step() -> None:
    federation, streams = _digits(rounds=1)
    (half,) = FloatFedAvg(0.1).run(replace(federation, extra_shifts=(1,)), streams)
    (whole,) = FloatFedAvg(0.05).run(federation, streams)
    np.testing.assert_array_equal(half.parameters.weights[0], whole.parameters.weights[0])


def test_the_same_seed_gives_the_same_numbers() -> None:
    federation, streams = _digits(rounds=2)
    one, two = (_last(FloatFedAvg(), federation, streams) for _ in range(2))
    other = _last(FloatFedAvg(), replace(federation, seed=5), streams)
    np.testing.assert_array_equal(one.parameters.weights[1], two.parameters.weights[1])
    assert not np.array_equal(one.parameters.weights[1], other.parameters.weights[1])


def test_the_centre_is_the_mean_of_the_first_samples() -> None:
    federation, streams = _digits(rounds=1)
    (record,) = FloatFedAvg(calibration_samples=7).run(federation, streams)
    first = np.concatenate([stream.read(0, 7)[0] for stream in streams])
    np.testing.assert_allclose(record.parameters.centre, first.mean(axis=0), rtol=1e-6)
    (without,) = FloatFedAvg(calibration_samples=0).run(federation, streams)
    assert record.costs.bytes_up - without.costs.bytes_up == 4 * 64 * 4


def test_divergence_is_an_error() -> None:
    federation, streams = _digits()
    with pytest.raises(RunError, match="learning_rate"):
        _last(FloatFedAvg(1e20), federation, streams)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("momentum", 1.0),
        ("calibration_samples", -1),
        ("server_rate", 0.0),
        ("running_mean", 0),
    ],
)
def test_a_setting_out_of_range_is_named(field: str, value: float) -> None:
    with pytest.raises(UsageError, match=field):
        FloatFedAvg(**{field: value})  # type: ignore[arg-type]


def test_as_many_streams_as_devices() -> None:
    federation, streams = _digits()
    with pytest.raises(UsageError, match="streams"):
        _last(FloatFedAvg(), federation, streams[:3])


def test_the_search_tells_rates_apart() -> None:
    good, tiny = (validation_accuracy("digits", FloatFedAvg(rate), 0) for rate in (0.1, 0.0001))
    assert good > 0.93
    assert tiny < 0.6
    assert validation_accuracy("digits", FloatFedAvg(1e20), 0) == 0
