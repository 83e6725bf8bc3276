"""Lines and boards that fail, under a real emulated device."""

import logging
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tifed.board.emulators.qemu import QemuBoard
from tifed.federation import DeviceScore, FeatureSums, Fleet, Jobs, Plan, Update
from tifed.fleets.emulated import EmulatedFleet
from tifed.fleets.linked import LinkSettings
from tifed.link import Frame, FrameReader, Kind, Patience, Transport, encode
from tifed.link.faults import FaultyLine, faulty
from tifed.link.transport import Opener
from tifed.rule.network import Parameters

pytestmark = pytest.mark.slow(25)

SMALL: dict[str, Any] = {"dataset": "digits", "devices": 2, "rounds": 3, "layers": [64, 8, 10]}


class WatchedLine:
    """Calls ``on_train(line, exchange)`` right after each order to train has gone out."""

    def __init__(self, line: Transport, on_train: Callable[["WatchedLine", int], None]) -> None:
        self.line = line
        self.read, self.close = line.read, line.close
        self._reader = FrameReader()
        self._on_train = on_train

    def write(self, data: bytes) -> None:
        self.line.write(data)
        for frame in self._reader.feed(data):
            if frame.kind == Kind.TRAIN:
                self.session = frame.session
                self._on_train(self, struct.unpack("<5Ii", frame.payload)[4])


def watched(on_train: Callable[[int, WatchedLine, int], None]) -> Callable[[EmulatedFleet], None]:
    """Watch every line of a fleet; ``on_train(device, line, exchange)``."""

    def wire(device: int, board: object, opener: Opener) -> Opener:
        return lambda: WatchedLine(
            opener(), lambda line, exchange: on_train(device, line, exchange)
        )

    def change(fleet: EmulatedFleet) -> None:
        fleet.wire = wire

    return change


@dataclass(frozen=True)
class Missing:
    """A simulated fleet without some devices in some exchanges."""

    fleet: Fleet
    missing: Callable[[int, int], bool]

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterable[FeatureSums]:
        return self.fleet.calibrate(devices, samples)

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        jobs = Jobs.of(job for job in plan.jobs if not self.missing(job.device, plan.exchange))
        yield from self.fleet.fit(replace(plan, jobs=jobs), parameters)

    def evaluate(self, parameters: Parameters) -> Iterable[DeviceScore]:
        return self.fleet.evaluate(parameters)

    def close(self) -> None:
        self.fleet.close()


@pytest.mark.parametrize(("emulator", "board"), [("unicorn", "cortex-m0"), ("qemu", "cortex-m3")])
def test_one_byte_in_a_hundred_spoilt(
    emulated: Any, simulated: Any, emulator: str, board: str
) -> None:
    lines: list[FaultyLine] = []

    def change(fleet: EmulatedFleet) -> None:
        fleet.wire = lambda device, board, opener: faulty(opener, 0.01, device, lines.append)

    experiment = SMALL | {"rounds": 1}
    assert emulated(change, **experiment, emulator=emulator, board=board) == simulated(**experiment)
    assert len(lines) == 2
    assert all(line.faults > 50 for line in lines)


@pytest.mark.parametrize(
    ("emulator", "board"),
    [("unicorn", "cortex-m4"), ("qemu", "cortex-m0"), ("qemu", "cortex-m7"), ("qemu", "riscv32")],
)
def test_every_board_restarts_in_every_round(
    emulated: Any, simulated: Any, emulator: str, board: str
) -> None:
    restarted: set[tuple[int, int]] = set()

    def restart(device: int, line: WatchedLine, exchange: int) -> None:
        if (device, exchange) not in restarted:
            restarted.add((device, exchange))
            line.line.write(encode(Frame(Kind.RESET, line.session, 0x7FFF)))

    outcome = emulated(watched(restart), **SMALL, emulator=emulator, board=board)
    assert outcome == simulated(**SMALL)
    assert len(restarted) == 2 * 3


def test_a_restart_is_left_out_if_the_experiment_says_so(
    emulated: Any, simulated: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def restart(device: int, line: WatchedLine, exchange: int) -> None:
        if (device, exchange) == (1, 1):
            line.line.write(encode(Frame(Kind.RESET, line.session, 0x7FFF)))

    with caplog.at_level(logging.WARNING, "tifed"):
        outcome = emulated(watched(restart), **SMALL, link={"on_reboot": "drop"})
    assert outcome.answered == ((0, 1), (0,), (0, 1))
    gap = simulated(lambda fleet: Missing(fleet, lambda d, e: (d, e) == (1, 1)), **SMALL)
    assert outcome == gap
    assert "device 1 is left out of exchange 1 of round 1" in caplog.text
    assert "restarted" in caplog.text


def test_a_cable_pulled_for_five_seconds(emulated: Any, simulated: Any) -> None:
    pulled: list[FaultyLine] = []

    def pull(device: int, line: WatchedLine, exchange: int) -> None:
        if (device, exchange) == (0, 1) and not pulled:
            assert isinstance(line.line, FaultyLine)
            line.line.pull(5.0)
            pulled.append(line.line)

    def change(fleet: EmulatedFleet) -> None:
        watched(pull)(fleet)
        watch = fleet.wire
        fleet.wire = lambda device, board, opener: watch(device, board, faulty(opener, 0.0, 0))

    assert emulated(change, **SMALL, emulator="qemu") == simulated(**SMALL)
    assert pulled
    assert pulled[0].faults > 0


def test_a_board_that_dies_does_not_stop_the_others(
    emulated: Any, simulated: Any, caplog: pytest.LogCaptureFixture
) -> None:
    boards: dict[int, QemuBoard] = {}

    def kill(device: int, line: WatchedLine, exchange: int) -> None:
        if (device, exchange) == (0, 1):
            boards[0].close()

    def change(fleet: EmulatedFleet) -> None:
        watched(kill)(fleet)
        watch = fleet.wire

        def wire(device: int, board: Any, opener: Opener) -> Opener:
            boards[device] = board
            return watch(device, board, opener)

        fleet.wire = wire
        fleet.patience = Patience(answer=0.2, silence=5.0)

    with caplog.at_level(logging.WARNING, "tifed"):
        outcome = emulated(change, **SMALL, emulator="qemu", board="cortex-m3")
    assert outcome.answered == ((0, 1), (1,), (1,))
    gap = simulated(lambda fleet: Missing(fleet, lambda d, e: d == 0 and e >= 1), **SMALL)
    assert outcome == gap
    assert "device 0 is left out of exchange 2 of round 2" in caplog.text


def test_a_board_that_always_restarts_is_left_out_in_the_end(emulated: Any) -> None:
    tries: list[int] = []

    def restart(device: int, line: WatchedLine, exchange: int) -> None:
        if device == 0:
            tries.append(exchange)
            line.line.write(encode(Frame(Kind.RESET, line.session, 0x7FFF)))

    def change(fleet: EmulatedFleet) -> None:
        watched(restart)(fleet)
        fleet.settings = LinkSettings("repeat", repeats=2)

    outcome = emulated(change, **SMALL | {"rounds": 1})
    assert outcome.answered == ((1,),)
    assert tries == [0, 0, 0]
