"""Short updates on emulated boards: the digest of the simulation, in a fraction of the bytes."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tifed.board.firmware import build_firmware, experiment_header
from tifed.board.firmware.elf import read_image
from tifed.board.firmware.emulated_boards import QEMU
from tifed.experiment import Experiment
from tifed.experiment.setup import Setup, build
from tifed.federation import Costs, Fleet, begin
from tifed.fleets.emulated import EmulatedFleet, Emulation
from tifed.fleets.linked import LinkSettings
from tifed.fleets.simulated import SimulatedFleet
from tifed.link import DeviceRefusedError, Frame, FrameReader, Kind, Transport, encode
from tifed.link.conversation import ORDER
from tifed.link.faults import FaultyLine, faulty
from tifed.link.frame import VERSION
from tifed.link.transport import Opener
from tifed.plan.board_memory import CODER, QUIET, QUIET_STATIC, SHORT_UPDATES
from tifed.rule.compression import Change, Changes

from .conftest import Outcome, run_with
from .test_faults import Missing

pytestmark = pytest.mark.slow(30)

SMALL: dict[str, Any] = {"dataset": "digits", "devices": 3, "rounds": 4}
TERNARY, FOUR_BITS = Change(1, 3), Change(7, 3)
EIGHT_BITS = Change(127, 1)


@dataclass
class Tally:
    """What a recorder at a device's line has seen, in bytes and by type of frame."""

    down: int = 0
    up: int = 0
    payloads: dict[int, int] | None = None
    framed: dict[int, int] = field(default_factory=dict)


class Recorder:
    """A line whose bytes are counted; ``on_train(line, exchange)`` after each order to train."""

    def __init__(
        self, line: Transport, tally: Tally, on_train: Callable[["Recorder", int], None]
    ) -> None:
        self.line, self._tally, self._on_train = line, tally, on_train
        self._reader, self.close = FrameReader(), line.close
        self.session = 0

    def read(self, seconds: float) -> bytes:
        data = self.line.read(seconds)
        self._tally.up += len(data)
        return data

    def write(self, data: bytes) -> None:
        self._tally.down += len(data)
        self.line.write(data)
        kinds = self._tally.payloads
        for frame in self._reader.feed(data):
            framed = self._tally.framed
            framed[frame.kind] = framed.get(frame.kind, 0) + len(encode(frame))
            if kinds is not None:
                kinds[frame.kind] = kinds.get(frame.kind, 0) + len(frame.payload)
            if frame.kind == Kind.TRAIN and frame.version == VERSION:
                self.session = frame.session
                self._on_train(self, struct.unpack_from("<5Ii", frame.payload)[4])


def short_setup(
    upload: tuple[Change, ...] = (TERNARY, EIGHT_BITS),
    download: tuple[Change, ...] = (FOUR_BITS, EIGHT_BITS),
    **settings: Any,
) -> Setup:
    """An experiment in which weights travel so."""
    setup = build(Experiment(**(SMALL | settings)))
    federation = replace(setup.federation, upload=Changes(upload), download=Changes(download))
    inputs = replace(setup.inputs, federation=federation)
    return replace(setup, inputs=inputs, fleet=SimulatedFleet(inputs))


def on_boards(
    setup: Setup,
    board: str = "cortex-m4",
    emulator: Any = "unicorn",
    on_train: Callable[[int, Recorder, int], None] = lambda device, line, exchange: None,
    spoil: Callable[[int, Opener], Opener] = lambda device, opener: opener,
    watch: Callable[[Costs], None] = lambda costs: None,
    **changes: Any,
) -> tuple[Outcome, EmulatedFleet, dict[int, Tally]]:
    """The same on boards; what came of it, and what went over their lines."""
    fleet = EmulatedFleet(setup.inputs, Emulation(board, emulator), **changes)
    tallies = {device: Tally(payloads={}) for device in range(len(setup.inputs.streams))}

    def wire(device: int, its: object, opener: Opener) -> Opener:
        def opened() -> Transport:
            return Recorder(
                spoil(device, opener)(), tallies[device],
                lambda line, exchange: on_train(device, line, exchange),
            )  # fmt: skip

        return opened

    fleet.wire = wire
    return run_with(setup, fleet, watch), fleet, tallies


def simulated(setup: Setup, wrap: Callable[[Fleet], Fleet] = lambda fleet: fleet) -> Outcome:
    return run_with(setup, wrap(setup.fleet))


@pytest.mark.parametrize(
    ("board", "emulator", "settings"),
    [
        ("cortex-m0", "unicorn", {}),
        ("cortex-m0", "qemu", {"mode": "single-layer"}),
        ("cortex-m4", "unicorn", {"mode": "single-layer", "rounds": 6}),
        ("cortex-m4", "unicorn", {"own_data": True}),
        ("cortex-m4", "unicorn", {"own_data": True, "buffers_per_round": 2, "rounds": 2}),
        ("cortex-m4", "unicorn", {"average_every": "epoch", "local_epochs": 2, "rounds": 2}),
        ("cortex-m4", "unicorn", {"recipe_settings": {"weight_bits": 8}}),
        ("riscv32", "qemu", {"layers": [64, 7, 9, 10], "mode": "single-layer"}),
    ],
)
@pytest.mark.parametrize("coder", [False, True], ids=["packed", "coded"])
def test_the_digest_is_that_of_the_simulation(
    board: str, emulator: str, settings: dict[str, Any], coder: bool
) -> None:
    between = len(settings.get("layers", "abc")) - 3
    setup = short_setup(
        upload=(replace(TERNARY, rows=2), *[FOUR_BITS] * between, EIGHT_BITS),
        download=(FOUR_BITS, *[TERNARY] * between, EIGHT_BITS), **settings,
    )  # fmt: skip
    outcome, fleet, tallies = on_boards(setup, board, emulator, coder=coder)
    assert outcome == simulated(setup)
    seen = {device: (tally.down, tally.up) for device, tally in tallies.items()}
    assert fleet.linked.traffic == seen
    for tally in tallies.values():
        assert tally.payloads is not None
        assert tally.payloads[Kind.GET_CHANGES] > 0
        # No layer went whole, either way; biases may.
        weights = min(layer.fan_in * layer.fan_out for layer in setup.network.layers)
        assert tally.payloads.get(Kind.PUT_PARAMETERS, 0) < weights


def test_short_updates_take_a_fraction_of_the_bytes() -> None:
    whole = build(Experiment(**SMALL))
    every = {}
    for name, setup, coder in (
        ("whole", whole, False), ("packed", short_setup(), False), ("coded", short_setup(), True),
    ):  # fmt: skip
        _, _, tallies = on_boards(setup, coder=coder)
        every[name] = tallies[0]
    assert every["packed"].up < every["whole"].up / 2
    assert every["coded"].up < every["packed"].up


@pytest.mark.parametrize("coder", [False, True], ids=["packed", "coded"])
def test_what_parameters_took_on_the_line_is_told_frames_included(coder: bool) -> None:
    setup = short_setup(layers=[64, 8, 10])
    costs = list[Costs]()
    outcome, fleet, tallies = on_boards(setup, coder=coder, watch=costs.append)
    assert outcome == simulated(setup)
    giving = (Kind.CONFIGURE, Kind.PUT_CENTRE, Kind.PUT_PARAMETERS, Kind.PUT_CHANGES,
              Kind.PUT_START)  # fmt: skip
    expected = 0
    for tally in tallies.values():
        expected += sum(tally.framed.get(kind, 0) for kind in giving)
    assert sum(one.bytes_down for one in costs) == expected
    assert fleet.linked.traffic[0][0] > expected // 3
    assert all(one.bytes_up > 0 for one in costs)


def test_one_byte_in_a_hundred_spoilt() -> None:
    lines: list[FaultyLine] = []
    setup = short_setup(rounds=2, layers=[64, 8, 10])
    outcome, _, _ = on_boards(
        setup, spoil=lambda device, opener: faulty(opener, 0.01, device, lines.append)
    )
    assert outcome == simulated(setup)
    assert all(line.faults > 50 for line in lines)


def test_sealed_lines_have_the_same_digest() -> None:
    setup = short_setup()
    outcome, _, _ = on_boards(setup, sealed=True)
    assert outcome == simulated(setup)


def test_a_board_goes_on_with_nothing_but_what_it_has_just_made() -> None:
    setup = short_setup(rounds=1)
    fleet = EmulatedFleet(setup.inputs, Emulation("cortex-m4", "unicorn"))
    try:
        state, _ = begin(setup.federation, fleet, setup.start)
        (plan,) = setup.federation.plans(state)
        assert len(list(fleet.fit(plan, state.parameters))) == 3
        client = fleet.linked._devices[0].client
        stream = setup.inputs.streams[0]
        client.clear()
        client.add_samples(*stream.read(0, setup.federation.buffer))
        assert client.train(10, 10, 0, 0, 0, goes_on=True).step == 20
        client.put_centre(state.parameters.centre)  # after which it has what it was given
        with pytest.raises(DeviceRefusedError) as refused:
            client.train(20, 10, 0, 0, 0, goes_on=True)
        assert refused.value.code == ORDER
    finally:
        fleet.close()


@pytest.mark.parametrize(
    ("mode", "buffers"), [("full-network", 1), ("single-layer", 1), ("full-network", 2)]
)
def test_boards_that_restart_and_that_miss_rounds_get_what_they_miss(
    mode: str, buffers: int
) -> None:
    restarted: set[tuple[int, int]] = set()

    def restart(device: int, line: Recorder, exchange: int) -> None:
        if (device + exchange) % 2 and (device, exchange) not in restarted:
            restarted.add((device, exchange))
            line.line.write(encode(Frame(Kind.RESET, line.session, 0x7FFF)))

    # Of four devices two are asked in a round: each misses some.
    setup = short_setup(
        devices=4, devices_per_round=2, rounds=6, mode=mode, buffers_per_round=buffers
    )
    outcome, _, tallies = on_boards(setup, on_train=restart)
    assert outcome == simulated(setup)
    assert len(restarted) > 3
    for tally in tallies.values():
        assert tally.payloads is not None
        assert tally.payloads[Kind.PUT_START] > 0


def test_a_board_that_leaves_an_exchange_is_left_out_of_it_alone() -> None:
    def restart(device: int, line: Recorder, exchange: int) -> None:
        if (device, exchange) == (1, 1):
            line.line.write(encode(Frame(Kind.RESET, line.session, 0x7FFF)))

    setup = short_setup()
    outcome, _, _ = on_boards(setup, on_train=restart, settings=LinkSettings("drop"))
    assert outcome.answered == ((0, 1, 2), (0, 2), (0, 1, 2), (0, 1, 2))
    gap = simulated(setup, lambda fleet: Missing(fleet, lambda d, e: (d, e) == (1, 1)))
    assert outcome == gap


def test_a_board_without_room_for_two_copies_sends_whole_parameters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def without_room(*shape: Any, **what: Any) -> str:
        return experiment_header(*shape, **(what | {"received": False}))

    monkeypatch.setattr("tifed.fleets.emulated.experiment_header", without_room)
    setup = short_setup()
    outcome, _, tallies = on_boards(setup)
    assert outcome == simulated(setup)
    for tally in tallies.values():
        assert tally.payloads is not None
        assert Kind.GET_CHANGES not in tally.payloads
        assert tally.payloads[Kind.PUT_START] > 0


@pytest.mark.parametrize("processor", ["cortex-m0", "cortex-m4", "riscv32"])
def test_a_plan_leaves_room_in_flash_for_what_short_updates_take(processor: str) -> None:
    network = build(Experiment(**SMALL)).network
    sizes, data = [], []
    short_and_coder = {"short": True, "coder": True}
    every: tuple[dict[str, Any], ...] = (
        {}, {"short": True}, short_and_coder, short_and_coder | {"quiet": True},
    )  # fmt: skip
    for switches in every:
        header = experiment_header(network, [(0, 1), (0,)], 20, 10, **switches)
        image = read_image(build_firmware(QEMU[processor], header).elf)
        sizes.append(image.code)
        data.append(image.data)
    plain, short, coded, quiet = sizes
    assert SHORT_UPDATES * 3 // 4 < short - plain <= SHORT_UPDATES
    assert CODER * 3 // 4 < coded - short <= CODER
    assert QUIET * 3 // 4 < quiet - coded <= QUIET
    assert QUIET_STATIC * 3 // 4 < data[3] - data[2] <= QUIET_STATIC
