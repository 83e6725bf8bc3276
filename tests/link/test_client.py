"""The server's end against a real, emulated device, and against lines with nobody on them."""

import dataclasses
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tifed.board.emulators.unicorn import UnicornBoard
from tifed.board.firmware import build_firmware, experiment_header, fingerprint
from tifed.board.firmware.emulated_boards import UNICORN
from tifed.errors import UsageError
from tifed.experiment import Experiment
from tifed.experiment.setup import Setup, build
from tifed.fleets.linked import LinkedFleet
from tifed.link import (
    Client,
    DeviceGoneError,
    DeviceRefusedError,
    DeviceRestartedError,
    DeviceState,
    Frame,
    Patience,
    TransportClosedError,
    encode,
)
from tifed.link.frame import ANSWER, Kind
from tifed.rule.learning import LocalWork, feedback_matrices, oracle

QUICK = Patience(answer=0.1, silence=0.3)
BUFFER, BATCH = 20, 10


@pytest.fixture(scope="module")
def setup() -> Setup:
    return build(Experiment(dataset="digits", devices=2, rounds=1, engine="oracle"))


@pytest.fixture
def board(setup: Setup) -> Iterator[UnicornBoard]:
    header = experiment_header(setup.network, [(0,), (0, 1)], BUFFER, BATCH)
    chip = UnicornBoard(build_firmware(UNICORN["cortex-m3"], header))
    yield chip
    chip.close()


@pytest.fixture
def client(board: UnicornBoard) -> Client:
    return Client("board", lambda: board, Patience(answer=1.0, silence=10.0))


def test_what_a_device_says_of_itself(setup: Setup, client: Client) -> None:
    said = client.open_session()
    assert said.board == "cortex-m3 (bare)"
    assert (said.features, said.classes) == (64, 10)
    assert (said.buffer, said.batch) == (BUFFER, BATCH)
    assert (said.layers, said.all_layers) == ((0, 1), True)
    assert said.fingerprint == fingerprint(setup.network, BUFFER, BATCH)
    assert said.payload == 256


def test_a_small_device_says_which_layers_it_can_train(setup: Setup) -> None:
    header = experiment_header(setup.network, [(0,)], BUFFER, BATCH)
    chip = UnicornBoard(build_firmware(UNICORN["cortex-m0"], header))
    said = Client("small", lambda: chip).open_session()
    assert (said.layers, said.all_layers) == ((0,), False)


def test_train_status_and_classify_equal_the_oracle(setup: Setup, client: Client) -> None:
    rng = np.random.default_rng(1)
    start = dataclasses.replace(setup.start, centre=rng.integers(0, 99, 64, dtype=np.int8))
    samples = rng.integers(-128, 128, (13, 64), dtype=np.int8)
    labels = rng.integers(0, 10, 13, dtype=np.int32)
    client.open_session()
    client.configure((0, 1), seed=9)
    client.put_centre(start.centre)
    for number in (0, 1):
        client.put_layer(number, start.weights[number], start.biases[number])
    client.add_samples(samples, labels)
    assert (client.status().state, client.status().samples) == (DeviceState.CONFIGURED, 13)
    done = client.train(1, 7, extra_shift=1, device=3, exchange=4)
    work = LocalWork(BATCH, 1, 7, (0, 1), 1, 9, 3, 4)
    trained, statistics = oracle.train(
        setup.network, start, feedback_matrices(setup.network, 9), samples, labels, work
    )
    assert (done.state, done.step, done.statistics) == (DeviceState.TRAINED, 8, statistics)
    assert 0 < done.stack <= 512
    for number, layer in enumerate(setup.network.layers):
        weight, bias = client.get_layer(number, layer)
        assert np.array_equal(weight, trained.weights[number])
        assert np.array_equal(bias, trained.biases[number])
    assert np.array_equal(
        client.classify(samples), oracle.classify(setup.network, trained, samples)
    )


def test_errors_are_said_in_words(setup: Setup, client: Client) -> None:
    client.open_session()
    with pytest.raises(DeviceRefusedError, match="not configured"):
        client.train(0, 1, 0, 0, 0)
    client.configure((0, 1), 1)
    with pytest.raises(DeviceRefusedError, match="nothing to train on"):
        client.train(0, 1, 0, 0, 0)
    with pytest.raises(DeviceRefusedError, match="not a class"):
        client.add_samples(np.zeros((1, 64), np.int8), np.array([10], np.int32))
    with pytest.raises(DeviceRefusedError, match="beyond its bound"):
        client.put_layer(0, np.full((64, 32), -32768, np.int16), np.zeros(32, np.int16))
    with pytest.raises(DeviceRefusedError, match="no such layer"):
        client.put_layer(2, np.zeros((1, 1), np.int16), np.zeros(1, np.int16))
    client.add_samples(np.zeros((BUFFER, 64), np.int8), np.zeros(BUFFER, np.int32))
    with pytest.raises(DeviceRefusedError, match="full"):
        client.add_samples(np.zeros((1, 64), np.int8), np.zeros(1, np.int32))


def test_a_restart_is_noticed(client: Client, board: UnicornBoard) -> None:
    client.open_session()
    client.configure((0,), 1)
    board.reset()
    with pytest.raises(DeviceRestartedError):
        client.status()
    client.open_session()
    assert client.status().state is DeviceState.IDLE


def test_a_repeated_request_is_carried_out_once(client: Client, board: UnicornBoard) -> None:
    client.open_session()
    client.configure((0,), 1)
    sample = b"\0\0\1\0\0\0\0\0" + bytes(64)
    again = encode(Frame(Kind.PUT_SAMPLE, client._session, 0x4000, sample))
    for _ in range(3):
        board.write(again)
    assert client.status().samples == 1


class Scripted:
    """A line on which every request gets the same answer, or none."""

    def __init__(self, answer: Callable[[Frame], bytes]) -> None:
        self._answer = answer
        self._said = b""

    def write(self, data: bytes) -> None:
        from tifed.link import FrameReader

        for frame in FrameReader().feed(data):
            self._said += self._answer(frame)

    def read(self, seconds: float) -> bytes:
        said, self._said = self._said, b""
        if not said:
            time.sleep(seconds)
        return said

    def close(self) -> None: ...


def test_silence_ends(client: Client) -> None:
    silent = Client("silent", lambda: Scripted(lambda frame: b""), QUICK)
    began = time.monotonic()
    with pytest.raises(DeviceGoneError, match=r"silent: no answer to HELLO within 0\.3 s"):
        silent.open_session()
    assert time.monotonic() - began < 10


def test_a_line_that_cannot_be_opened_is_tried_again() -> None:
    tries = []

    def opener() -> Scripted:
        tries.append(0)
        raise TransportClosedError("nobody")

    with pytest.raises(DeviceGoneError):
        Client("nobody", opener, QUICK).open_session()
    assert len(tries) > 1


def test_a_training_that_stands_still_ends() -> None:
    busy = bytes([0, 2]) + bytes(38)

    def answer(frame: Frame) -> bytes:
        payload = busy if frame.kind == Kind.STATUS else b"\0\0\0"
        return encode(Frame(frame.kind | ANSWER, frame.session, frame.sequence, payload))

    stuck = Client("stuck", lambda: Scripted(answer), QUICK)
    with pytest.raises(DeviceGoneError, match="stands still"):
        stuck.train(0, 5, 0, 0, 0)


def test_an_answer_of_another_session_is_not_the_answer() -> None:
    """It is what a line still held of an earlier run, whose requests are numbered alike."""
    late: list[Frame] = []

    def answer(frame: Frame) -> bytes:
        stale = Frame(frame.kind | ANSWER, frame.session ^ 1, frame.sequence, b"\0\5\0")
        sound = Frame(frame.kind | ANSWER, frame.session, frame.sequence, b"\0\7\0")
        late.append(stale)
        return encode(stale) + encode(sound)

    client = Client("late", lambda: Scripted(answer), Patience(answer=0.1, silence=60.0))
    assert client.classify(np.zeros((3, 8), np.int8)).tolist() == [7, 7, 7]
    assert late


def test_a_device_that_says_that_it_is_in_another_session_has_restarted() -> None:
    def answer(frame: Frame) -> bytes:
        return encode(Frame(frame.kind | ANSWER, frame.session ^ 1, frame.sequence, b"\x42"))

    client = Client("board", lambda: Scripted(answer), Patience(answer=0.1, silence=60.0))
    with pytest.raises(DeviceRestartedError, match="board: restarted"):
        client.status()


def test_another_version_is_named() -> None:
    def answer(frame: Frame) -> bytes:
        return encode(Frame(frame.kind | ANSWER, frame.session, frame.sequence, b"\x46", 4))

    patience = Patience(answer=0.1, silence=60.0)
    with pytest.raises(DeviceRefusedError, match="version 4 of the link"):
        Client("new", lambda: Scripted(answer), patience).open_session()


def test_firmware_for_other_work_is_refused(setup: Setup, board: UnicornBoard) -> None:
    inputs = dataclasses.replace(
        setup.inputs, federation=dataclasses.replace(setup.federation, batch=5)
    )
    fleet = LinkedFleet(inputs, [Client("board", lambda: board)], devices=range(1))
    with pytest.raises(UsageError, match="built for another"):
        list(fleet.calibrate([0], 4))
    fleet.close()
