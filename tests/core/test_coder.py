"""The coder in C on random numbers and random bytes, under sanitizers and as optimised."""

import importlib.util
import re
import shutil
import sys
from pathlib import Path

import pytest
from tests.compiling import compiled

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "tifed"
SOURCES = (
    PACKAGE / "core" / "tifed_coder.c",
    PACKAGE / "native" / "host" / "coder_length.c",
    ROOT / "tests" / "core" / "fuzz_coder.c",
)
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
SANITIZERS = ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
ZIG = [sys.executable, "-m", "ziglang", "cc"]

pytestmark = pytest.mark.slow(10)
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")
needs_zig = pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is None, reason="pip install ziglang"
)


def run(*command: str | Path) -> str:
    """Standard output; a failure shows both outputs."""
    done = compiled(command)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize(
    ("compiler", "flags", "rounds"),
    [
        pytest.param(["gcc"], SANITIZERS, 1000, marks=needs_gcc, id="sanitizers"),
        pytest.param(["gcc"], ["-O3"], 2000, marks=needs_gcc, id="gcc"),
        pytest.param(ZIG, ["-O3"], 2000, marks=needs_zig, id="clang"),
    ],
)
def test_random_numbers_come_back_and_random_bytes_do_no_harm(
    tmp_path: Path, compiler: list[str], flags: list[str], rounds: int
) -> None:
    program = tmp_path / "fuzz"
    includes: list[str | Path] = ["-I", PACKAGE / "core", "-I", PACKAGE]
    run(*compiler, *STRICT, *flags, *includes, *SOURCES, "-o", program)
    said = re.fullmatch(
        r"(\d+) rounds, (\d+) rows of bytes accepted\n", run(program, str(rounds), "7")
    )
    assert said
    assert int(said[1]) == rounds
    assert rounds < int(said[2]) < 50 * rounds  # both happen often
