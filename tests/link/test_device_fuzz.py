"""The device's state machine under random input, compiled with sanitizers."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.compiling import compiled as compile_once

from tifed.board.firmware.build import CORE, SECRET_FILES, SOURCES
from tifed.board.firmware.monocypher import monocypher
from tifed.board.firmware.sealed_header import SEALED_SWITCH
from tifed.board.firmware.short_header import RESIDUAL_SWITCH

pytestmark = pytest.mark.slow(4)

INPUTS = int(os.environ.get("TIFED_FUZZ_INPUTS", "60000"))
"""``TIFED_FUZZ_INPUTS=10000000`` is the long run."""


SEALED = f"-D{SEALED_SWITCH}"
RESIDUALS = f"-D{RESIDUAL_SWITCH}"
QUIET = ("-DTIFED_DEVICE_SHORT", "-DTIFED_DEVICE_CODER", "-DTIFED_DEVICE_QUIET")


def compiled(compiler: str, program: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Compile the driver, the device and the core."""
    sources = [
        Path(__file__).with_name("fuzz_device.c"),
        *SOURCES.glob("device*.c"),
        SOURCES / "link.c",
    ]
    if SEALED in options:
        library = monocypher()
        sources += [SOURCES / SECRET_FILES[SEALED_SWITCH][1], library / "monocypher.c"]
        options += (f"-I{library}",)
    return compile_once(
        [
            compiler, "-std=c11", "-O1", "-g", "-fno-sanitize-recover=all", "-Wall", "-Wextra",
            "-Werror", *options, f"-I{CORE}", f"-I{SOURCES}",
            *map(str, [*sources, *sorted(CORE.glob("*.c"))]), "-o", str(program),
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-DTIFED_DEVICE_FRONT_END",),
        ("-DTIFED_DEVICE_FRONT_END", "-DTIFED_DEVICE_SHIFTS"),
        ("-DTIFED_DEVICE_SHORT",),
        ("-DTIFED_DEVICE_SHORT", "-DTIFED_DEVICE_CODER"),
        ("-DTIFED_DEVICE_SHORT", "-DTIFED_DEVICE_CODER", "-DTIFED_DEVICE_OWN"),
        ("-DTIFED_DEVICE_SHORT", RESIDUALS),
        ("-DTIFED_DEVICE_SHORT", RESIDUALS, "-DTIFED_DEVICE_OWN"),
        (*QUIET, RESIDUALS),
        QUIET,
        (*QUIET, "-DTIFED_DEVICE_OWN"),
        (*QUIET, SEALED),
        ("-DTIFED_DEVICE_OWN",),
        ("-DTIFED_DEVICE_MASKED",),
        ("-DTIFED_DEVICE_OWN", "-DTIFED_DEVICE_MASKED"),
        ("-DTIFED_DEVICE_OWN", "-DTIFED_DEVICE_FRONT_END"),
        ("-DTIFED_DEVICE_OWN", "-DTIFED_DEVICE_FRONT_END", "-DTIFED_DEVICE_SHIFTS"),
        (SEALED,),
        (SEALED, "-DTIFED_DEVICE_OWN"),
    ],
    ids=[
        "", "front end", "shift copies", "short", "short, coder", "short, own",
        "residuals", "residuals, own", "residuals, quiet", "quiet",
        "quiet, own", "quiet, sealed", "own", "masks",
        "own, masks", "own, front end", "own, shift copies", "sealed", "sealed, own",
    ],
)  # fmt: skip
def test_random_input_crashes_no_device_and_draws_no_frame_that_it_should_not(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    driver = tmp_path / "fuzz_device"
    made = compiled(shutil.which("cc") or "gcc", driver, "-fsanitize=address,undefined", *options)
    assert made.returncode == 0, made.stderr
    done = subprocess.run([driver, str(INPUTS), "1"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["inputs"] == INPUTS
    # It got somewhere: sessions were opened, devices configured and trained.
    assert seen["sound_answers"] > INPUTS
    assert seen["steps"] > INPUTS // 20
    front_end, own = "-DTIFED_DEVICE_FRONT_END" in options, "-DTIFED_DEVICE_OWN" in options
    assert seen["pictures"] > INPUTS // 2 if front_end else seen["pictures"] == 0
    short = "-DTIFED_DEVICE_SHORT" in options
    assert seen["worked"] > INPUTS if own else seen["worked"] == 0
    masked = "-DTIFED_DEVICE_MASKED" in options
    assert seen["unmasked"] > INPUTS // 50 if masked else seen["unmasked"] == 0
    assert min(seen["changes"], seen["changed"]) >= INPUTS // 300 * short
    if "-DTIFED_DEVICE_QUIET" in options:
        assert min(seen["silent"], seen["missed"]) > INPUTS // 50
        assert seen["exchanges"] > INPUTS // 400
    if RESIDUALS in options:
        assert min(seen["settled"], seen["others"], seen["asked again"]) > INPUTS // 300
    # And it was tried with what it must not answer, or not obey.
    assert seen["spoilt"] > INPUTS // 3
    assert seen["strangers"] > INPUTS // (10 if SEALED in options else 3)
    if SEALED in options:
        # Most of it behind the seal, for its host has the key, and seals what is random.
        assert seen["opened"] > 2 * INPUTS
        assert seen["sessions"] > INPUTS // 2
        assert seen["attacks"] > INPUTS // 3


def test_input_guided_by_coverage_finds_nothing_either(tmp_path: Path) -> None:
    clang = shutil.which("clang")
    if clang is None:
        pytest.skip("clang with libFuzzer is not installed; random input is tried in any case")
    driver, corpus = tmp_path / "fuzz_device", tmp_path / "corpus"
    corpus.mkdir()
    made = compiled(clang, driver, "-DLIBFUZZER", "-fsanitize=fuzzer,address,undefined")
    if "libclang_rt" in made.stderr:
        pytest.skip("clang has no libFuzzer here (Debian: libclang-rt-14-dev)")
    assert made.returncode == 0, made.stderr
    runs = INPUTS // 3
    done = subprocess.run(
        [driver, f"-runs={runs}", "-max_len=256", "-seed=1", corpus],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    assert re.search(rf"Done {runs} runs", done.stderr)
    # It found its way in: each input that it keeps goes where no other went.
    assert len(list(corpus.iterdir())) > 100
