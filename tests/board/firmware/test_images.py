"""What is in the images, read from the ELF files."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tifed.board.firmware import build_firmware, experiment_header
from tifed.board.firmware.elf import ElfImage, read_image
from tifed.board.firmware.emulated_boards import QEMU, UNICORN, EmulatedBoard, board_for
from tifed.errors import RunError, UsageError
from tifed.experiment import Experiment
from tifed.experiment.setup import build
from tifed.rule.front_end import FrontEnd
from tifed.rule.network import Network

pytestmark = pytest.mark.slow(20)

BOARDS = [*QEMU.values(), *UNICORN.values()]
LARGEST_CORE = 8192
LARGEST_CODE = 12_288
LARGEST_FRONT_END = 3_072
"""Bytes of the core, of a whole image with link and board, and of what a front end adds to it.

Raised only for a reason.
"""


def network(**settings: Any) -> Network:
    return build(Experiment(dataset="digits", **settings)).network


def header(**settings: Any) -> str:
    return experiment_header(network(**settings), [(0,), (0, 1)], 20, 10)


def image(board: EmulatedBoard) -> ElfImage:
    return read_image(build_firmware(board, header()).elf)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_nothing_floats_and_the_code_is_small(board: EmulatedBoard) -> None:
    built = image(board)
    assert built.floating == ()
    assert {"tifed_step", "tifed_device_feed", "start"} <= set(built.symbols)
    assert 0 < built.core <= LARGEST_CORE
    assert built.core < built.code <= LARGEST_CODE


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_nothing_floats_in_a_front_end_and_only_firmware_with_one_has_its_code(
    board: EmulatedBoard,
) -> None:
    front_end = FrontEnd("edges", (8, 8, 1))
    with_it = read_image(
        build_firmware(
            board, experiment_header(network(), [(0,), (0, 1)], 20, 10, front_end=front_end)
        ).elf
    )
    plain = image(board)
    assert with_it.floating == ()
    assert "tifed_front_end_put" in with_it.symbols
    assert not [name for name in plain.symbols if "front_end" in name]
    assert 0 < with_it.code - plain.code <= LARGEST_FRONT_END


@pytest.mark.parametrize(
    "name", ["__aeabi_fmul", "__aeabi_d2iz", "__aeabi_i2f", "__addsf3", "__floatsidf", "__mulxf3"]
)
def test_software_floating_point_would_be_noticed(name: str) -> None:
    assert ElfImage(0, 0, 0, {name: 0, "__aeabi_uidivmod": 0, "__aeabi_lmul": 0}).floating == (
        name,
    )


def test_a_firmware_that_floats_is_found() -> None:
    """The check is not blind: a header that computes in floating point shows, or does not link."""
    spoilt = header() + "float spoilt(float x);\nfloat spoilt(float x) { return x * 1.5f; }\n"
    spoilt += '__attribute__((used, section(".vectors"))) '  # where the linker keeps everything
    spoilt += "static float (*const kept)(float) = spoilt;\n"
    with pytest.raises(RunError, match="__aeabi_fmul|__mulsf3"):
        build_firmware(QEMU["cortex-m0"], spoilt)


@pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None and "CI" not in os.environ,
    reason="an option, not a need; scripts/system_packages installs it",
)
@pytest.mark.parametrize("processor", ["cortex-m0", "cortex-m3", "cortex-m4"])
def test_a_system_gcc_builds_it_too(processor: str) -> None:
    built = read_image(build_firmware(QEMU[processor], header(), "gcc").elf)
    assert built.floating == ()
    assert built.code <= LARGEST_CODE


def test_an_image_is_built_once(tmp_path: Path) -> None:
    first = build_firmware(QEMU["cortex-m3"], header(), cache=tmp_path)
    before = first.elf.stat().st_mtime_ns
    assert build_firmware(QEMU["cortex-m3"], header(), cache=tmp_path) == first
    assert first.elf.stat().st_mtime_ns == before
    other = build_firmware(QEMU["cortex-m3"], header(layers=(64, 8, 10)), cache=tmp_path)
    assert other.elf != first.elf
    assert not list(tmp_path.rglob(".build-*"))


def test_what_does_not_fit_the_board_is_refused() -> None:
    with pytest.raises(UsageError, match="16 KB of\nRAM|16 KB of RAM"):
        build_firmware(QEMU["cortex-m0"], header(layers=(64, 200, 10)))


def test_wide_weights_are_for_simulations() -> None:
    with pytest.raises(UsageError, match="weight_bits"):
        experiment_header(
            network(recipe="paper", recipe_settings={"weight_bits": 32}), [(0,)], 20, 10
        )


def test_unicorn_says_what_it_has() -> None:
    with pytest.raises(UsageError, match="emulator = 'qemu' has it"):
        board_for("riscv32", "unicorn")
