"""The device's state machine under random input, compiled with sanitizers."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from tifed.firmware.build import CORE, SOURCES

INPUTS = int(os.environ.get("TIFED_FUZZ_INPUTS", "60000"))
"""``TIFED_FUZZ_INPUTS=10000000`` is the long run."""


def test_random_input_neither_crashes_a_device_nor_draws_an_unsound_frame(tmp_path: Path) -> None:
    compiler = shutil.which("cc") or "gcc"
    driver = tmp_path / "fuzz_device"
    sources = [Path(__file__).with_name("fuzz_device.c"), SOURCES / "device.c", SOURCES / "link.c"]
    subprocess.run(
        [
            compiler, "-std=c11", "-O1", "-g", "-fsanitize=address,undefined",
            "-fno-sanitize-recover=all", "-Wall", "-Wextra", "-Werror", f"-I{CORE}",
            f"-I{SOURCES}", *map(str, [*sources, *sorted(CORE.glob("*.c"))]), "-o", str(driver),
        ],
        check=True,
    )  # fmt: skip
    done = subprocess.run([driver, str(INPUTS), "1"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["inputs"] == INPUTS
    # It got somewhere: sessions were opened, devices configured and trained.
    assert seen["sound_answers"] > INPUTS
    assert seen["steps"] > INPUTS // 20
