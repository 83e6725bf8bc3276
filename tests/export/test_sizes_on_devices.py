"""Compiled for a 32-bit device: sizes as `tifed.rule.network.memory` has them; no floats."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tifed.export import Model, export
from tifed.rule.network.memory import device_memory

pytestmark = pytest.mark.slow(3)

ZIG = [sys.executable, "-m", "ziglang"]
COMPILERS = {
    "zig": [*ZIG, "cc", "-target", "thumb-freestanding-eabi", "-mcpu=cortex_m0",
            "-fno-sanitize=all"],
    "gcc": ["arm-none-eabi-gcc", "-mcpu=cortex-m0", "-mthumb"],
}  # fmt: skip

CASES = [
    ([], (0, 1), False),
    ([], (1,), False),
    ([], (0,), True),
    (["batch=7", "buffer=13"], (1,), True),
    (["recipe_settings.centred=false"], (0, 1), False),
    (["recipe=paper", "layers=[64,33,10]"], (0, 1), False),
    (["layers=[64,13,9,10]", "recipe_settings.weight_bits=8"], (0, 2), False),
    (["layers=[64,13,9,10]", "recipe_settings.weight_bits=8"], (1,), True),
]


@pytest.fixture(scope="module", params=COMPILERS)
def compiler(request: pytest.FixtureRequest) -> list[str]:
    """A compiler for a Cortex-M0."""
    name = request.param
    if name == "zig" and importlib.util.find_spec("ziglang") is None:
        pytest.skip("ziglang is not installed (the extra emulator brings it)")
    if name == "gcc" and shutil.which("arm-none-eabi-gcc") is None and "CI" not in os.environ:
        pytest.skip("arm-none-eabi-gcc is not installed")
    return COMPILERS[name]


def test_the_memory_is_the_one_that_was_planned(
    compiler: list[str], tmp_path: Path, make_model: Callable[..., Model]
) -> None:
    sources = []
    for number, (overrides, layers, parameters) in enumerate(CASES):
        model = make_model(*overrides, layers=layers, parameters=parameters)
        export(model, "cmake", tmp_path / f"c{number}")
        planned = device_memory(
            model.network, layers, model.experiment.buffer, model.experiment.batch,
            frozen_in_flash=parameters,
        )  # fmt: skip
        source = tmp_path / f"size{number}.c"
        source.write_text(
            f'#include "c{number}/include/tifed_model.h"\n'
            f'_Static_assert(TIFED_MODEL_BYTES == {planned.total}u, "case {number}");\n'
            f'_Static_assert(TIFED_MODEL_BYTES != {planned.total + 4}u, "case {number}");\n'
        )
        sources.append(source)
    for number, source in enumerate(sources):
        done = subprocess.run(
            [*compiler, "-std=c11", "-ffreestanding", f"-I{tmp_path}/c{number}/include",
             "-c", str(source), "-o", str(source.with_suffix(".o"))],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def test_no_float_is_in_the_objects(
    compiler: list[str], tmp_path: Path, make_model: Callable[..., Model]
) -> None:
    pytest.importorskip("elftools", reason="the extra emulator brings it")
    from tifed.board.firmware.elf import read_image

    library = tmp_path / "library"
    export(make_model(parameters=True), "cmake", library)
    folders = [library / "include", library / "src", library / "include/tifed_link"]
    needed: set[str] = set()
    for source in sorted(library.glob("src/**/*.c")):
        made = tmp_path / f"{source.stem}.o"
        done = subprocess.run(
            [*compiler, "-std=c11", "-Os", "-ffreestanding", "-Wall", "-Werror",
             *(f"-I{folder}" for folder in folders), "-c", str(source), "-o", str(made)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        image = read_image(made)
        assert image.floating == ()
        needed |= image.symbols.keys()
    assert any(name.startswith("__aeabi_") for name in needed), "a Cortex-M0 divides in a function"
