"""The device's front ends, shift copies, store, kept model, quantisation, coder: without Python."""

import importlib.util
import os
import re
import runpy
import shutil
import sys
from pathlib import Path

import pytest
from tests.compiling import compiled

from tifed.board.firmware.emulated_boards import PROCESSORS
from tifed.board.firmware.short_header import RESIDUAL_SWITCH

ROOT = Path(__file__).parents[2]
CORE = ROOT / "src" / "tifed" / "core"
PICTURES = ("front_end", "kernel_front_end", "second_order", "kernel_second_order", "shifts")
SIGNALS = ("motion", "log_mel", "kernel_log_mel", "quantise")
LINK = ("coder",)
SOURCES = tuple(CORE / f"tifed_{name}.c" for name in (*PICTURES, *SIGNALS, *LINK))
OTHERS = tuple(
    CORE / f"tifed{name}.c" for name in ("", "_kernel", "_crc", "_store", "_kept", "_changes")
)
VECTORS = ROOT / "tests" / "vectors"
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
CHECK = ("check_front_end_file.c", "cases.c", "cases_from_file.c", "flash.c")
CASES = {
    "front_end": 32, "shifts": 30, "store": 24, "kept": 8, "motion": 18, "log_mel": 24,
    "quantise": 40, "coder": 45, "residual": 36,
}  # fmt: skip
KEEPS = f"-D{RESIDUAL_SWITCH}"
NAMES = tuple(CASES)
DIVISIONS = {"__aeabi_uidiv", "__aeabi_idiv"}
"""What a Cortex-M0 has no instruction for."""
ZIG = [sys.executable, "-m", "ziglang", "cc"]

pytestmark = pytest.mark.slow(60)

needs_zig = pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is None, reason="pip install ziglang"
)
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")


def run(*command: str | Path) -> str:
    """Standard output; a failure shows both outputs."""
    done = compiled(command)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def agreement(name: str) -> str:
    """What the test program for the vectors called ``name`` says if all is well."""
    return f"{CASES[name]} cases agree: device\n"


def build(where: Path, name: str, compiler: list[str], *flags: str) -> Path:
    """The test program for the vectors called ``name``, strictly compiled."""
    target = where / f"check_{name}"
    check = (*CHECK, f"{target.name}.c")
    sources = [*SOURCES, *OTHERS, *(ROOT / "tests" / "core" / source for source in check)]
    run(*compiler, *STRICT, *flags, KEEPS, "-I", CORE, *sources, "-o", target)
    return target


@pytest.mark.parametrize("name", NAMES)
def test_vectors_are_what_the_oracle_writes_today(name: str) -> None:
    written = runpy.run_path(str(VECTORS / f"write_{name}.py"))
    assert (VECTORS / f"{name}.txt").read_text(encoding="ascii") == written["text"]()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("compiler", "flags"),
    [
        pytest.param(["gcc"], ["-O2"], marks=needs_gcc, id="gcc"),
        pytest.param(ZIG, ["-O2"], marks=needs_zig, id="clang"),
        pytest.param(
            ["gcc"],
            ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
            marks=needs_gcc,
            id="sanitizers",
        ),
    ],
)
def test_the_device_agrees_with_the_oracle(
    tmp_path: Path, name: str, compiler: list[str], flags: list[str]
) -> None:
    check = build(tmp_path, name, compiler, *flags)
    assert run(check, VECTORS / f"{name}.txt") == agreement(name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.skipif(
    not (shutil.which("aarch64-linux-gnu-gcc") and shutil.which("qemu-aarch64"))
    and "CI" not in os.environ,
    reason="scripts/system_packages installs gcc-aarch64-linux-gnu and qemu-user",
)
def test_a_64_bit_arm_agrees(tmp_path: Path, name: str) -> None:
    check = build(tmp_path, name, ["aarch64-linux-gnu-gcc"], "-O2", "-static")
    assert run("qemu-aarch64", check, VECTORS / f"{name}.txt") == agreement(name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.skipif(
    not (shutil.which("s390x-linux-gnu-gcc") and shutil.which("qemu-s390x"))
    and "CI" not in os.environ,
    reason="scripts/system_packages installs gcc-s390x-linux-gnu and qemu-user",
)
def test_a_machine_with_the_highest_byte_first_agrees(tmp_path: Path, name: str) -> None:
    check = build(tmp_path, name, ["s390x-linux-gnu-gcc"], "-O2", "-static")
    assert run("qemu-s390x", check, VECTORS / f"{name}.txt") == agreement(name)


@needs_zig
@pytest.mark.parametrize("processor", PROCESSORS)
def test_a_front_end_is_freestanding(tmp_path: Path, processor: str) -> None:
    """No symbol from outside but a Cortex-M0's division and how RISC-V saves registers."""
    assembly = ""
    for source in SOURCES:
        target = tmp_path / f"{source.stem}.s"
        run(
            *ZIG, *PROCESSORS[processor].zig, *STRICT, "-O2",
            "-Wno-unused-command-line-argument", "-ffreestanding", "-fno-builtin",
            "-fno-sanitize=all", "-S", source, "-o", target,
        )  # fmt: skip
        assembly += target.read_text()
    called = set(re.findall(r"\t(?:bl?|call|tail)\t(?:t0, )?([A-Za-z_]\w*)$", assembly, re.M))
    called = {name for name in called if not re.fullmatch(r"__riscv_(save|restore)_\d+", name)}
    defined = set(re.findall(r"^([A-Za-z_]\w*):", assembly, re.M))
    assert called - defined == (DIVISIONS if processor == "cortex-m0" else set())
