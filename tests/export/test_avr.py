"""The Arduino library's C on an emulated AVR, the processor of most Arduino boards."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tifed.data import SampleFormat, calibrate
from tifed.export import Model, export, model_for

pytestmark = pytest.mark.slow(5)

ROUNDS = 2
PROCESSOR = "atmega1284p"

LEARN = """\
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include "tifed_model.h"

static const int8_t samples[] = {%(samples)s};
static const uint8_t labels[] = {%(labels)s};
static tifed model;

static void say(char letter)
{
    while (!(UCSR0A & _BV(UDRE0))) {
    }
    UDR0 = (uint8_t)letter;
}

int main(void)
{
    const int8_t *sample = samples;
    const uint8_t *label = labels;
    UCSR0B = _BV(TXEN0);
    int status = tifed_model_start(&model);
    for (uint32_t round = 0; status == TIFED_OK && round < %(rounds)d; round++) {
        tifed_work work = tifed_model_work(round, 0);
        tifed_clear(&model);
        while (status == TIFED_OK && model.count < TIFED_MODEL_BUFFER) {
            status = tifed_model_add_sample(&model, sample, *label++);
            sample += TIFED_MODEL_INPUTS;
        }
        if (status == TIFED_OK)
            status = tifed_train(&model, &work);
    }
    for (uint32_t layer = 0; status == TIFED_OK && layer < TIFED_MODEL_DEPTH; layer++) {
        const tifed_layer *shape = &tifed_model_config.network->layers[layer];
        uint32_t count = (shape->fan_in + 1u) * shape->fan_out;
        for (uint32_t i = 0; i < count; i++) {
            uint8_t wire[2];
            tifed_get_parameters(&model, layer, i, 1, wire);
            for (size_t byte = 0; byte < tifed_wire_size(&model, layer, i, 1); byte++) {
                say("0123456789abcdef"[wire[byte] >> 4]);
                say("0123456789abcdef"[wire[byte] & 15u]);
            }
        }
    }
    say('\\n');
    cli();
    sleep_enable();
    for (;;)
        sleep_cpu();
}
"""


needs_avr = pytest.mark.skipif(
    not (shutil.which("avr-gcc") and shutil.which("simavr")) and "CI" not in os.environ,
    reason="scripts/system_packages installs gcc-avr, avr-libc and simavr",
)


@needs_avr
@pytest.mark.parametrize(
    "settings", [["layers=[64,12,10]"], ["layers=[32,12,10]", "front_end=octants"]]
)
def test_it_learns_as_the_oracle_does(
    settings: list[str],
    tmp_path: Path,
    make_model: Callable[..., Model],
    buffers: Callable[[Model, int], list[tuple[NDArray[np.int8], NDArray[np.int32]]]],
    expected: Callable[[Model, int, int], bytes],
    run: Callable[..., str],
) -> None:
    model = make_model(*settings, "buffer=20", "batch=7", "local_epochs=2")
    library, program = tmp_path / "TIFeD", tmp_path / "learn"
    export(model, "arduino", library)
    taken = buffers(model, ROUNDS)
    main = LEARN % {
        "samples": ",".join(str(v) for samples, _ in taken for v in samples.ravel()),
        "labels": ",".join(str(label) for _, labels in taken for label in labels),
        "rounds": ROUNDS,
    }
    (tmp_path / "learn.c").write_text(main)
    run(
        ["avr-gcc", f"-mmcu={PROCESSOR}", "-std=gnu11", "-Os", "-Wall", "-Wextra", "-Werror",
         f"-I{library / 'src'}", tmp_path / "learn.c", *sorted((library / "src").rglob("*.c")),
         "-o", program]
    )  # fmt: skip
    said = run(["sh", "-c", f"simavr -m {PROCESSOR} -f 20000000 {program} 2>&1"])
    assert bytes.fromhex("".join(re.findall(r"(?:[0-9a-f]{2}){16,}", said))) == expected(
        model, ROUNDS, 0
    )


QUANTISE = """\
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <math.h>
#include <stdio.h>
#include "tifed_model.h"

static const double numbers[][TIFED_MODEL_INPUTS] = {%s};

int main(void)
{
    char text[8];
    int32_t readings[TIFED_MODEL_INPUTS];
    int8_t sample[TIFED_MODEL_INPUTS];
    UCSR0B = _BV(TXEN0);
    for (uint8_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++) {
        for (uint8_t i = 0; i < TIFED_MODEL_INPUTS; i++)
            readings[i] = TIFED_MODEL_READING_OF_FLOAT(i, numbers[n][i]);
        tifed_model_quantise(readings, sample);
        for (uint8_t i = 0; i < TIFED_MODEL_INPUTS; i++) {
            sprintf(text, " %%d;%%s", sample[i], i %% 16u < 15u ? "" : "\\n");
            for (const char *at = text; *at; at++) {
                while (!(UCSR0A & _BV(UDRE0))) {
                }
                UDR0 = (uint8_t)*at;
            }
        }
    }
    cli();
    sleep_enable();
    for (;;)
        sleep_cpu();
}
"""


@needs_avr
def test_readings_of_floats_become_what_python_makes_of_them(
    tmp_path: Path, make_model: Callable[..., Model], run: Callable[..., str]
) -> None:
    made = make_model("layers=[64,12,10]", "buffer=20")
    rng = np.random.default_rng(4)
    scale, middle = np.geomspace(1e-5, 1e12, 64), rng.normal(0, 2, 64)
    # As an AVR has them: a double of 32 bits.
    numbers = ((rng.normal(0, 1, (20, 64)) + middle) * scale).astype(np.float32)
    quantisation = calibrate(numbers[:15].astype(np.float64))
    model = model_for(made.experiment, made.network, samples=SampleFormat(quantisation))
    library, program = tmp_path / "TIFeD", tmp_path / "quantise"
    export(model, "arduino", library)
    rows = ("{" + ",".join(float(v).hex() for v in row) + "}" for row in numbers)
    (tmp_path / "quantise.c").write_text(QUANTISE % ",".join(rows))
    run(
        ["avr-gcc", f"-mmcu={PROCESSOR}", "-std=gnu11", "-Os", "-Wall", "-Wextra", "-Werror",
         f"-I{library / 'src'}", tmp_path / "quantise.c", *sorted((library / "src").rglob("*.c")),
         "-lm", "-o", program]
    )  # fmt: skip
    said = run(["sh", "-c", f"simavr -m {PROCESSOR} -f 20000000 {program} 2>&1"])
    found = np.array(re.findall(r" (-?\d+);", said), np.int64).reshape(numbers.shape)
    assert np.array_equal(found, quantisation.apply(numbers))


@needs_avr
def test_more_pictures_than_an_avr_can_address_do_not_become_fewer(
    tmp_path: Path, make_model: Callable[..., Model]
) -> None:
    """65,600 bytes are 64 in 16 bits, of which a device would write what is behind them."""
    export(make_model("pixel_shifts=true", "buffer=1025"), "arduino", tmp_path / "TIFeD")
    sources = tmp_path / "TIFeD" / "src"
    done = subprocess.run(
        ["avr-gcc", f"-mmcu={PROCESSOR}", "-std=gnu11", "-Os", f"-I{sources}",
         "-c", sources / "tifed_model.c", "-o", tmp_path / "model.o"],
        check=False, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"},
    )  # fmt: skip
    assert done.returncode != 0
    assert re.search(r"size of array .pictures. is too large", done.stderr)


ARDUINO = Path("/usr/share/arduino/hardware/arduino/avr")
MEGA = ("-mmcu=atmega2560", "-DF_CPU=16000000L", "-DARDUINO=10819", "-DARDUINO_ARCH_AVR")


@needs_avr
@pytest.mark.skipif(
    not ARDUINO.is_dir() and "CI" not in os.environ,
    reason="scripts/system_packages installs arduino-core-avr",
)
@pytest.mark.parametrize(
    ("settings", "in_eeprom"),
    [
        (["layers=[16,4,2]", "buffer=10"], True),
        (["layers=[64,16,10]", "buffer=10"], False),
    ],
)
def test_sketches_are_compiled_with_arduinos_own_core(
    settings: list[str],
    in_eeprom: bool,
    tmp_path: Path,
    make_model: Callable[..., Model],
    run: Callable[..., str],
) -> None:
    """For an Arduino Mega; the model stays in its EEPROM, of 4 KB, if it has room there."""
    library = tmp_path / "TIFeD"
    export(make_model(*settings), "arduino", library)
    eeprom = ARDUINO / "libraries/EEPROM/src"
    places = (ARDUINO / "cores/arduino", ARDUINO / "variants/mega", eeprom, library / "src")
    compiler = ["avr-g++", *MEGA, "-std=gnu++11", "-fno-exceptions", "-Os", "-Wall", "-Wextra",
                *(f"-I{place}" for place in places)]  # fmt: skip
    for name in ("Learn", "Federated"):
        sketch, made = library / f"examples/{name}/{name}.ino", tmp_path / f"{name}.o"
        run([*compiler, "-Werror", "-include", "Arduino.h", "-x", "c++", "-c", sketch, "-o", made])
    used = run(["avr-nm", "-S", tmp_path / "Federated.o"])
    assert ("slots" in used) != in_eeprom
