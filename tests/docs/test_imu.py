"""The C of docs/motion.md: readings of a driver become samples in a store, as by the oracle."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tifed.rule.signal.motion import MotionFrontEnd

ROOT = Path(__file__).parents[2]
CORE = ROOT / "src" / "tifed" / "core"
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic")
DRIVER = (
    "#include <stdbool.h>\n#include <stdint.h>\nbool imu_ready(void);\nvoid imu_read(int16_t *);\n"
)
MAIN = r"""
#include <stdio.h>
#include <string.h>

static int16_t next[6];
static bool there;

bool imu_ready(void)
{
    if (!there)
        there = fread(next, sizeof next, 1, stdin) == 1;
    return there;
}

void imu_read(int16_t *readings)
{
    memcpy(readings, next, sizeof next);
    there = false;
}

static uint8_t bytes[TIFED_STORE_BYTES(117, 10)];

static int get(void *context, uint32_t place, uint8_t *to, uint32_t count)
{
    (void)context;
    memcpy(to, bytes + place, count);
    return 0;
}

static int put(void *context, uint32_t place, const uint8_t *from, uint32_t count)
{
    (void)context;
    memcpy(bytes + place, from, count);
    return 0;
}

int main(void)
{
    static const tifed_memory memory = {get, put, NULL};
    static const tifed_store_config config = {&memory, 117, 10, 5, 7, TIFED_STORE_NEWEST, 0, 0};
    static tifed_store_entry entries[TIFED_STORE_ENTRIES(10)];
    tifed_store store;
    if (tifed_store_format(&store, &config, entries) != TIFED_OK || wear(true) != TIFED_OK)
        return 1;
    while (attend(&store, 3) == TIFED_OK) {
    }
    for (uint32_t i = 0; i < tifed_store_count(&store, false); i++) {
        int8_t values[117];
        if (tifed_store_class(&store, false, i) != 3 ||
            tifed_store_read(&store, false, i, 0, values, 117) != TIFED_OK)
            return 1;
        fwrite(values, sizeof values, 1, stdout);
    }
    return 0;
}
"""


@pytest.mark.slow
def test_readings_of_a_driver_become_samples(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "motion.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```c\n(.*?)^```$", page, re.M | re.S)
    (tmp_path / "imu.h").write_text(DRIVER)
    (tmp_path / "main.c").write_text(shown + MAIN)
    sources = [CORE / f"tifed_{name}.c" for name in ("motion", "store", "crc", "kernel")]
    command: list[str | Path] = [
        "gcc",
        *WARNINGS,
        f"-I{CORE}",
        f"-I{tmp_path}",
        tmp_path / "main.c",
        *sources,
    ]
    subprocess.run([*command, CORE / "tifed.c", "-o", tmp_path / "watch"], check=True)
    readings = np.random.default_rng(2).integers(-32768, 32768, (128 + 2 * 50 + 49, 6), np.int16)
    done = subprocess.run(
        [tmp_path / "watch"], input=readings.tobytes(), capture_output=True, check=True
    )
    motion = MotionFrontEnd(6, 128, (0, 4, 5), hop=50)
    windows = [motion.mirror(readings[first : first + 128]) for first in (0, 50, 100)]
    made = np.frombuffer(done.stdout, np.int8).reshape(-1, 117)
    np.testing.assert_array_equal(made, motion.compute_all(np.array(windows)))
