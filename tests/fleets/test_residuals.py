"""What boards keep of their changes: the digest of the simulation, whatever happens to a board."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest
from benchmarks.one_frame import SHORT, digest, digits
from benchmarks.one_frame import on_boards as on_quiet_boards

from tifed.board.emulators.start import start_board
from tifed.board.firmware import build_firmware, experiment_header
from tifed.board.firmware.elf import read_image
from tifed.board.firmware.emulated_boards import QEMU
from tifed.errors import UsageError
from tifed.experiment import Experiment
from tifed.experiment.setup import Setup, build
from tifed.federation import begin, federate, published
from tifed.fleets.emulated import EmulatedFleet, Emulation, firmware_for
from tifed.fleets.linked import LinkedFleet
from tifed.fleets.short_line import NO_ROOM
from tifed.link import Client, Frame, FrameReader, Kind, Patience, Transport, encode
from tifed.link.conversation import CODES, OTHER_RESIDUAL
from tifed.link.faults import FaultyLine, faulty
from tifed.link.frame import ANSWER
from tifed.link.transport import Opener
from tifed.plan.board_memory import RESIDUAL_LAYER, RESIDUAL_STATIC, RESIDUALS
from tifed.rule.network.memory import residual_bytes

from .test_faults import Missing
from .test_short_updates import Recorder, on_boards, simulated

pytestmark = pytest.mark.slow(40)

PATIENT = Patience(silence=300.0, training=60.0)
TERNARY = {"upload": "ternary", "download": "4-bit", "residual": True}


def kept_setup(compression: Any = None, **settings: Any) -> Setup:
    """An experiment whose devices keep what is too small to go up."""
    small = {"dataset": "digits", "devices": 3, "rounds": 4}
    return build(Experiment(**(small | settings), compression=TERNARY | (compression or {})))


def reset(line: Recorder) -> None:
    """Restart a board in the middle of its work."""
    line.line.write(encode(Frame(Kind.RESET, line.session, 0x7FFF)))


@pytest.mark.parametrize(
    ("board", "emulator", "settings"),
    [
        ("cortex-m0", "qemu", {"layers": [64, 20, 10]}),
        ("cortex-m4", "unicorn", {"mode": "single-layer", "rounds": 6}),
        ("riscv32", "qemu", {"layers": [64, 7, 9, 10], "mode": "single-layer"}),
        ("cortex-m4", "unicorn", {"devices": 4, "devices_per_round": 2, "rounds": 8}),
        ("cortex-m0", "unicorn", {"compression": {"upload": "4-bit"}, "own_data": True}),
        ("cortex-m4", "unicorn", {"compression": {"upload": ["whole", "ternary"]}}),
        ("cortex-m4", "unicorn", {"compression": {"upload_shift": 14}, "rounds": 3}),
        ("cortex-m4", "unicorn", {"recipe_settings": {"weight_bits": 8}}),
        ("cortex-m4", "unicorn", {"average_every": "epoch", "local_epochs": 2, "rounds": 2}),
        ("cortex-m4", "unicorn", {"buffers_per_round": 2, "rounds": 3}),
        ("riscv32", "qemu", {"buffers_per_round": 3, "own_data": True, "rounds": 3}),
    ],
)
@pytest.mark.parametrize("coder", [False, True], ids=["packed", "coded"])
def test_the_digest_is_that_of_the_simulation(
    board: str, emulator: str, settings: dict[str, Any], coder: bool
) -> None:
    setup = kept_setup(**settings)
    outcome, _, tallies = on_boards(setup, board, emulator, coder=coder)
    assert outcome == simulated(setup)
    assert all(tally.payloads and tally.payloads[Kind.GET_CHANGES] for tally in tallies.values())


def test_one_byte_in_a_hundred_spoilt() -> None:
    lines: list[FaultyLine] = []
    setup = kept_setup(rounds=3, layers=[64, 8, 10])
    outcome, _, _ = on_boards(
        setup, spoil=lambda device, opener: faulty(opener, 0.01, device, lines.append)
    )
    assert outcome == simulated(setup)
    assert all(line.faults > 50 for line in lines)


def test_sealed_lines_have_the_same_digest() -> None:
    setup = kept_setup(rounds=3)
    outcome, _, _ = on_boards(setup, sealed=True)
    assert outcome == simulated(setup)


@pytest.mark.parametrize("mode", ["full-network", "single-layer"])
def test_a_board_that_restarts_is_absent_once_and_goes_on(
    mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    restarted: set[tuple[int, int]] = set()

    def restart(device: int, line: Recorder, exchange: int) -> None:
        if (device, exchange) in {(0, 0), (1, 1), (2, 3)} - restarted:
            restarted.add((device, exchange))
            reset(line)

    setup = kept_setup(mode=mode, rounds=6)
    outcome, _, _ = on_boards(setup, on_train=restart)
    # In the first exchange nothing is left that it could have lost.
    assert outcome.answered == ((0, 1, 2), (0, 2), (0, 1, 2), (0, 1), (0, 1, 2), (0, 1, 2))
    gaps = simulated(setup, lambda fleet: Missing(fleet, lambda d, e: (d, e) in {(1, 1), (2, 3)}))
    assert outcome == gaps
    said = [it.getMessage() for it in caplog.records if "is left out of" in it.getMessage()]
    assert len(said) == 2
    assert said[0].startswith("device 1 is left out of exchange 1 of round 1: ")
    assert all(one.endswith(CODES[OTHER_RESIDUAL]) for one in said)


@dataclass
class Losing:
    """A line on which what a board says of its changes means nothing once in a while."""

    line: Transport
    loses: Callable[[], bool]

    def __post_init__(self) -> None:
        self.write, self.close, self._reader = self.line.write, self.line.close, FrameReader()

    def read(self, seconds: float) -> bytes:
        data = b""
        for frame in self._reader.feed(self.line.read(seconds)):
            if frame.kind == Kind.GET_CHANGES | ANSWER and self.loses():
                frame = replace(frame, payload=bytes(3))  # done, and none of them
            data += encode(frame)
        return data


def test_a_board_whose_answer_is_lost_starts_over() -> None:
    exchanges: dict[int, int] = {}

    def on_train(device: int, line: Recorder, exchange: int) -> None:
        exchanges[device] = exchange

    def spoil(device: int, opener: Opener) -> Opener:
        return lambda: Losing(opener(), lambda: (device, exchanges[device]) == (1, 2))

    setup = kept_setup(rounds=6)
    outcome, _, _ = on_boards(setup, on_train=on_train, spoil=spoil)
    assert outcome.answered[2] == (0, 2)
    assert all(these == (0, 1, 2) for these in (*outcome.answered[:2], *outcome.answered[3:]))
    assert outcome == simulated(setup, lambda fleet: Missing(fleet, lambda d, e: (d, e) == (1, 2)))


@pytest.mark.parametrize("again", [0, 1, 3])
def test_a_server_that_starts_again_finds_what_its_boards_have_left(again: int) -> None:
    """Sessions end, boards stay; one that goes on from an older round does not find it."""
    setup = kept_setup(rounds=5)
    states, boards = [], ExitStack()
    with boards:
        firmware = firmware_for(Emulation(), setup.inputs)
        openers = [start_board(firmware, boards)[1] for _ in range(3)]

        def fleet() -> LinkedFleet:
            clients = [Client("board", opener, PATIENT) for opener in openers]
            return LinkedFleet(setup.inputs, clients)

        first = fleet()
        state, _ = begin(setup.federation, first, setup.start)
        for _, (after, _) in zip(range(3), federate(setup.federation, first, state), strict=False):
            states.append(after)
        second, absent = fleet(), []
        for after, record in federate(setup.federation, second, states[again - 1]):
            state = after
            absent.append(tuple(sorted(record.absent)))
        second.stop()
    found = published(setup.federation.server, state).digest
    if again == 3:
        assert not any(absent)
        assert found == simulated(setup).digest
    else:
        assert absent[0] == ((0, 1, 2) if again else ())
        assert not any(absent[1:])


def test_whole_exchanges_have_the_digest_of_the_simulation() -> None:
    compression = SHORT | {"rows": 1, "residual": True, "upload_shift": (9, 9)}
    for settings in ({"own_data": True}, {"own_data": False, "mode": "single-layer"}):
        setup = digits(rounds=4, devices=2, compression=compression, **settings)
        found, heard = on_quiet_boards(setup, 0.0, PATIENT)
        assert found == digest(setup, setup.fleet)
        assert all(len(one.rounds) == 4 for one in heard)


def test_with_frames_lost_whole_exchanges_have_the_same_digest() -> None:
    compression = SHORT | {"rows": 1, "residual": True}
    setup = digits(rounds=6, devices=2, own_data=True, compression=compression)
    found, heard = on_quiet_boards(setup, 0.2, Patience(training=0.5))
    assert found == digest(setup, setup.fleet)
    assert sum(line.lost for one in heard for line in one.lines) > 0


def without(name: str, monkeypatch: pytest.MonkeyPatch, value: Any) -> None:
    """Boards whose firmware lacks something."""

    def header(*shape: Any, **what: Any) -> str:
        return experiment_header(*shape, **(what | {name: value}))

    monkeypatch.setattr("tifed.fleets.emulated.experiment_header", header)


def test_a_board_that_keeps_nothing_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    without("residuals", monkeypatch, ())
    with pytest.raises(UsageError, match=r"keeps nothing of its changes.*compression\.residual"):
        on_boards(kept_setup())


def test_a_board_without_room_for_what_it_is_given_is_absent_by_name(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    without("received", monkeypatch, False)
    outcome, _, _ = on_boards(kept_setup(rounds=1))
    assert outcome.answered == ((),)
    assert caplog.text.count(NO_ROOM) == 3


def test_an_experiment_that_does_not_fit_a_board_says_so() -> None:
    setup = kept_setup(layers=[64, 60, 10])
    with pytest.raises(UsageError, match="does not fit the 16 KB of RAM"):
        firmware_for(Emulation("cortex-m0", "qemu"), setup.inputs)


def test_an_experiment_says_it_for_emulated_boards() -> None:
    setup = kept_setup(fleet="emulated", rounds=2)
    assert isinstance(setup.fleet, EmulatedFleet)
    assert digest(setup, setup.fleet) == digest(setup, kept_setup(rounds=2).fleet)


@pytest.mark.parametrize("processor", ["cortex-m0", "cortex-m4", "riscv32"])
def test_a_plan_leaves_room_for_what_residuals_take(processor: str) -> None:
    network = kept_setup().network
    code, data = [], []
    for residuals in ((), (0, 1)):
        header = experiment_header(
            network, [(0, 1), (0,)], 10, 5, short=True, received=True, coder=True, quiet=True,
            residuals=residuals,
        )  # fmt: skip
        image = read_image(build_firmware(QEMU[processor], header).elf)
        code.append(image.code)
        data.append(image.data)
    assert RESIDUALS * 3 // 4 < code[1] - code[0] <= RESIDUALS
    kept = residual_bytes(network, 0) + residual_bytes(network, 1)
    beside = data[1] - data[0] - kept
    assert 0 < beside <= RESIDUAL_STATIC + 2 * RESIDUAL_LAYER
