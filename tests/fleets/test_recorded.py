"""Boards that make their samples themselves, of a sensor's readings: the simulator's digest."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tifed.board.emulators.unicorn import UnicornBoard
from tifed.board.firmware import build_firmware, experiment_header
from tifed.board.firmware.elf import read_image
from tifed.board.firmware.emulated_boards import QEMU, UNICORN, EmulatedBoard
from tifed.data.motion import motion_dataset
from tifed.data.recorded import Recorded
from tifed.data.table import Table
from tifed.errors import UsageError
from tifed.experiment import Experiment
from tifed.experiment.setup import Setup, build
from tifed.federation import begin, federate, published, with_own_data
from tifed.fleets.emulated import EmulatedFleet
from tifed.fleets.recordings import recordings_image
from tifed.rule.signal.motion import MotionFrontEnd
from tifed.rule.store import Store, StoreShape, open_store

pytestmark = pytest.mark.slow(20)

AXES = 3
OPTIONS: dict[str, Any] = {
    "group_column": "who", "side_column": "wrist", "window": 32, "hop": 16, "scale": 4096,
    "mirror_side": "left", "mirror_axes": ["ax"],
}  # fmt: skip


def gestures(folder: Path) -> Path:
    """Two gestures of five people on both wrists; some readings are beyond what a sensor has."""
    rng = np.random.default_rng(5)
    lines = ["ax,ay,az,label,who,wrist\n"]
    for label, size in (("shake", 5.0), ("rest", 0.05)):
        for who in ("ann", "bob", "cat", "dan", "eve"):
            for wrist in ("left", "right"):
                for x, y, z in rng.normal(0, size, (100, AXES)).tolist():
                    lines.append(f"{x},{y},{z},{label},{who},{wrist}\n")
    path = folder / "gestures.csv"
    path.write_text("".join(lines))
    return path


def settings(folder: Path, **more: Any) -> dict[str, Any]:
    return {
        "dataset": str(gestures(folder)), "front_end": "motion", "own_data": True, "devices": 4,
        "data": {**OPTIONS, "held_out_groups": ["eve"]}, "partition": {"kind": "group"},
        "rounds": 2, "buffer": 8, "batch": 4, "personal": {"rounds": 1},
    } | more  # fmt: skip


def digest(setup: Setup) -> tuple[Any, ...]:
    """Of the model, and what each device says of its samples."""
    fleet = with_own_data(setup.fleet)
    try:
        state, _ = begin(setup.federation, fleet, setup.start)
        for state, _ in federate(setup.federation, fleet, state):  # noqa: B020 -- the last one
            pass
        model = published(setup.federation.server, state)
        scores = sorted((one.device, one.correct, one.samples) for one in fleet.evaluate(model))
        return model.digest, scores
    finally:
        fleet.close()


def recorded(setup: Setup) -> Recorded:
    assert setup.inputs.recorded is not None
    return setup.inputs.recorded


@pytest.mark.parametrize(
    ("emulator", "board"), [("unicorn", "cortex-m0"), ("unicorn", "cortex-m4"), ("qemu", "riscv32")]
)
def test_four_boards_end_as_the_simulator_does(emulator: str, board: str, tmp_path: Path) -> None:
    given = settings(tmp_path)
    simulated = build(Experiment(**given))
    assert (np.abs(recorded(simulated).readings.astype(int)) >= 32767).any()
    assert recorded(simulated).turned.any()
    assert not recorded(simulated).turned.all()
    boards = build(Experiment(**given, fleet="emulated", emulator=emulator, board=board))
    # Features that were made here would not do: the boards do not get these.
    none = [replace(one, samples=np.zeros_like(one.samples)) for one in boards.inputs.stored]
    assert isinstance(boards.fleet, EmulatedFleet)
    boards.fleet.inputs = replace(boards.inputs, stored=none)
    assert digest(boards) == digest(simulated)


def test_another_reading_gives_another_digest(tmp_path: Path) -> None:
    given = settings(tmp_path)
    boards = build(Experiment(**given, fleet="emulated"))
    readings = recorded(boards).readings.copy()
    readings[recorded(boards).first[boards.inputs.stored[0].order[0]] + 3] += 2000
    assert isinstance(boards.fleet, EmulatedFleet)
    changed = replace(recorded(boards), readings=readings)
    boards.fleet.inputs = replace(boards.inputs, recorded=changed)
    assert digest(boards)[0] != digest(build(Experiment(**given)))[0]


def played(
    board: EmulatedBoard, motion: MotionFrontEnd, image: bytes, shape: StoreShape, setup: Setup
) -> tuple[Store, tuple[str, ...]]:
    """The store of a board that has played the recordings of ``image``."""
    header = experiment_header(
        setup.network, [(0, 1)], 8, 4, store=shape, keeps=True, plays=motion,
        signal_digest=motion.digest,
    )  # fmt: skip
    firmware = build_firmware(board, header)
    elf = read_image(firmware.elf)
    chip = UnicornBoard(firmware, image)
    memory = chip.peek(elf.symbols["samples_bytes"], shape.bytes)
    chip.close()
    return open_store(shape, bytearray(memory)), elf.floating


def runs(lengths: Sequence[int]) -> Table:
    """Recordings of both sides of the body, of so many readings, from one limit to the other."""
    rng = np.random.default_rng(7)
    each = np.arange(len(lengths))
    readings = rng.integers(-9, 10, (sum(lengths), AXES)).astype(float)
    return Table(
        np.where(readings == -9, -100, readings),
        np.repeat(np.array(["a", "b"])[each % 2], lengths),
        None,
        feature_names=("x", "y", "z"),
        segments=np.repeat(each, lengths),
        sides=np.repeat(np.array(["left", "right"])[each // 2 % 2], lengths),
    )


def test_whole_recordings_give_the_windows_of_the_loader(tmp_path: Path) -> None:
    """Readings behind the last window, and recordings that are shorter than one, give nothing."""
    from tifed.data.readings import Mirror

    setup = build(Experiment(**settings(tmp_path)))
    lengths = (50, 31, 32, 100, 47, 48, 16, 33, 64, 1)
    table = runs(lengths)
    made = motion_dataset(
        tmp_path / "runs", table, table, window=32, hop=16, scale=3641.0,
        mirror=Mirror(("x",), "left"), classes=None,
    )  # fmt: skip
    motion = made.signal
    assert isinstance(motion, MotionFrontEnd)
    assert made.train.recorded is not None
    readings = made.train.recorded.readings
    assert readings.min() == -32768
    ends = np.cumsum(np.array(lengths, np.int64), dtype=np.int64)
    whole = Recorded(
        readings,
        ends - np.array(lengths, np.int64),
        np.array(lengths),
        np.arange(len(lengths)) // 2 % 2 == 0,
    )
    image = recordings_image(whole, (np.arange(len(lengths)) % 2).astype(np.int32))
    shape = StoreShape(motion.features, 20, 2, 4)
    store, floating = played(UNICORN["cortex-m3"], motion, image, shape, setup)
    assert floating == ()
    assert [one.values.tolist() for one in store.samples] == made.train.features.tolist()
    assert [one.label for one in store.samples] == made.train.labels.tolist()
    assert len(store.samples) == sum((n - 32) // 16 + 1 for n in lengths if n >= 32)


@pytest.mark.parametrize("board", [*QEMU.values(), *UNICORN.values()], ids=lambda one: one.name)
def test_nothing_floats_where_a_board_makes_its_samples(
    board: EmulatedBoard, tmp_path: Path
) -> None:
    setup = build(Experiment(**settings(tmp_path)))
    motion = MotionFrontEnd(AXES, 32)
    shape = StoreShape(motion.features, 10, 2, 4)
    plain = experiment_header(setup.network, [(0, 1)], 8, 4, store=shape)
    header = experiment_header(setup.network, [(0, 1)], 8, 4, store=shape, plays=motion)
    with_it, without = (read_image(build_firmware(board, one).elf) for one in (header, plain))
    assert with_it.floating == ()
    assert "tifed_motion_window" in with_it.symbols
    assert not [name for name in without.symbols if "motion" in name or "play" in name]


def test_a_board_without_room_is_named_with_its_numbers(tmp_path: Path) -> None:
    def started(**more: Any) -> None:
        setup = build(Experiment(**settings(tmp_path, **more), fleet="emulated"))
        assert isinstance(setup.fleet, EmulatedFleet)
        if "emulator" not in more:  # more readings than flash
            many = replace(recorded(setup), readings=np.zeros((1 << 18, AXES), np.int16))
            many = replace(many, first=many.first * 0, count=many.count * 0 + (1 << 18))
            setup.fleet.inputs = replace(setup.inputs, recorded=many)
        assert setup.fleet.linked

    with pytest.raises(
        UsageError, match=r"readings of \d+ samples of 45 values take 1573\d+ bytes"
    ):
        started()
    with pytest.raises(UsageError, match=r"store of \d+ samples .* bytes of RAM, .* has 16384"):
        started(
            devices=1, partition={}, data={**OPTIONS, "hop": 1, "held_out_groups": ["eve"]},
            emulator="qemu", board="cortex-m0",
        )  # fmt: skip


def test_what_was_recorded_is_checked() -> None:
    ones = np.ones(1, np.int64)
    readings = np.zeros((2, AXES), np.int16)
    assert len(Recorded(readings, ones, ones, ones > 1)) == 1
    with pytest.raises(UsageError, match="outside of the 2 that were recorded"):
        Recorded(readings, ones, 2 * ones, ones > 1)
    with pytest.raises(UsageError, match="readings: must be int16"):
        Recorded(readings.astype(np.int32), ones, ones, ones > 1)
    with pytest.raises(UsageError, match="recorded.count: must be int64"):
        Recorded(readings, ones, ones > 0, ones > 1)  # type: ignore[arg-type]
