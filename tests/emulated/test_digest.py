"""The point of it all: every processor ends with the simulator's digest."""

from typing import Any

import pytest

BOARDS = [
    *(("unicorn", board) for board in ("cortex-m0", "cortex-m3", "cortex-m4", "cortex-m7")),
    *(("qemu", board) for board in ("cortex-m0", "cortex-m3", "cortex-m4", "cortex-m7", "riscv32")),
]


@pytest.mark.parametrize("mode", ["full-network", "single-layer"])
@pytest.mark.parametrize(("emulator", "board"), BOARDS)
def test_four_devices_train_digits(
    emulated: Any, simulated: Any, emulator: str, board: str, mode: str
) -> None:
    experiment = {"dataset": "digits", "devices": 4, "rounds": 5, "mode": mode}
    on_boards = emulated(**experiment, emulator=emulator, board=board)
    assert on_boards == simulated(**experiment)
    assert on_boards.answered == ((0, 1, 2, 3),) * 5


@pytest.mark.parametrize(
    "settings",
    [
        {"recipe": "paper"},
        {"recipe": "tuned-int8"},
        {"recipe": "tuned-absolute", "mode": "single-layer"},
        {"layers": [64, 12, 9, 10], "average_every": "epoch"},
        {"average_every": "mini-batch", "local_epochs": 1},
        {"mode": "per-device", "device_layers": [[0, 1], [1]], "seed": (1 << 64) - 3},
        {"at_end": "stop", "buffer": 13, "batch": 5, "partition": {"limit_per_device": 30}},
    ],
    ids=["paper", "int8", "absolute", "deep", "mini-batch", "per-device", "stop"],
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
