"""Devices that compute a front end themselves end with the simulator's digest."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tifed.board.emulators.unicorn import UnicornBoard
from tifed.board.firmware import build_firmware, experiment_header
from tifed.board.firmware.emulated_boards import UNICORN
from tifed.data import load
from tifed.errors import UsageError
from tifed.experiment import Experiment, build
from tifed.extractor import Convolution, Extractor, MaxPool, save_extractor
from tifed.fleets import FleetInputs
from tifed.fleets.emulated import Emulation, firmware_for
from tifed.fleets.linked import LinkedFleet
from tifed.link import Client, DeviceRefusedError, FrameReader, Patience, Transport
from tifed.link.faults import faulty
from tifed.link.frame import ANSWER, Frame, Kind
from tifed.plan.front_end_costs import STREAM
from tifed.rule.front_end import EDGE_FRONT_ENDS, FrontEnd, features, front_end_memory
from tifed.rule.recipes import Tuned

pytestmark = pytest.mark.slow(30)

FEATURES = {name: FrontEnd(name, (8, 8, 1)).features for name in EDGE_FRONT_ENDS}


def small(name: str, **settings: Any) -> dict[str, Any]:
    """An experiment of few seconds on an emulated board."""
    return {
        "dataset": "digits", "front_end": name, "layers": [FEATURES[name], 8, 10],
        "devices": 2, "rounds": 2,
    } | settings  # fmt: skip


@pytest.mark.parametrize("name", FEATURES)
@pytest.mark.parametrize(
    ("emulator", "board"),
    [("unicorn", "cortex-m0"), ("unicorn", "cortex-m4"), ("qemu", "riscv32")],
)
def test_devices_on_raw_samples_end_with_the_simulators_digest(
    emulated: Any, simulated: Any, name: str, emulator: str, board: str
) -> None:
    on_boards = emulated(**small(name), emulator=emulator, board=board)
    assert on_boards == simulated(**small(name), engine="oracle")
    assert on_boards == simulated(**small(name), engine="native")
    assert on_boards.answered == ((0, 1),) * 2


@pytest.mark.parametrize(
    ("emulator", "board"),
    [("qemu", "cortex-m0"), ("unicorn", "cortex-m7"), ("qemu", "cortex-m4")],
)
def test_other_boards_do_it_too(emulated: Any, simulated: Any, emulator: str, board: str) -> None:
    on_boards = emulated(**small("octants"), emulator=emulator, board=board)
    assert on_boards == simulated(**small("octants"))


def test_a_picture_longer_than_a_frame(emulated: Any, simulated: Any) -> None:
    experiment = {
        "dataset": "fashion-mnist", "front_end": "octants", "layers": [392, 8, 10],
        "devices": 2, "rounds": 2, "partition": {"limit_per_device": 30},
    }  # fmt: skip
    assert emulated(**experiment) == simulated(**experiment)


def test_a_bad_line_changes_nothing(emulated: Any, simulated: Any) -> None:
    lines: list[Any] = []

    def change(fleet: Any) -> None:
        fleet.patience = Patience(answer=0.3, silence=60.0)
        fleet.wire = lambda device, board, opener: faulty(opener, 0.003, device, lines.append)

    assert emulated(change, **small("edges")) == simulated(**small("edges"))
    assert sum(line.faults for line in lines) > 10


def behind(front_end: FrontEnd) -> Extractor:
    """An extractor that takes what ``front_end`` gives."""
    rng = np.random.default_rng(3)
    weights = rng.integers(-90, 91, (6, 3, 3, front_end.parts.directions)).astype(np.int8)
    bias, shift = np.zeros(6, np.int32), np.full(6, 9, np.uint8)
    layers = (Convolution(weights, bias, shift, padding=1), MaxPool(2, 2))
    return Extractor(front_end.output_shape, -128, layers)


@pytest.mark.parametrize("board", ["cortex-m0", "cortex-m4"])
def test_an_extractor_follows(emulated: Any, simulated: Any, tmp_path: Path, board: str) -> None:
    path = tmp_path / "e.safetensors"
    save_extractor(path, behind(FrontEnd("edges", (8, 8, 1))))
    experiment = small("edges", extractor=str(path), layers=[24, 8, 10])
    on_boards = emulated(**experiment, board=board)
    assert on_boards == simulated(**experiment, engine="oracle")
    assert on_boards == simulated(**experiment)


# --- what goes over the line ---------------------------------------------------------------------


@dataclass
class Recorded:
    """A line, and all frames that went over it."""

    line: Transport
    sent: list[Frame] = field(default_factory=list)
    heard: list[Frame] = field(default_factory=list)
    readers: tuple[FrameReader, FrameReader] = field(
        default_factory=lambda: (FrameReader(), FrameReader())
    )

    def read(self, seconds: float) -> bytes:
        data = self.line.read(seconds)
        self.heard += self.readers[0].feed(data)
        return data

    def write(self, data: bytes) -> None:
        self.sent += self.readers[1].feed(data)
        self.line.write(data)

    def close(self) -> None:
        self.line.close()


def samples_in(frames: list[Frame]) -> list[bytes]:
    """The samples that were sent, put together from their pieces."""
    samples: list[bytes] = []
    sequence = None
    for frame in frames:
        if frame.kind == Kind.PUT_SAMPLE and frame.sequence != sequence:
            sequence, offset = frame.sequence, int.from_bytes(frame.payload[4:8], "little")
            samples += [b""] * (offset == 0)
            assert len(samples[-1]) == offset
            samples[-1] += frame.payload[8:]
    return samples


def test_what_goes_over_the_line_is_the_raw_sample_and_no_feature_comes_back(
    emulated: Any,
) -> None:
    lines: list[Recorded] = []

    def change(fleet: Any) -> None:
        def wire(device: int, board: object, opener: Callable[[], Transport]) -> Any:
            lines.append(Recorded(opener()))
            return lambda: lines[device]

        fleet.wire = wire

    emulated(change, **small("edges", rounds=1, devices=1))
    (line,) = lines
    went = samples_in(line.sent)
    raw = {sample.tobytes() for sample in load("digits").train.features}
    assert len(went) > 20
    assert set(went) <= raw
    said = {frame.kind for frame in line.heard}
    wanted = {
        Kind.HELLO, Kind.CONFIGURE, Kind.PUT_CENTRE, Kind.PUT_PARAMETERS, Kind.GET_PARAMETERS,
        Kind.PUT_SAMPLE, Kind.CLEAR, Kind.GET_SUMS, Kind.TRAIN, Kind.STATUS,
    }  # fmt: skip
    assert said <= {kind | ANSWER for kind in wanted} | {Kind.READY, Kind.DONE}
    done = [frame.payload for frame in line.heard if frame.kind == Kind.PUT_SAMPLE | ANSWER]
    assert set(done) == {b"\0\0\0"}


@pytest.mark.parametrize("processor", ["cortex-m0", "cortex-m4"])
@pytest.mark.parametrize("name", FEATURES)
def test_features_made_on_a_processor_are_the_oracles(processor: str, name: str) -> None:
    """Pictures of odd sides and in colour, read back as the sums of one sample each."""
    for shape in ((9, 7, 1), (6, 11, 3)):
        front_end = FrontEnd(name, shape)
        rng = np.random.default_rng(5)
        samples = rng.choice([-128, -1, 0, 127], (3, front_end.input_features)).astype(np.int8)
        network = Tuned().network((front_end.features, 2), 4)
        header = experiment_header(network, [(0,)], 4, 4, front_end=front_end)
        board = UnicornBoard(build_firmware(UNICORN[processor], header))
        try:
            client = Client(processor, lambda: board)  # noqa: B023 - used in this turn only
            client.open_session()
            made = [client.calibrate(one[np.newaxis], network.features)[0] for one in samples]
            longer = np.zeros((1, front_end.input_features + 1), np.int8)
            with pytest.raises(DeviceRefusedError, match="length"):
                client.calibrate(longer, network.features)
        finally:
            board.close()
        assert np.array_equal(made, features(front_end, samples)), shape


# --- what a board is built for -------------------------------------------------------------------


@pytest.fixture
def inputs() -> FleetInputs:
    return build(Experiment(**small("edges", devices=1))).inputs


@pytest.fixture
def refused() -> Iterator[Callable[[FleetInputs, FleetInputs], str]]:
    """What a fleet says to a board that was built for something else."""
    boards: list[UnicornBoard] = []

    def refuse(here: FleetInputs, there: FleetInputs) -> str:
        boards.append(UnicornBoard(firmware_for(Emulation("cortex-m4"), there)))
        fleet = LinkedFleet(here, [Client("my board", lambda: boards[-1])])
        try:
            with pytest.raises(UsageError) as error:
                list(fleet.calibrate((0,), 1))
        finally:
            fleet.close()
        return str(error.value)

    yield refuse
    for board in boards:
        board.close()


def test_a_board_with_another_front_end_or_none_is_refused_by_name(
    inputs: FleetInputs, refused: Callable[[FleetInputs, FleetInputs], str]
) -> None:
    assert inputs.front_end == FrontEnd("edges", (8, 8, 1))
    none = replace(inputs, front_end=None)
    colours = replace(inputs, front_end=FrontEnd("edges", (8, 8, 3)))
    wanted = (
        "but this experiment has the front end 'edges' of samples of 8x8x1 values; build it for "
        "this experiment and flash it"
    )
    assert refused(inputs, none) == (f"my board: its firmware computes no front end, {wanted}")
    assert refused(inputs, colours) == (
        "my board: its firmware computes the front end 'edges' of samples of 8x8x3 values, "
        f"{wanted}"
    )
    other = build(Experiment(**small("octants", devices=1))).inputs
    for here, what in ((inputs, "the front end 'edges' of"), (none, "no front end, and flash it")):
        said = refused(here, other)
        assert "was built for another network, recipe, buffer or mini-batch, or for another" in said
        assert f"build it for this experiment, which has {what}" in said
    assert "which has no front end" in refused(none, inputs)


def test_a_front_end_that_does_not_fit_the_network_is_refused() -> None:
    front_end, network = FrontEnd("edges", (8, 8, 1)), Tuned().network((60, 10), 4)
    with pytest.raises(UsageError, match="front_end: 'edges' gives 64 .*the network takes 60"):
        experiment_header(network, [(0,)], 4, 4, front_end=front_end)
    extractor = behind(FrontEnd("octants", (8, 8, 1)))
    network = Tuned().network((extractor.features, 10), 4)
    with pytest.raises(UsageError, match="front_end: 'edges' gives 64 .*the extractor takes 32"):
        experiment_header(network, [(0,)], 4, 4, front_end=front_end, extractor=extractor)


def test_the_boards_ram_counts_its_rows() -> None:
    """16 KB of a micro:bit hold this network, and not the rows of so wide a picture as well."""
    from tifed.board.firmware.elf import read_image
    from tifed.board.firmware.emulated_boards import QEMU

    board, network = QEMU["cortex-m0"], Tuned().network((512, 4), 4)
    narrow, wide = FrontEnd("edges-small", (32, 64, 1)), FrontEnd("edges-small", (8, 256, 1))
    second = FrontEnd("octants-second-order", (16, 32, 1))
    data = [
        read_image(
            build_firmware(board, experiment_header(network, [(0,)], 4, 4, front_end=it)).elf
        ).data
        for it in (None, narrow, wide, second)
    ]
    assert narrow.features == wide.features == second.features == 512
    stream = data[1] - data[0] - front_end_memory(narrow).total
    assert stream == STREAM
    assert data[2] - data[0] - front_end_memory(wide).total == stream
    assert data[3] - data[0] - front_end_memory(second).total == stream
    too_wide = FrontEnd("edges-small", (4, 1024, 1))
    network = Tuned().network((too_wide.features, 2), 4)
    build_firmware(board, experiment_header(network, [(0,)], 2, 2))
    header = experiment_header(network, [(0,)], 2, 2, front_end=too_wide)
    with pytest.raises(UsageError, match="does not fit the 16 KB of RAM .* of microbit"):
        build_firmware(board, header)
