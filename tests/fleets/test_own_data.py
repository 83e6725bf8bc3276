"""Boards that have their samples themselves: the simulator's digest, and no sample on a line."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from tifed.errors import UsageError
from tifed.experiment import Experiment
from tifed.experiment.setup import Setup, build
from tifed.federation import (
    DeviceCounts,
    DeviceScore,
    PersonalScore,
    begin,
    federate,
    personal_work,
    published,
    with_own_data,
)
from tifed.fleets.emulated import EmulatedFleet
from tifed.fleets.linked import LinkedFleet
from tifed.link import Client, Frame, FrameReader, Kind, Transport, encode
from tifed.link.faults import FaultyLine, faulty
from tifed.link.transport import Opener

pytestmark = pytest.mark.slow(60)

OWN: dict[str, Any] = {
    "dataset": "digits", "devices": 3, "rounds": 2, "layers": [64, 12, 10], "own_data": True,
    "held_out_every": 4, "report_classes": True, "partition": {"limit_per_device": 60},
    "personal": {"rounds": 2},
}  # fmt: skip
BOARDS = [
    *(("unicorn", board) for board in ("cortex-m0", "cortex-m3", "cortex-m4", "cortex-m7")),
    *(("qemu", board) for board in ("cortex-m3", "cortex-m4", "cortex-m7", "riscv32")),
]
Change = Callable[[EmulatedFleet], Any]


@dataclass(frozen=True)
class Told:
    """All that came of a run, its personal rounds included."""

    digest: str
    answered: tuple[tuple[int, ...], ...]
    counts: tuple[DeviceCounts, ...]
    scores: tuple[DeviceScore, ...]
    personal: tuple[PersonalScore, ...]


def of_devices(told: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(sorted(told, key=lambda one: int(one.device)))


def run(setup: Setup) -> Told:
    fleet = with_own_data(setup.fleet)
    try:
        counts = of_devices(fleet.counts())
        state, _ = begin(setup.federation, fleet, setup.start)
        answered = []
        for after, record in federate(setup.federation, fleet, state):
            state = after
            answered.append(tuple(record.answered.tolist()))
        model = published(setup.federation.server, state)
        scores = of_devices(fleet.evaluate(model))
        fleet.keep(model, len(answered))
        work = personal_work(setup.federation, state)
        personal = () if work is None else of_devices(fleet.personalise(model, work))
        return Told(model.digest, tuple(answered), counts, scores, personal)
    finally:
        fleet.close()


def simulated(**settings: Any) -> Told:
    return run(build(Experiment(**OWN | settings)))


def emulated(change: Change = lambda fleet: None, **settings: Any) -> Told:
    setup = build(Experiment(fleet="emulated", **OWN | settings))
    assert isinstance(setup.fleet, EmulatedFleet)
    change(setup.fleet)
    return run(setup)


@pytest.mark.parametrize(("emulator", "board"), BOARDS)
def test_every_processor_ends_as_the_simulator_does(emulator: str, board: str) -> None:
    told = emulated(emulator=emulator, board=board)
    assert told == simulated()
    assert [one.held_out for one in told.counts] == [15] * 3
    assert all(sum(all_of for _, all_of in one.by_class) == 15 for one in told.scores)
    assert len(told.personal) == 3


def test_a_board_with_16_kb_trains_but_has_no_room_for_a_model_that_stays(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told, expected = emulated(emulator="qemu", board="cortex-m0"), simulated()
    assert (told.digest, told.scores) == (expected.digest, expected.scores)
    assert told.personal == ()
    assert "microbit, emulated: it has no place for a model to stay" in caplog.text


@pytest.mark.parametrize(
    "settings",
    [
        {"buffer": 7, "batch": 3, "average_every": "mini-batch", "local_epochs": 1, "rounds": 1},
        {"mode": "single-layer", "personal": {"rounds": 1, "layers": "last"}},
        {"partition": {"limit_per_device": 11}, "buffer": 20},
        {"front_end": "edges", "layers": None},
        {"dataset": "digits", "pixel_shifts": True, "layers": [64, 12, 10]},
        {"report_classes": False, "personal": {"rounds": 0}},
        {"seed": (1 << 64) - 3, "held_out_every": 2},
    ],
    ids=["mini-batch", "single-layer", "few samples", "edges", "copies", "plain", "seed"],
)
def test_every_kind_of_experiment(settings: dict[str, Any]) -> None:
    assert emulated(**settings) == simulated(**settings)


def test_samples_for_which_there_is_no_room_are_named() -> None:
    settings: dict[str, Any] = {"devices": 1, "partition": {}, "board": "cortex-m0"}
    big = {"layers": [784, 4, 10], "dataset": "fashion-mnist"}
    with pytest.raises(UsageError, match=r"devices: a device's store of \d+ samples of 784 values"):
        emulated(**settings | big)


# --- what crosses the line ------------------------------------------------------------------------


@dataclass
class Recorded:
    """A line, with every byte that went over it, in both directions."""

    line: Transport
    everything: bytearray = field(default_factory=bytearray)
    frames: list[Frame] = field(default_factory=list)
    _readers: tuple[FrameReader, FrameReader] = field(
        default_factory=lambda: (FrameReader(), FrameReader())
    )

    def read(self, seconds: float) -> bytes:
        said = self.line.read(seconds)
        return self._record(said, 0)

    def write(self, data: bytes) -> None:
        self.line.write(self._record(data, 1))

    def close(self) -> None:
        self.line.close()

    def _record(self, data: bytes, way: int) -> bytes:
        self.everything += data
        self.frames += self._readers[way].feed(data)
        return data


def recording(lines: list[Recorded]) -> Change:
    def change(fleet: EmulatedFleet) -> None:
        def wire(device: int, board: object, opener: Callable[[], Transport]) -> Any:
            lines.append(Recorded(opener()))
            return lambda: lines[device]

        fleet.wire = wire

    return change


PIECE = 8


def pieces_of(samples: np.ndarray[Any, Any]) -> set[bytes]:
    """Every 8 bytes in a row of each sample, but for those that are nearly all the same value."""
    rows = [row.tobytes() for row in samples]
    found = {row[i : i + PIECE] for row in rows for i in range(len(row) - PIECE + 1)}
    return {piece for piece in found if len(set(piece)) > 4}


def found_in(data: bytes, pieces: set[bytes]) -> int:
    """How many places of ``data`` hold one of them."""
    return sum(data[i : i + PIECE] in pieces for i in range(len(data) - PIECE + 1))


def search(lines: list[Recorded], samples: np.ndarray[Any, Any]) -> int:
    """Pieces of samples in what crossed the lines: as it stands there, and with COBS undone.

    Where a piece has no 0, COBS leaves it as it is; one with a 0 is in the frame's payload.
    """
    pieces = pieces_of(samples)
    assert len(pieces) > 1000
    return sum(
        found_in(bytes(line.everything), pieces)
        + sum(found_in(frame.payload, pieces) for frame in line.frames)
        for line in lines
    )


@pytest.mark.parametrize(("emulator", "board"), [("unicorn", "cortex-m4"), ("qemu", "riscv32")])
def test_no_byte_of_a_sample_crosses_a_line(emulator: str, board: str) -> None:
    samples = build(Experiment(**OWN)).inputs.stored[0].samples
    lines: list[Recorded] = []
    told = emulated(recording(lines), emulator=emulator, board=board)
    assert told == simulated()
    asked = {frame.kind for line in lines for frame in line.frames}
    assert asked >= {
        Kind.TAKE, Kind.CALIBRATE, Kind.EVALUATE, Kind.KEEP, Kind.PERSONALISE, Kind.GET_SUMS,
    }  # fmt: skip
    assert Kind.PUT_SAMPLE not in asked
    assert len(lines) == 3
    assert all(len(line.everything) > 10_000 for line in lines)
    assert search(lines, samples) == 0


def test_the_search_finds_samples_where_they_are_sent() -> None:
    sent = {"own_data": False, "held_out_every": 5, "report_classes": False, "personal": {}}
    setup = build(Experiment(fleet="emulated", **OWN | sent))
    assert isinstance(setup.fleet, EmulatedFleet)
    lines: list[Recorded] = []
    recording(lines)(setup.fleet)
    try:
        state, _ = begin(setup.federation, setup.fleet, setup.start)
        next(federate(setup.federation, setup.fleet, state))
    finally:
        setup.fleet.close()
    assert search(lines, setup.inputs.sent[0].samples) > 1000


# --- when something fails -------------------------------------------------------------------------


@pytest.mark.parametrize(("emulator", "board"), [("unicorn", "cortex-m0"), ("qemu", "cortex-m3")])
def test_one_byte_in_a_hundred_spoilt(emulator: str, board: str) -> None:
    lines: list[FaultyLine] = []

    def change(fleet: EmulatedFleet) -> None:
        fleet.wire = lambda device, board, opener: faulty(opener, 0.01, device, lines.append)

    settings: dict[str, Any] = {"rounds": 1, "devices": 2}
    assert emulated(change, **settings, emulator=emulator, board=board) == simulated(**settings)
    assert all(line.faults > 50 for line in lines)


@dataclass
class Restarting:
    """A line over which the board is told to restart right after some orders, once each."""

    line: Transport
    kinds: set[int]
    reader: FrameReader = field(default_factory=FrameReader)

    def read(self, seconds: float) -> bytes:
        return self.line.read(seconds)

    def write(self, data: bytes) -> None:
        self.line.write(data)
        for frame in self.reader.feed(data):
            if frame.kind in self.kinds:
                self.kinds.discard(frame.kind)
                self.line.write(encode(Frame(Kind.RESET, frame.session, 0x7FFF)))

    def close(self) -> None:
        self.line.close()


@pytest.mark.parametrize(("emulator", "board"), [("unicorn", "cortex-m4"), ("qemu", "riscv32")])
def test_a_restart_in_the_middle_of_every_order(emulator: str, board: str) -> None:
    lines: list[Restarting] = []
    orders = (Kind.CALIBRATE, Kind.TAKE, Kind.TRAIN, Kind.EVALUATE, Kind.KEEP, Kind.PERSONALISE)

    def change(fleet: EmulatedFleet) -> None:
        def wire(device: int, board: object, opener: Callable[[], Transport]) -> Any:
            lines.append(Restarting(opener(), {int(kind) for kind in orders}))
            return lambda: lines[device]

        fleet.wire = wire

    assert emulated(change, emulator=emulator, board=board) == simulated()
    assert [line.kinds for line in lines] == [set()] * 3


# --- what an owner does not allow -----------------------------------------------------------------


def test_a_device_with_too_few_samples_for_its_owner_is_left_out_by_name(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def change(fleet: EmulatedFleet) -> None:
        fleet.defines = (
            "TIFED_LEAST_UPDATE=46u", "TIFED_LEAST_CALIBRATION=1u", "TIFED_LEAST_EVALUATION=16u",
        )  # fmt: skip

    told = emulated(change, buffer=50)
    assert told.answered == ((), ())
    assert not told.scores
    assert not told.personal
    assert told.counts[0].least_training == 46
    assert "has fewer samples of its own than its owner asks for" in caplog.text


@dataclass
class Held:
    """A line that stays open when a client lets go of it."""

    line: Transport

    def read(self, seconds: float) -> bytes:
        return self.line.read(seconds)

    def write(self, data: bytes) -> None:
        self.line.write(data)

    def close(self) -> None:
        """The next client comes."""


def started(setup: Setup) -> list[Opener]:
    """The lines of a fleet's boards, which run until it is closed."""
    openers: list[Opener] = []

    def wire(device: int, board: object, opener: Opener) -> Opener:
        openers.append(lambda: Held(opener()))
        return opener

    assert isinstance(setup.fleet, EmulatedFleet)
    setup.fleet.wire = wire
    assert setup.fleet.linked is not None
    return openers


def test_boards_whose_samples_are_elsewhere_are_refused_by_name() -> None:
    own = build(Experiment(fleet="emulated", **OWN))
    other = build(Experiment(fleet="emulated", **OWN | {"held_out_every": 5}))
    sent = build(
        Experiment(fleet="emulated", dataset="digits", layers=[64, 12, 10], devices=3, rounds=2)
    )
    with_samples, without = started(own), started(sent)
    for lines, wants, words in (
        (with_samples, sent, "it has its samples itself and takes none from a server"),
        (without, own, "its firmware has no samples of its own"),
        (with_samples, other, "it holds out every 4-th of its samples, but this experiment has"),
    ):
        fleet = LinkedFleet(wants.inputs, [Client("board", line) for line in lines])
        with pytest.raises(UsageError, match=words):
            begin(wants.federation, fleet, wants.start)
        fleet.close()
    for setup in (own, sent):
        setup.fleet.close()
