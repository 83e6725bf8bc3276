"""The device's C where an `int` has 16 bits: the oracle's vectors on an emulated AVR."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tifed.board.firmware.short_header import RESIDUAL_SWITCH

ROOT = Path(__file__).parents[2]
CORE = ROOT / "src" / "tifed" / "core"
LINK = ROOT / "src" / "tifed" / "board" / "firmware"
SOURCES = [*sorted(CORE.glob("*.c")), LINK / "device.c", LINK / "link.c"]
TESTS = ROOT / "tests" / "core"
VECTORS = ROOT / "tests" / "vectors"
LEARNING = ("tifed.c", "tifed_kernel.c")
EXTRACTION = ("tifed_features.c", "tifed_kernel_features.c")
FRONT_END = (
    "tifed_front_end.c", "tifed_kernel_front_end.c",
    "tifed_second_order.c", "tifed_kernel_second_order.c",
)  # fmt: skip
MOTION = ("tifed_motion.c",)
LOG_MEL = ("tifed_log_mel.c", "tifed_kernel_log_mel.c")
SHIFTS = ("tifed_shifts.c", *FRONT_END)
STORE = ("tifed_store.c", "tifed_crc.c")
KEPT = ("tifed_kept.c", "tifed_crc.c", *LEARNING)
PROCESSOR = "atmega1284p"
"""Of those that simavr has, the one with the most RAM (16 KB): no case is too large for it."""
COMPILER = ["avr-gcc", f"-mmcu={PROCESSOR}", "-Os", "-Wall", "-Wextra", "-Wshadow", "-Werror"]
STRICT = [*COMPILER, "-std=c99", "-Wpedantic", "-Wconversion"]

pytestmark = [
    pytest.mark.slow(30),
    pytest.mark.skipif(
        not (shutil.which("avr-gcc") and shutil.which("simavr")) and "CI" not in os.environ,
        reason="scripts/system_packages installs gcc-avr, avr-libc and simavr",
    ),
]


def run(*command: str | Path) -> str:
    """Both outputs: simavr shows the serial line on the second."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def packed(text: str) -> bytes:
    """Numbers for flash, seven bits to a byte, the sign lowest."""
    out = bytearray()
    for number in map(int, text.split()):
        left = -2 * number - 1 if number < 0 else 2 * number
        while left > 127:
            out.append(left & 127 | 128)
            left >>= 7
        out.append(left)
    return bytes(out)


@pytest.mark.parametrize(
    ("vectors", "sources", "check", "count"),
    [
        ("core.txt", LEARNING, "check_core.c", 26),
        ("core_large_shifts.txt", LEARNING, "check_core.c", 6),
        ("core_energy_shifts.txt", LEARNING, "check_core.c", 17),
        ("features.txt", EXTRACTION, "check_extraction.c", 24),
        ("front_end.txt", FRONT_END, "check_front_end.c", 32),
        ("shifts.txt", SHIFTS, "check_shifts.c", 30),
        ("store.txt", STORE, "check_store.c", 24),
        ("kept.txt", KEPT, "check_kept.c", 8),
        ("quantise.txt", ("tifed_quantise.c",), "check_quantise.c", 40),
        ("motion.txt", MOTION, "check_motion.c", 18),
        ("log_mel.txt", LOG_MEL, "check_log_mel.c", 24),
        ("coder.txt", ("tifed_coder.c",), "check_coder.c", 45),
        ("residual.txt", ("tifed_changes.c", *LEARNING), "check_residual.c", 36),
    ],
    ids=[
        "learning",
        "large-shifts",
        "energy-shifts",
        "extraction",
        "front-end",
        "shifts",
        "store",
        "kept",
        "quantise",
        "motion",
        "log-mel",
        "coder",
        "residual",
    ],
)
def test_every_vector_is_right_where_an_int_has_16_bits(
    tmp_path: Path, vectors: str, sources: tuple[str, ...], check: str, count: int
) -> None:
    text = (VECTORS / vectors).read_text(encoding="ascii")
    assert text.startswith(f"{count}\n")
    cases, program = tmp_path / "cases.bin", tmp_path / "check"
    cases.write_bytes(packed(text))
    own = [TESTS / name for name in (check, "cases.c", "cases_from_flash.c", "flash.c")]
    run(
        *COMPILER, "-std=gnu99", "-I", CORE, f'-DCASES="{cases}"', f"-D{RESIDUAL_SWITCH}",
        *(CORE / source for source in sources), *own, "-o", program,
    )  # fmt: skip
    said = run("simavr", "-m", PROCESSOR, "-f", "20000000", program)
    assert f"{count:02} cases agree: device" in said


@pytest.mark.parametrize(
    "source",
    [*sorted(CORE.glob("*.c")), LINK / "device.c", LINK / "link.c"],
    ids=lambda it: it.name,
)
def test_the_compiler_warns_of_nothing(tmp_path: Path, source: Path) -> None:
    """Most sums in an `int` that is too small are nothing that it would warn of; shifts are."""
    run(*STRICT, "-I", CORE, "-I", LINK, "-c", source, "-o", tmp_path / "object.o")
