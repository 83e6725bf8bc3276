"""Boards whose host sees sums alone: the digest of runs without masks, whoever is lost when."""

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from tifed.board.emulators.start import RunningBoard
from tifed.errors import UsageError
from tifed.experiment import Experiment, run
from tifed.experiment.setup import Setup, build
from tifed.federation import Fleet, Jobs, Plan, Update
from tifed.fleets import SimulatedFleet
from tifed.fleets.emulated import EmulatedFleet
from tifed.fleets.passing import PassingFleet
from tifed.link import Frame, FrameReader, Kind, Transport, encode
from tifed.link.frame import ANSWER
from tifed.link.transport import Opener
from tifed.rule.network import Parameters

from .conftest import Outcome, Runner, run_with

pytestmark = pytest.mark.slow(60)

SMALL: dict[str, Any] = {"dataset": "digits", "devices": 4, "rounds": 3, "layers": [64, 8, 10]}
MASKED: dict[str, Any] = {"privacy": {"device_masks": True}}
Hits = Callable[[int, int, Kind], bool]
"""From a device, an exchange and a request to whether the board restarts as it gets that."""


@dataclass
class Line:
    """A line that keeps what the board says, and on which a board can be restarted."""

    line: Transport
    device: int
    hits: Hits
    answers: list[Frame] = field(default_factory=list)
    exchange: int = -1
    done: set[tuple[int, int]] = field(default_factory=set)
    readers: tuple[FrameReader, FrameReader] = field(
        default_factory=lambda: (FrameReader(), FrameReader())
    )

    def read(self, seconds: float) -> bytes:
        said = self.line.read(seconds)
        self.answers += self.readers[0].feed(said)
        return said

    def write(self, data: bytes) -> None:
        for frame in self.readers[1].feed(data):
            if frame.kind == Kind.TRAIN:
                self.exchange = struct.unpack("<5Ii", frame.payload)[4]
            once = self.exchange, int(frame.kind)
            if once not in self.done and self.hits(self.device, self.exchange, Kind(frame.kind)):
                self.done.add(once)
                self.line.write(encode(Frame(Kind.RESET, frame.session, 0x7FFF)))
        self.line.write(data)

    def close(self) -> None:
        self.line.close()


def nobody(device: int, exchange: int, kind: Kind) -> bool:
    return False


def tapped(lines: list[Line], hits: Hits = nobody, *defines: str) -> Callable[..., None]:
    """Change a fleet so that its lines are ``lines``."""

    def change(fleet: EmulatedFleet) -> None:
        def wire(device: int, board: RunningBoard, opener: Opener) -> Opener:
            del board

            def opened() -> Transport:
                lines.append(Line(opener(), device, hits))
                return lines[-1]

            return opened

        fleet.wire = wire
        fleet.defines = defines

    return change


def answered(lines: list[Line], kind: Kind) -> int:
    """How many requests of a kind the boards have answered, be it more than once."""
    return len({
        (line.device, frame.session, frame.sequence)
        for line in lines for frame in line.answers if frame.kind == kind | ANSWER
    })  # fmt: skip


@dataclass(frozen=True)
class Without(PassingFleet):
    """A simulated fleet in which some devices are missing in some exchanges."""

    fleet: Fleet
    missing: Callable[[int, int], bool]

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        jobs = Jobs.of(job for job in plan.jobs if not self.missing(job.device, plan.exchange))
        yield from self.fleet.fit(replace(plan, jobs=jobs), parameters)


@pytest.mark.parametrize(
    ("board", "emulator"),
    [
        ("cortex-m0", "qemu"), ("cortex-m3", "qemu"), ("cortex-m4", "unicorn"),
        ("cortex-m7", "qemu"), ("riscv32", "qemu"),
    ],
)  # fmt: skip
def test_one_digest_with_masks_and_without(
    simulated: Runner, emulated: Runner, board: str, emulator: str
) -> None:
    lines = list[Line]()
    outcome = emulated(tapped(lines), board=board, emulator=emulator, **SMALL, **MASKED)
    assert outcome == simulated(**SMALL)
    assert answered(lines, Kind.UNMASK) == 4 * (3 + 1)  # exchanges, and the calibration
    assert not answered(lines, Kind.GET_PARAMETERS)
    assert not answered(lines, Kind.GET_SUMS)


@pytest.mark.parametrize(
    "settings",
    [
        {"own_data": True, "held_out_every": 4},
        {"mode": "single-layer", "devices": 12, "rounds": 2},
        {"devices_per_round": 3},
        {"recipe": "paper", "rounds": 2},
        {"average_every": "epoch", "rounds": 1},
        {"link": {"sealed": True}},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_every_kind_of_experiment(
    simulated: Runner, emulated: Runner, settings: dict[str, Any]
) -> None:
    plain = {name: value for name, value in settings.items() if name != "link"}
    assert emulated(**SMALL | settings, **MASKED) == simulated(**SMALL | plain)


def test_more_boards_than_one_can_share_masks_with(simulated: Runner, emulated: Runner) -> None:
    lines = list[Line]()
    few = tapped(lines, nobody, "TIFED_MASK_PEERS=4u")
    experiment = SMALL | {"devices": 7, "rounds": 2}
    assert emulated(few, **experiment, **MASKED) == simulated(**experiment)
    assert answered(lines, Kind.PEER) == 7 * 4  # once, though the devices mask three times


def lost(simulated: Runner, missing: Callable[[int, int], bool], **settings: Any) -> Outcome:
    return simulated(lambda fleet: Without(fleet, missing), **SMALL | settings)


@pytest.mark.parametrize("kind", [Kind.MASK_KEY, Kind.PEER, Kind.MASK, Kind.GET_MASKED])
def test_a_board_that_is_lost_before_it_has_answered_is_lost_alone(
    simulated: Runner, emulated: Runner, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    """It is back in the next exchange, with another key."""

    def hits(device: int, exchange: int, asked: Kind) -> bool:
        # Keys are made once, in the calibration, whose exchange is -1: there it costs its sums.
        return (device, exchange) == (1, 1) and asked == kind

    def first(device: int, exchange: int, asked: Kind) -> bool:
        # A restart while it trains makes it need a key in exchange 1.
        return hits(device, exchange, asked) or (
            (device, exchange, asked) == (1, 1, Kind.TRAIN) and kind in (Kind.MASK_KEY, Kind.PEER)
        )

    lines = list[Line]()
    outcome = emulated(tapped(lines, first), **SMALL, **MASKED)
    assert outcome.answered == ((0, 1, 2, 3), (0, 2, 3), (0, 1, 2, 3))
    assert outcome == lost(simulated, lambda device, exchange: (device, exchange) == (1, 1))
    assert "device 1 is left out of a sum under masks: " in caplog.text
    assert any((1, int(kind)) in line.done for line in lines)


def test_a_restart_while_it_trains_costs_nothing(simulated: Runner, emulated: Runner) -> None:
    lines = list[Line]()
    outcome = emulated(tapped(lines, lambda d, e, kind: kind == Kind.TRAIN), **SMALL, **MASKED)
    assert outcome == simulated(**SMALL)
    assert len({(line.device, *one) for line in lines for one in line.done}) >= 4


def test_an_exchange_whose_masks_cannot_be_taken_off_is_void(
    simulated: Runner, emulated: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    lines = list[Line]()
    unmask = tapped(lines, lambda d, e, kind: (d, e, kind) == (2, 1, Kind.UNMASK))
    outcome = emulated(unmask, **SMALL, **MASKED)
    assert outcome.answered == ((0, 1, 2, 3), (), (0, 1, 2, 3))
    assert outcome == lost(simulated, lambda device, exchange: exchange == 1)
    assert "exchange 1 of round 1 is void: devices that were to take masks off" in caplog.text


def test_too_few_that_are_left_give_no_sum(
    simulated: Runner, emulated: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    lines = list[Line]()
    two = tapped(lines, lambda d, e, kind: d > 1 and e == 1 and kind == Kind.GET_MASKED)
    outcome = emulated(two, **SMALL, **MASKED)
    assert outcome.answered == ((0, 1, 2, 3), (), (0, 1, 2, 3))
    assert outcome == lost(simulated, lambda device, exchange: exchange == 1)
    assert "2 devices are left, and a sum over fewer than 3 hides none" in caplog.text


# --- what the host is told ------------------------------------------------------------------------


def learnt(setup: Setup) -> Iterator[tuple[int, list[bytes]]]:
    """Of each device what it has learnt in the first exchange, as parameters and times samples."""
    simulation = SimulatedFleet(setup.inputs)
    sums = list(simulation.calibrate(range(4), setup.federation.calibration_samples))
    state = run_start(setup, sums)
    plan = next(iter(setup.federation.plans(state)))
    for job in plan.jobs:
        trained, _ = simulation.train(plan, job, state.parameters)
        arrays = [*trained.weights, *trained.biases]
        as_sent = [np.ascontiguousarray(a).astype(a.dtype.newbyteorder("<")) for a in arrays]
        weighted = [(job.samples * a.astype(np.int64)).astype("<i4") for a in arrays]
        own = sums[job.device].total.astype("<i4")
        yield job.device, [a.tobytes() for a in (*as_sent, *weighted, own)]


def run_start(setup: Setup, sums: Sequence[Any]) -> Any:
    from tifed.federation import begin

    return begin(setup.federation, SimulatedFleet(setup.inputs), setup.start)[0]


def found(payloads: bytes, secrets: list[bytes], piece: int = 12) -> tuple[int, int]:
    """How many pieces of ``secrets`` stand in what was told, and how many there are."""
    pieces = {s[at : at + piece] for s in secrets for at in range(0, len(s) - piece, piece)}
    telling = [one for one in pieces if len(set(one)) > piece // 3]
    return sum(one in payloads for one in telling), len(telling)


@pytest.mark.parametrize("masked", [True, False])
def test_nothing_that_the_host_hears_is_what_a_board_has_learnt(masked: bool) -> None:
    settings = SMALL | {"rounds": 1} | (MASKED if masked else {})
    setup = build(Experiment(fleet="emulated", **settings))
    assert isinstance(setup.fleet, EmulatedFleet)
    lines = list[Line]()
    tapped(lines)(setup.fleet)
    run_with(setup, setup.fleet)
    # The bytes of the frames behind their codes, piece by piece as they came.
    told = b"".join(frame.payload[1:] for line in lines for frame in line.answers)
    for device, secrets in learnt(setup):
        there, pieces = found(told, secrets)
        assert pieces > 100
        assert there == 0 if masked else there > 50, device


# --- what does not go -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"devices": 2},
            "device_masks: a sum hides its parts among 3 devices or more, and devices",
        ),
        ({"devices_per_round": 2}, "and devices_per_round is 2; choose 3 or more"),
        ({"robust": {"clip": 200}}, r"robust.clip: under masks \(privacy.device_masks\)"),
        ({"robust": {"aggregate": "median"}}, r"robust.aggregate: under masks"),
    ],
)
def test_settings_that_do_not_go_together(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Experiment(**SMALL | MASKED | settings)


def test_sites_in_one_process_need_devices_enough_each() -> None:
    both = {"device_masks": True, "secure_aggregation": True, "sites": 3}
    experiment = Experiment(**SMALL | {"devices": 8}, fleet="emulated", privacy=both)
    with pytest.raises(UsageError, match=r"3 sites have 8 devices, and with privacy.device_masks"):
        run(experiment)


def test_noise_needs_what_masks_hide() -> None:
    privacy = {"device_masks": True, "noise_multiplier": 1.0, "clip": 100, "centre": 0}
    with pytest.raises(UsageError, match=r"hides a device only if its site holds it to privacy"):
        Experiment(**SMALL, privacy=privacy)


def test_a_layer_that_few_train_is_refused() -> None:
    few = SMALL | {"devices": 7, "mode": "single-layer"}
    setup = build(Experiment(fleet="emulated", **few, **MASKED))
    with pytest.raises(UsageError, match="layer 1 is trained by 1 of the 7 devices at one host"):
        setup.fleet.linked  # type: ignore[attr-defined]  # noqa: B018


def test_sums_that_could_overflow_are_refused() -> None:
    many = SMALL | {"devices": 20, "buffer": 4000}
    setup = build(Experiment(fleet="emulated", **many, **MASKED))
    with pytest.raises(UsageError, match=r"words of 32 bits, and the sum of 20 devices' param"):
        setup.fleet.linked  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("boards", [True, False])
def test_boards_with_masks_where_there_are_to_be_none_and_the_other_way_round(
    boards: bool,
) -> None:
    setup = build(Experiment(fleet="emulated", **SMALL, **MASKED))
    assert isinstance(setup.fleet, EmulatedFleet)
    inputs = replace(setup.inputs, device_masks=boards)
    fleet = EmulatedFleet(inputs, setup.fleet.emulation)
    try:
        fleet.linked._inputs = replace(inputs, device_masks=not boards)
        with pytest.raises(
            UsageError, match="leaves it under masks alone" if boards else "firmware has no masks"
        ):
            list(fleet.linked.calibrate(range(4), 10))
    finally:
        fleet.close()
