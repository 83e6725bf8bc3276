"""The point of it all: every processor ends with the simulator's digest."""

from typing import Any

import pytest

from tifed.board.firmware.elf import read_image
from tifed.experiment import Experiment
from tifed.experiment.setup import build
from tifed.fleets.emulated import Emulation, firmware_for

pytestmark = pytest.mark.slow(60)

BOARDS = [
    *(("unicorn", board) for board in ("cortex-m0", "cortex-m3", "cortex-m4", "cortex-m7")),
    *(("qemu", board) for board in ("cortex-m0", "cortex-m3", "cortex-m4", "cortex-m7", "riscv32")),
]


@pytest.mark.parametrize("mode", ["full-network", "single-layer"])
@pytest.mark.parametrize(("emulator", "board"), BOARDS)
def test_four_devices_train_digits(
    emulated: Any, simulated: Any, emulator: str, board: str, mode: str
) -> None:
    experiment = {"dataset": "digits", "devices": 4, "rounds": 3, "mode": mode}
    on_boards = emulated(**experiment, emulator=emulator, board=board)
    assert on_boards == simulated(**experiment)
    assert on_boards.answered == ((0, 1, 2, 3),) * 3


@pytest.mark.parametrize(
    "settings",
    [
        {"recipe": "paper"},
        {"recipe_settings": {"weight_bits": 8}},
        {"recipe_settings": {"activation": "relu"}, "mode": "single-layer"},
        {"layers": [64, 12, 9, 10], "average_every": "epoch"},
        {"average_every": "mini-batch", "local_epochs": 1},
        {"mode": "per-device", "device_layers": [[0, 1], [1]], "seed": (1 << 64) - 3},
        {"at_end": "stop", "buffer": 13, "batch": 5, "partition": {"limit_per_device": 30}},
        {"class_weights": [1, 3, 1, 1, 8, 1, 1, 1, 1, 2], "buffer": 15},
        {"compression": {"upload": "ternary", "download": "ternary", "rows": 2}},
        {"buffers_per_round": 2, "mode": "single-layer"},
        {"buffers_per_round": 3, "compression": {"upload": "4-bit", "download": "ternary"}},
    ],
    ids=[
        "paper",
        "int8",
        "relu",
        "deep",
        "mini-batch",
        "per-device",
        "stop",
        "weights",
        "short",
        "buffers",
        "short-buffers",
    ],
)
@pytest.mark.parametrize("board", ["cortex-m0", "cortex-m4"])
def test_every_kind_of_experiment_on_a_processor(
    emulated: Any, simulated: Any, board: str, settings: dict[str, Any]
) -> None:
    experiment: dict[str, Any] = {"dataset": "digits", "devices": 2, "rounds": 3} | settings
    assert emulated(**experiment, board=board) == simulated(**experiment)


def test_a_sample_longer_than_a_frame(emulated: Any, simulated: Any) -> None:
    experiment = {"dataset": "fashion-mnist", "devices": 2, "rounds": 1, "layers": [784, 16, 10]}
    assert emulated(**experiment) == simulated(**experiment)


@pytest.mark.parametrize(
    ("emulator", "board"),
    [("unicorn", "cortex-m4"), ("qemu", "cortex-m0"), ("qemu", "riscv32")],
)
def test_layers_that_nobody_trains_are_constants_in_flash(
    emulated: Any, simulated: Any, emulator: str, board: str
) -> None:
    experiment: dict[str, Any] = {
        "dataset": "digits", "devices": 2, "rounds": 3, "buffer": 10,
        "mode": "per-device", "device_layers": [[1], [1]],
    }  # fmt: skip
    # Of 64-150-10 the first layer alone is more than the 16 KB of RAM of the Cortex-M0's board.
    experiment["layers"] = [64, 150, 10]
    assert emulated(**experiment, emulator=emulator, board=board) == simulated(**experiment)


def test_the_last_layer_needs_a_fifth_of_the_ram_where_the_first_is_in_flash(
    emulated: Any, simulated: Any
) -> None:
    experiment: dict[str, Any] = {
        "dataset": "fashion-mnist", "layers": [784, 200, 10], "devices": 1, "rounds": 1,
        "buffer": 50, "local_epochs": 1, "mode": "per-device", "device_layers": [[1]],
    }  # fmt: skip
    whole = experiment | {"mode": "full-network", "device_layers": None}
    everything, last = (
        read_image(firmware_for(Emulation(), build(Experiment(**it)).inputs).elf)
        for it in (whole, experiment)
    )
    # All variables of the program, the link's buffers included; stacks are the same.
    assert everything.data >= 5 * last.data
    assert last.code - everything.code > 2 * 784 * 200
    assert emulated(**experiment) == simulated(**experiment)
