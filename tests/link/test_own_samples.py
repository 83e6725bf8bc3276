"""What a device with samples of its own lets be asked of it, and what not, whatever is tried."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("unicorn", reason="needs pip install 'tifed[emulator]'")

from tifed.board.emulators.unicorn import UnicornBoard
from tifed.board.firmware import build_firmware, experiment_header
from tifed.board.firmware.elf import read_image
from tifed.board.firmware.emulated_boards import UNICORN
from tifed.board.firmware.own_header import STORE_SYMBOL
from tifed.link import (
    Client,
    DeviceAnswerError,
    DeviceRefusedError,
    DeviceState,
    Frame,
    FrameReader,
    Kind,
    Patience,
    encode,
)
from tifed.link.frame import ANSWER
from tifed.rule.network import Network, Parameters
from tifed.rule.recipes import Tuned
from tifed.rule.store import StoreShape, store_image

pytestmark = pytest.mark.slow(15)

SEED, FEATURES, CLASSES, EVERY = 77, 12, 3, 4
TOO_FEW, NOT_ALLOWED, NOT_KEPT, ORDER, LABEL, UNCONFIGURED = 71, 72, 74, 69, 7, 67
PATIENCE = Patience(answer=2.0, silence=30.0)
LEAST = (
    "TIFED_LEAST_UPDATE=10u", "TIFED_LEAST_CALIBRATION=20u", "TIFED_LEAST_EVALUATION=8u",
)  # fmt: skip
RANDOM = np.random.default_rng(3)
SAMPLES = RANDOM.integers(-128, 128, (40, FEATURES), dtype=np.int8)
LABELS = SAMPLES.reshape(40, CLASSES, -1).sum(axis=2, dtype=int).argmax(axis=1)
TRAINING = SAMPLES[np.arange(40) % EVERY != EVERY - 1]


@pytest.fixture(scope="module")
def network() -> Network:
    return Tuned().network((FEATURES, 6, CLASSES), 5)


@pytest.fixture(scope="module")
def parameters(network: Network) -> Parameters:
    return Tuned().start_parameters(network, SEED)


@dataclass
class Device:
    """A board with 30 training samples and 10 that are held out, and its client."""

    chip: UnicornBoard
    elf: Path
    changes: dict[int, Callable[[Frame], Frame]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client = Client("board", lambda: Changed(self.chip, self.changes), PATIENCE)
        self.client.open_session()

    def configured(self, parameters: Parameters, seed: int = SEED) -> Client:
        self.client.configure((0, 1), seed)
        self.client.put_centre(parameters.centre)
        for number in (0, 1):
            self.client.put_layer(number, parameters.weights[number], parameters.biases[number])
        return self.client

    def restarted(self) -> Client:
        self.chip.reset()
        self.client.open_session()
        return self.client


@dataclass
class Changed:
    """The line of a board, on which answers to some requests are changed."""

    chip: UnicornBoard
    changes: dict[int, Callable[[Frame], Frame]]
    reader: FrameReader = field(default_factory=FrameReader)

    def read(self, seconds: float) -> bytes:
        said = b""
        for frame in self.reader.feed(self.chip.read(seconds)):
            change = self.changes.get(frame.kind & ~ANSWER)
            said += encode(frame if change is None else change(frame))
        return said

    def write(self, data: bytes) -> None:
        self.chip.write(data)

    def close(self) -> None:
        """The board is there for the next session."""


def made(network: Network, keeps: bool = True, defines: tuple[str, ...] = LEAST) -> Device:
    image = store_image(SAMPLES, LABELS, CLASSES, held_out_every=EVERY)
    header = experiment_header(
        network, [(0, 1)], 10, 5, store=StoreShape(FEATURES, 40, CLASSES, EVERY), keeps=keeps
    )
    firmware = build_firmware(UNICORN["cortex-m3"], header, defines=defines)
    return Device(UnicornBoard(firmware, image), firmware.elf)


@pytest.fixture
def device(network: Network) -> Iterator[Device]:
    one = made(network)
    yield one
    one.chip.close()


def refused(code: int, ask: Callable[[], object]) -> None:
    with pytest.raises(DeviceRefusedError) as caught:
        ask()
    assert caught.value.code == code


def test_what_a_device_says_of_its_samples(device: Device) -> None:
    said = device.client.open_session()
    assert (said.own_data, said.held_out_every, said.can_reset) == (True, EVERY, True)
    assert said.board == "cortex-m3 (bare)"
    counts = device.client.counts()
    assert (counts.training, counts.held_out, counts.by_class) == (30, 10, True)
    assert (counts.least_update, counts.least_calibration, counts.least_evaluation) == (10, 20, 8)


def test_calibration_is_over_enough_samples_once_and_tells_the_same_again(device: Device) -> None:
    client = device.client
    for few in (1, 2, 3, 19):
        refused(TOO_FEW, partial(client.calibrate_own, few, SEED, FEATURES))
        refused(ORDER, partial(client._sums, FEATURES, range(few + 1)))
    first = client.calibrate_own(20, SEED, FEATURES)
    assert first[0].tolist() == TRAINING[:20].sum(axis=0, dtype=int).tolist()
    assert first[2] == 20
    for other in (21, 22, 30, 1000):
        refused(NOT_ALLOWED, partial(client.calibrate_own, other, SEED, FEATURES))
        assert client._sums(FEATURES, range(1, 1001))[0].tolist() == first[0].tolist()
    again = client.calibrate_own(20, SEED, FEATURES)
    assert (again[0].tolist(), *again[1:]) == (first[0].tolist(), *first[1:])


def test_a_restart_or_a_session_permits_no_second_calibration(device: Device) -> None:
    first = device.client.calibrate_own(20, SEED, FEATURES)
    for begin in (device.client.open_session, device.restarted):
        begin()
        refused(NOT_ALLOWED, lambda: device.client.calibrate_own(21, SEED, FEATURES))
        refused(NOT_ALLOWED, lambda: device.client.calibrate_own(20, SEED + 1, FEATURES))
        again = device.client.calibrate_own(20, SEED, FEATURES)
        assert again[0].tolist() == first[0].tolist()


def test_sums_over_other_samples_are_not_told(device: Device) -> None:
    device.client.calibrate_own(20, SEED, FEATURES)
    # As if the store had forgotten its oldest sample: the next one takes its place in the sums.
    others = store_image(SAMPLES[1:], LABELS[1:], CLASSES, held_out_every=EVERY, records=40)
    device.chip.poke(read_image(device.elf).symbols[STORE_SYMBOL], others)
    device.restarted()
    refused(NOT_ALLOWED, lambda: device.client.calibrate_own(20, SEED, FEATURES))
    refused(ORDER, lambda: device.client._sums(FEATURES, range(1, 31)))


def test_one_experiment_at_a_time(device: Device, parameters: Parameters) -> None:
    device.configured(parameters)
    refused(NOT_ALLOWED, lambda: device.client.configure((0, 1), SEED + 1))
    refused(NOT_ALLOWED, lambda: device.client.configure((0, 1), SEED + (1 << 32)))
    device.restarted()
    refused(NOT_ALLOWED, lambda: device.client.configure((0, 1), SEED + 1))
    device.configured(parameters)


def test_samples_of_a_server_are_classified_and_nothing_else(
    device: Device, parameters: Parameters
) -> None:
    strange = np.zeros((1, FEATURES), np.int8)
    refused(NOT_ALLOWED, lambda: device.client._put_sample(1, strange[0], 0))
    client = device.configured(parameters)
    assert client.classify(strange).shape == (1,)
    refused(NOT_ALLOWED, lambda: client.add_samples(strange, np.zeros(1, np.int32)))
    refused(NOT_ALLOWED, lambda: client._put_sample(1, strange[0], 0))


def test_an_update_is_made_of_enough_different_samples(
    device: Device, parameters: Parameters
) -> None:
    client = device.configured(parameters)
    refused(TOO_FEW, lambda: client.take(0, 9))
    client.take(0, 10)
    refused(TOO_FEW, lambda: client.train(0, 1, 0, 0, 0))
    refused(TOO_FEW, lambda: client.train(1, 1, 0, 0, 0))
    refused(TOO_FEW, lambda: client.train(1, 1, 0, 0, 0, goes_on=True))
    assert client.train(0, 2, 0, 0, 0).state is DeviceState.TRAINED
    assert client.train(1, 2, 0, 0, 0).samples == 10


def test_positions_go_round(device: Device, parameters: Parameters, network: Network) -> None:
    def trained(position: int) -> bytes:
        client = device.configured(parameters)
        client.take(position, 10)
        client.train(0, 2, 0, 0, 0)
        return client.get_layer(0, network.layers[0])[0].tobytes()

    assert trained(5) == trained(35) == trained(5 + 30 * 1000)
    assert trained(5) != trained(6)
    assert trained((1 << 32) - 1) == trained(((1 << 32) - 1) % 30)


def test_few_held_out_samples_give_no_score(network: Network, parameters: Parameters) -> None:
    device = made(network, defines=(*LEAST[:2], "TIFED_LEAST_EVALUATION=11u"))
    client = device.configured(parameters)
    refused(TOO_FEW, client.evaluate)
    client.keep(1, 0)
    refused(TOO_FEW, lambda: client.personalise((0, 1), 1, 2, 0, 0, 0))


def test_scores_and_their_order(device: Device, parameters: Parameters) -> None:
    client = device.configured(parameters)
    refused(ORDER, lambda: client._ask(Kind.SCORE, bytes(8), len))
    refused(ORDER, lambda: client._ask(Kind.PERSONAL_SCORE, b"", len))
    correct, counted, by_class = client.evaluate(CLASSES)
    assert counted == 10
    assert (sum(r for r, _ in by_class), sum(n for _, n in by_class)) == (correct, 10)
    refused(ORDER, lambda: client._ask(Kind.PERSONAL_SCORE, b"", len))


def test_parameters_of_personal_rounds_do_not_leave(
    device: Device, parameters: Parameters, network: Network
) -> None:
    client = device.configured(parameters)
    client.keep(4, 0)
    before, after, counted = client.personalise((0, 1), 3, 2, 0, 0, 5)
    assert max(before, after) <= counted == 10

    def everything() -> None:
        weight, bias = parameters.weights[0], parameters.biases[0]
        for ask in (
            lambda: client.get_layer(0, network.layers[0]),
            lambda: client.get_layer(1, network.layers[1]),
            lambda: client.put_layer(0, weight, bias),
            lambda: client.put_centre(parameters.centre),
            lambda: client.classify(SAMPLES[:1]),
            lambda: client.take(0, 10),
            lambda: client.train(0, 2, 0, 0, 0),
            lambda: client.evaluate(),
            lambda: client.keep(1, 0),
            lambda: client.clear(),
            lambda: client.personalise((0, 1), 1, 2, 0, 0, 0),
        ):
            if after >= before:
                refused(NOT_ALLOWED, ask)

    everything()
    assert after >= before  # with these samples, so that all of that was tried
    assert client.status().statistics.visits == 0
    # Neither a new session nor a restart nor new memory brings them back.
    for begin in (client.open_session, device.restarted):
        begin()
        with pytest.raises(DeviceRefusedError):
            client.get_layer(0, network.layers[0])
        refused(ORDER, lambda: client._sums(FEATURES, range(31)))
        client.configure((0, 1), SEED)
        assert not client.get_layer(0, network.layers[0])[0].any()
        assert not client.get_layer(1, network.layers[1])[0].any()


def test_a_worse_model_goes_back_to_the_published_one(
    device: Device, parameters: Parameters, network: Network
) -> None:
    """A model that was trained long and well, and personal rounds that ruin it."""
    client = device.configured(parameters)
    rounds = 0
    while client.evaluate()[0] < 7:
        client.take(10 * rounds, 10)
        client.train(0, 40, 0, 0, rounds)
        rounds += 1
        assert rounds < 200
    good = [client.get_layer(number, network.layers[number]) for number in (0, 1)]
    client.keep(rounds, 0)
    for exchange in range(1000):
        before, after, _ = client.personalise((0, 1), 1, 40, 0, 0, 1000 + exchange)
        if after < before:
            break
        device.configured(replace(
            parameters, weights=tuple(w for w, _ in good), biases=tuple(b for _, b in good)
        ))  # fmt: skip
        client.keep(rounds, 0)
    else:
        pytest.fail("no personal round was worse")
    # It may be a model of earlier personal rounds that is there again: a secret until configured.
    refused(NOT_ALLOWED, lambda: client.get_layer(0, network.layers[0]))


def test_while_it_trains_a_device_tells_nothing_of_single_mini_batches(
    device: Device, parameters: Parameters
) -> None:
    client = device.configured(parameters)
    client.take(0, 10)
    client._order(Kind.TRAIN, struct.pack("<5Ii", 0, 3000, 0, 0, 0, 0))
    seen = []
    while (status := client.status()).state is DeviceState.TRAINING:
        seen.append((status.statistics.visits, status.statistics.missed))
    assert seen
    assert set(seen) == {(0, 0)}
    assert status.statistics.visits > 0


def test_after_a_restart_personal_rounds_need_a_configured_device_and_stay_secret(
    device: Device, parameters: Parameters, network: Network
) -> None:
    """The kept model is the personal one then, and an order that fails would go back to it."""
    client = device.configured(parameters)
    client.keep(1, 0)
    client.personalise((0, 1), 1, 2, 0, 0, 0)
    client.open_session()
    refused(UNCONFIGURED, lambda: client.personalise((0, 1), 1, 40, 0, 0, 1))
    client.configure((0, 1), SEED)
    with pytest.raises(DeviceRefusedError):
        client.personalise((0, 1), 1, 2, 40, 0, 2)  # a shift that no step can have
    refused(NOT_ALLOWED, lambda: client.get_layer(0, network.layers[0]))
    refused(NOT_ALLOWED, lambda: client.take(0, 10))


def test_a_device_without_a_place_for_promises_does_not_start_again_when_asked(
    network: Network, parameters: Parameters
) -> None:
    device = made(network, keeps=False)
    assert not device.client.open_session().can_reset
    client = device.configured(parameters)
    refused(NOT_ALLOWED, lambda: client._ask(Kind.RESET, b"", len))
    refused(NOT_KEPT, lambda: client.keep(1, 0))
    refused(NOT_KEPT, lambda: client.personalise((0, 1), 1, 2, 0, 0, 0))
    assert client.status().state is DeviceState.CONFIGURED


def with_payload(payload: bytes) -> Callable[[Frame], Frame]:
    return lambda frame: replace(frame, payload=payload)


def words(*numbers: int) -> bytes:
    return b"\0" + b"".join(number.to_bytes(4, "little") for number in numbers)


@pytest.mark.parametrize(
    ("kind", "payload", "problem"),
    [
        (Kind.SCORE, words(11, 10, *[0] * 6), "11 right of 10"),
        (Kind.SCORE, words(3, 9, *[0] * 6), "scores 9 samples, not 10"),
        (Kind.SCORE, words(0, 0, *[0] * 6), "scores 0 samples, not 10"),
        (Kind.SCORE, words(3), "has 4 bytes, not 32"),
        (Kind.SCORE, words(3, 10, 4, 3, 0, 3, 0, 4), "4 right of 3"),
        (Kind.SCORE, words(3, 10, 1, 3, 1, 3, 0, 4), "2 of 10 and 3 of 10"),
        (Kind.SCORE, words(3, 10, 1, 3, 1, 3, 1, 3), "3 of 9 and 3 of 10"),
        (Kind.PERSONAL_SCORE, words(3, 11, 10), "11 right of 10"),
        (Kind.PERSONAL_SCORE, words(3, 3, 9), "scores 9 samples, not 10"),
        (Kind.PERSONAL_SCORE, words(3, 3), "has 8 bytes, not 12"),
        (Kind.COUNTS, words(3, 3), "has 8 bytes, not 21"),
        (Kind.STATUS, bytes(40), "has 39 bytes, not 40"),
        (Kind.GET_SUMS, words(21, 0, 0, *[0] * FEATURES), "sums 21 samples, not 20"),
        (Kind.GET_SUMS, words(0, 0, 0, *[0] * FEATURES), "sums 0 samples, not 20"),
        (Kind.GET_SUMS, words(20, 0, 0, 2561, *[0] * (FEATURES - 1)), "passes the bound 2560"),
    ],
    ids=str,
)
def test_an_odd_answer_is_named(
    device: Device, parameters: Parameters, kind: Kind, payload: bytes, problem: str
) -> None:
    device.changes[kind] = with_payload(payload)
    client = device.client

    def everything() -> None:
        client.calibrate_own(20, SEED, FEATURES)
        device.configured(parameters)
        client.status()
        client.counts()
        client.evaluate(CLASSES)
        client.keep(1, 0)
        client.personalise((0, 1), 1, 2, 0, 0, 0)

    with pytest.raises(DeviceAnswerError, match=problem):
        everything()


def test_a_device_that_says_it_works_for_ever_is_not_waited_for(device: Device) -> None:
    def stuck(frame: Frame) -> Frame:
        return replace(frame, payload=b"\0\x04" + bytes(39))

    device.changes |= {Kind.STATUS: stuck, Kind.DONE & ~ANSWER: stuck}
    device.client.patience = Patience(answer=0.05, silence=0.3, training=0.02)
    with pytest.raises(Exception, match="stands still in step 0"):
        device.client.calibrate_own(20, SEED, FEATURES)
