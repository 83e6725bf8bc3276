"""Feature extraction in C, the device's and the host's, compiled and run apart from Python."""

import importlib.util
import os
import platform
import re
import runpy
import shutil
import sys
from pathlib import Path

import pytest
from tests.compiling import compiled

pytestmark = pytest.mark.slow(10)

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "tifed"
CORE = PACKAGE / "core"
VECTORS = ROOT / "tests" / "vectors" / "features.txt"
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
DEVICE = ("core/tifed_features.c", "core/tifed_kernel_features.c")
HOST = (*DEVICE, "native/host/extraction.c", "native/host/extraction_portable.c")
CHECK = ("check_features.c", "check_extraction.c", "cases.c", "cases_from_file.c")
ZIG = [sys.executable, "-m", "ziglang", "cc"]

needs_zig = pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is None, reason="pip install ziglang"
)
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")


def run(*command: str | Path) -> str:
    """Standard output; a failure shows both outputs."""
    done = compiled(command)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build(
    where: Path, compiler: list[str], *flags: str, avx2: bool, linker: str | None = None
) -> Path:
    """The test program, strictly compiled, with the C library of ``linker`` if there is one."""
    flags += () if avx2 else ("-DTIFED_PORTABLE_ONLY",)
    sources = [PACKAGE / source for source in HOST]
    sources += [ROOT / "tests" / "core" / source for source in CHECK]
    sources += [PACKAGE / "native" / "host" / "extraction_avx2.c"] if avx2 else []
    includes: list[str | Path] = ["-I", CORE, "-I", PACKAGE / "native"]
    objects = []
    for source in sources:
        objects.append(where / (source.stem + ".o"))
        own = ["-mavx2"] if source.stem == "extraction_avx2" else []
        run(*compiler, *STRICT, *flags, *own, *includes, "-c", source, "-o", objects[-1])
    target = where / "check_features"
    run(*([linker] if linker else compiler), *flags, *objects, "-o", target)
    return target


def test_vectors_are_what_the_oracle_writes_today() -> None:
    written = runpy.run_path(str(VECTORS.with_name("write_features.py")))
    assert VECTORS.read_text(encoding="ascii") == written["text"]()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="not an x86-64")
@pytest.mark.parametrize(
    "compiler",
    [
        pytest.param(["gcc"], marks=needs_gcc, id="gcc"),
        pytest.param(ZIG, marks=[needs_gcc, needs_zig], id="clang"),
    ],
)
def test_device_and_host_agree_with_the_oracle(tmp_path: Path, compiler: list[str]) -> None:
    check = build(tmp_path, compiler, "-O2", avx2=True, linker="gcc")
    assert run(check, VECTORS).startswith("24 cases agree: device portable")


@needs_gcc
def test_sanitizers_find_nothing(tmp_path: Path) -> None:
    flags = ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    check = build(tmp_path, ["gcc"], *flags, avx2=False)
    assert run(check, VECTORS) == "24 cases agree: device portable\n"


@needs_zig
@pytest.mark.skipif(
    not (shutil.which("aarch64-linux-gnu-gcc") and shutil.which("qemu-aarch64"))
    and "CI" not in os.environ,
    reason="scripts/system_packages installs gcc-aarch64-linux-gnu and qemu-user",
)
def test_a_64_bit_arm_agrees(tmp_path: Path) -> None:
    compiler, linker = [*ZIG, "-target", "aarch64-linux-gnu"], "aarch64-linux-gnu-gcc"
    check = build(tmp_path, compiler, "-O2", "-static", avx2=False, linker=linker)
    assert run("qemu-aarch64", check, VECTORS) == "24 cases agree: device portable\n"


@pytest.mark.skipif(
    not (shutil.which("s390x-linux-gnu-gcc") and shutil.which("qemu-s390x"))
    and "CI" not in os.environ,
    reason="scripts/system_packages installs gcc-s390x-linux-gnu and qemu-user",
)
def test_a_machine_with_the_highest_byte_first_agrees(tmp_path: Path) -> None:
    check = build(tmp_path, ["s390x-linux-gnu-gcc"], "-O2", "-static", avx2=False)
    assert run("qemu-s390x", check, VECTORS) == "24 cases agree: device portable\n"


@needs_zig
@pytest.mark.parametrize("processor", ["cortex_m0", "cortex_m3", "cortex_m4", "cortex_m7"])
def test_extraction_is_freestanding(tmp_path: Path, processor: str) -> None:
    """No symbol from outside but the compiler's own memory and division routines; no float."""
    assembly = ""
    for source in DEVICE:
        target = tmp_path / (Path(source).stem + ".s")
        run(
            *ZIG, "-target", "thumb-freestanding-eabi", f"-mcpu={processor}", *STRICT, "-O2",
            "-Wno-unused-command-line-argument", "-ffreestanding", "-fno-builtin",
            "-fno-sanitize=all", "-S", PACKAGE / source,
            "-o", target,
        )  # fmt: skip
        assembly += target.read_text()
    called = set(re.findall(r"\tbl?\t([A-Za-z_]\w*)$", assembly, re.M))
    defined = set(re.findall(r"^([A-Za-z_]\w*):", assembly, re.M))
    assert called - defined <= {"__aeabi_uidiv", "__aeabi_idiv", "__aeabi_uidivmod"}
    assert not re.search(r"\tv(ldr|str|mul|add|sub|mov|cvt|div|mla)\b", assembly)
    assert not re.search(r"__aeabi_[fd](add|sub|mul|div|cmp|2)", assembly)
    assert ("smlad" in assembly) == (processor in ("cortex_m4", "cortex_m7"))
