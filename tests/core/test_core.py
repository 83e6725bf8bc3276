"""The C core and the host's kernels, compiled and run apart from Python."""

import importlib.util
import os
import platform
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.compiling import compiled

pytestmark = pytest.mark.slow(30)

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "tifed"
CORE = PACKAGE / "core"
VECTORS = ROOT / "tests" / "vectors" / "core.txt"
LARGE_SHIFTS = VECTORS.with_name("core_large_shifts.txt")
ENERGY_SHIFTS = VECTORS.with_name("core_energy_shifts.txt")
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
AVX512 = ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl"]
SOURCES: dict[str, list[str]] = {
    "core/tifed.c": [], "core/tifed_kernel.c": [],
    "native/host/panel.c": [], "native/host/panel_portable.c": [],
}  # fmt: skip
X86 = {
    "native/host/panel_avx2.c": ["-mavx2"], "native/host/panel_avx512bw.c": AVX512,
    "native/host/panel_avx512vnni.c": [*AVX512, "-mavx512vnni"],
}  # fmt: skip
CHECK = ("check.c", "check_core.c", "check_upload.c", "cases.c", "cases_from_file.c")
NEON: dict[str, list[str]] = {"native/host/panel_neon.c": []}
ZIG = [sys.executable, "-m", "ziglang", "cc"]

needs_zig = pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is None, reason="pip install ziglang"
)
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")
needs_x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="not an x86-64")


def run(*command: str | Path) -> str:
    """Standard output; a failure shows both outputs."""
    done = compiled(command)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build(
    where: Path,
    compiler: list[str],
    flags: list[str],
    sources: dict[str, list[str]],
    linker: str | None = None,
) -> Path:
    """The test program, strictly compiled.

    With a GCC as ``linker``, the C library is the one that it has. Zig would compile one first,
    which takes longer than all of these tests.
    """
    files = {PACKAGE / name: own for name, own in sources.items()}
    files |= {ROOT / "tests" / "core" / name: [] for name in CHECK}
    includes: list[str | Path] = ["-I", CORE, "-I", PACKAGE / "native"]
    objects = []
    for source, own in files.items():
        objects.append(where / (source.stem + ".o"))
        run(*compiler, *STRICT, *flags, *own, *includes, "-c", source, "-o", objects[-1])
    run(*([linker] if linker else compiler), *flags, *objects, "-o", where / "check")
    return where / "check"


@pytest.mark.parametrize("file", [VECTORS, LARGE_SHIFTS, ENERGY_SHIFTS], ids=lambda file: file.stem)
def test_vectors_are_what_the_oracle_writes_today(file: Path) -> None:
    written = runpy.run_path(str(VECTORS.with_name("write_core.py")))
    assert file.read_text(encoding="ascii") == written["text"](file.name)


@needs_gcc
def test_what_the_core_assumes_is_asked_of_the_compiler(tmp_path: Path) -> None:
    """A compiler for which something does not hold says what."""
    command = [
        "gcc",
        "-std=c99",
        "-Wpedantic",
        "-Werror",
        "-fsyntax-only",
        "-I",
        str(CORE),
        "-xc",
        "-",
    ]
    for holds in (True, False):
        text = '#include "tifed_assumptions.h"\n'
        text += f"TIFED_ASSUME(no_surprise, (-5 >> 1) == {-2 - holds});\n"
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        assert (done.returncode == 0) == holds
        assert ("tifed_assumes_no_surprise" in done.stderr) != holds


@needs_x86
@pytest.mark.parametrize(
    "compiler",
    [
        pytest.param(["gcc"], marks=needs_gcc, id="gcc"),
        pytest.param(ZIG, marks=[needs_gcc, needs_zig], id="clang"),
    ],
)
def test_core_and_kernels_agree(tmp_path: Path, compiler: list[str]) -> None:
    check = build(tmp_path, compiler, ["-O1"], {**SOURCES, **X86}, linker="gcc")
    assert run(check, "vectors", VECTORS).startswith("26 cases agree: portable avx2")
    assert run(check, "vectors", LARGE_SHIFTS).startswith("6 cases agree: portable avx2")
    assert run(check, "vectors", ENERGY_SHIFTS).startswith("17 cases agree: portable avx2")
    assert re.match(r"\d\d\d cases agree", run(check, "random", "250", "1"))
    assert run(check, "uploads", "500", "1").startswith("500 cases agree: portable avx2")


@needs_gcc
@pytest.mark.parametrize("form", [[], ["-U__SSE2__"]], ids=["x86-64", "any-processor"])
def test_sanitizers_find_nothing(tmp_path: Path, form: list[str]) -> None:
    """The core and the kernels' common body; the vector kernels take minutes to instrument."""
    flags = ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", *form]
    check = build(tmp_path, ["gcc"], [*flags, "-DTIFED_PORTABLE_ONLY"], SOURCES)
    assert run(check, "vectors", VECTORS) == "26 cases agree: portable\n"
    assert run(check, "vectors", LARGE_SHIFTS) == "6 cases agree: portable\n"
    assert run(check, "vectors", ENERGY_SHIFTS) == "17 cases agree: portable\n"
    assert re.match(r"\d\d\d cases agree", run(check, "random", "250", "3"))
    assert run(check, "uploads", "500", "3") == "500 cases agree: portable\n"


@pytest.mark.skipif(
    not (shutil.which("aarch64-linux-gnu-gcc") and shutil.which("qemu-aarch64"))
    and "CI" not in os.environ,
    reason="scripts/system_packages installs gcc-aarch64-linux-gnu and qemu-user",
)
@pytest.mark.parametrize(
    "compiler",
    [
        pytest.param(["aarch64-linux-gnu-gcc"], id="gcc"),
        pytest.param([*ZIG, "-target", "aarch64-linux-gnu"], marks=needs_zig, id="clang"),
    ],
)
def test_neon_agrees(tmp_path: Path, compiler: list[str]) -> None:
    flags, linker = ["-O2", "-static"], "aarch64-linux-gnu-gcc"
    check = build(tmp_path, compiler, flags, {**SOURCES, **NEON}, linker)
    assert run("qemu-aarch64", check, "vectors", VECTORS).endswith("portable neon\n")
    assert run("qemu-aarch64", check, "vectors", ENERGY_SHIFTS).endswith("portable neon\n")
    assert re.match(r"\d+ cases agree", run("qemu-aarch64", check, "random", "100", "2"))
    assert run("qemu-aarch64", check, "uploads", "500", "2") == "500 cases agree: portable neon\n"


@pytest.mark.skipif(
    not (shutil.which("s390x-linux-gnu-gcc") and shutil.which("qemu-s390x"))
    and "CI" not in os.environ,
    reason="scripts/system_packages installs gcc-s390x-linux-gnu and qemu-user",
)
def test_a_machine_with_the_highest_byte_first_agrees(tmp_path: Path) -> None:
    check = build(tmp_path, ["s390x-linux-gnu-gcc"], ["-O2", "-static"], SOURCES)
    assert run("qemu-s390x", check, "vectors", VECTORS) == "26 cases agree: portable\n"
    assert run("qemu-s390x", check, "vectors", LARGE_SHIFTS) == "6 cases agree: portable\n"
    assert run("qemu-s390x", check, "vectors", ENERGY_SHIFTS) == "17 cases agree: portable\n"
    assert re.match(r"\d+ cases agree", run("qemu-s390x", check, "random", "100", "2"))
    assert run("qemu-s390x", check, "uploads", "100", "2") == "100 cases agree: portable\n"


@needs_zig
@pytest.mark.parametrize("processor", ["cortex_m0", "cortex_m3", "cortex_m4", "cortex_m7"])
def test_core_is_freestanding(tmp_path: Path, processor: str) -> None:
    """No symbol from outside but the compiler's own memory and division routines; no float."""
    assembly, undefined, defined = "", set[str](), set[str]()
    for source in ("tifed.c", "tifed_kernel.c", "tifed_kernel_dsp.c"):
        target = tmp_path / (source + ".s")
        run(
            *ZIG, "-target", "thumb-freestanding-eabi", f"-mcpu={processor}", *STRICT,
            "-Wno-unused-command-line-argument", "-Os", "-ffreestanding", "-S",
            CORE / source, "-o", target,
        )  # fmt: skip
        assembly += target.read_text()
    undefined |= set(re.findall(r"\tbl?\t([A-Za-z_]\w*)$", assembly, re.M))
    defined |= set(re.findall(r"^([A-Za-z_]\w*):", assembly, re.M))
    allowed = {"memcpy", "memset", "memclr", "__aeabi_memcpy", "__aeabi_memset", "__aeabi_memclr",
               "__aeabi_memcpy4", "__aeabi_memclr4", "__aeabi_memset4", "__aeabi_memcpy8",
               "__aeabi_memclr8", "__aeabi_idiv", "__aeabi_uidiv", "__aeabi_uidivmod",
               "__aeabi_idivmod"}  # fmt: skip
    assert undefined - defined <= allowed
    assert not re.search(r"\tv(ldr|str|mul|add|sub|mov|cvt|div|mla)\b", assembly)
    assert not re.search(r"__aeabi_[fd](add|sub|mul|div|cmp|2)", assembly)
    assert ("smla" in assembly) == (processor in ("cortex_m4", "cortex_m7"))
