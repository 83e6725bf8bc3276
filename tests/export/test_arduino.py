"""The Arduino library, compiled with a stub of the Arduino API, and its sketches run."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tifed.data import load
from tifed.experiment import Experiment
from tifed.experiment.setup import network_of
from tifed.export import Model, export, model_for
from tifed.rule.learning import classify
from tifed.rule.signal.motion import MotionFrontEnd

pytestmark = pytest.mark.slow(5)

ROUNDS = 3

STUB = """\
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

static const int A0 = 14;
extern std::vector<int> readings;
static size_t reading = 0;

static int analogRead(int) { return readings.at(reading++); }
static void delay(unsigned long) {}
static unsigned long millis() { static unsigned long now; return now += 100; }
static const int HIGH = 1, LOW = 0, INPUT_PULLUP = 2, OUTPUT = 1, LED_BUILTIN = 13;
static int pressed = -1, light = -1;
static void pinMode(int, int) {}
static int digitalRead(int pin) { return pin == pressed ? LOW : HIGH; }
static void digitalWrite(int, int level) { light = level; }
static unsigned long micros() { return 0; }

struct Line {
  std::string arriving, left;
  size_t place = 0;
  void begin(unsigned long) {}
  int available() { return (int)(arriving.size() - place); }
  int read() { return place < arriving.size() ? (unsigned char)arriving[place++] : -1; }
  long parseInt() {
    char *end;
    long value = strtol(arriving.c_str() + place, &end, 10);
    place = (size_t)(end - arriving.c_str());
    return value;
  }
  size_t write(uint8_t byte) { left += (char)byte; return 1; }
  size_t write(const uint8_t *bytes, size_t count) {
    left.append((const char *)bytes, count);
    return count;
  }
  void print(const char *text) { left += text; }
  void print(long value) { left += std::to_string(value); }
  void println(const char *text) { print(text); left += "\\n"; }
  void println(long value) { print(value); left += "\\n"; }
};
static Line Serial;
"""

LEARN = """\
#include <Arduino.h>
#include "Learn.ino"
std::vector<int> readings = {%(readings)s};

int main() {
  Serial.arriving = "%(commands)s";
  setup();
  while (Serial.available()) loop();
  printf("%%s", Serial.left.c_str());
  static uint8_t wire[1 << 16];
  for (uint32_t layer = 0; layer < TIFED_MODEL_DEPTH; layer++) {
    const tifed_layer *shape = &tifed_model_config.network->layers[layer];
    uint32_t count = (shape->fan_in + 1u) * shape->fan_out;
    size_t bytes = tifed_wire_size(&model, layer, 0, count);
    tifed_get_parameters(&model, layer, 0, count, wire);
    for (size_t i = 0; i < bytes; i++) printf("%%02x", wire[i]);
  }
}
"""

FEDERATED = """\
#include <Arduino.h>
#include "Federated.ino"
std::vector<int> readings;

int main() {
  setup();
  loop();
  fwrite(Serial.left.data(), 1, Serial.left.size(), stdout);
}
"""


def compiled(library: Path, folder: Path, run: Callable[..., str]) -> None:
    """Objects of the library's C files, as the Arduino builder makes them: below ``src``."""
    sources = sorted((library / "src").rglob("*.c"))
    for source in sources:
        run(["gcc", "-std=gnu11", "-Os", f"-I{library / 'src'}", "-c", source, "-o",
             folder / f"{source.stem}.o"])  # fmt: skip


def sketch(library: Path, folder: Path, name: str, main: str, run: Callable[..., str]) -> Path:
    """A sketch and a main program around it."""
    (folder / "Arduino.h").write_text(STUB)
    (folder / f"{name}.cpp").write_text(main)
    program = folder / name
    run(
        ["g++", "-std=gnu++11", "-O1", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function",
         f"-I{folder}", f"-I{library / 'src'}", f"-I{library / 'examples' / name}",
         folder / f"{name}.cpp", *sorted(folder.glob("*.o")), "-o", program]
    )  # fmt: skip
    return program


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("settings", [[], ["front_end=edges"]])
def test_sketches_learn_and_answer(
    mapped: bool,
    settings: list[str],
    tmp_path: Path,
    make_model: Callable[..., Model],
    buffers: Callable[[Model, int], list[tuple[NDArray[np.int8], NDArray[np.int32]]]],
    expected: Callable[[Model, int, int], bytes],
    answer: Callable[..., int],
    run: Callable[..., str],
) -> None:
    """Without a map a sketch reduces voltages to int8; with one they are pixels that it maps."""
    model = make_model(*settings)
    if mapped:
        model = replace(model, samples=load("digits").sample_format)
    library = tmp_path / "TIFeD"
    export(model, "arduino", library)
    compiled(library, tmp_path, run)
    taken = buffers(model, ROUNDS)
    commands = [f"l{label}" for _, labels in taken for label in labels]
    places = 0 if mapped else 2
    voltages = [(int(v) + 128) << places for samples, _ in taken for v in samples.ravel()]
    last = [(int(v) + 128) << places for v in taken[-1][0][-1]]
    main = LEARN % {
        "readings": ",".join(map(str, voltages + last)),
        "commands": "\\n".join([*commands, "l99", "c"]) + "\\n",
    }
    lines = run([sketch(library, tmp_path, "Learn", main, run)]).splitlines()
    assert [line.split(":")[0] for line in lines[:ROUNDS]] == ["round 1", "round 2", "round 3"]
    assert lines[ROUNDS] == "no such class"
    known = answer(model, ROUNDS, 0, taken[-1][0][-1])
    name = f" {load('digits').class_names[known]}" if mapped else ""
    assert lines[ROUNDS + 1] == f"class {known}{name}"
    assert bytes.fromhex(lines[ROUNDS + 2]) == expected(model, ROUNDS, 0)

    program = sketch(library, tmp_path, "Federated", FEDERATED, run)
    banner = run(["sh", "-c", f"{program} | od -An -v -tx1"]).split()
    assert banner, "a device that has started says so"
    assert banner[-1] == "00", "and ends its frame"


def test_the_learn_sketch_makes_its_samples_of_readings(
    tmp_path: Path, run: Callable[..., str]
) -> None:
    """Each command takes a whole window, of nothing that was before it."""
    motion = MotionFrontEnd(3, 32, (0,), hop=20)
    experiment = Experiment(front_end="motion", layers=(motion.features, 8, 4))
    network = network_of(experiment, motion.features, 4)
    start, rng = experiment.build_recipe().start_parameters(network, 3), np.random.default_rng(4)
    weights = tuple(rng.integers(-60, 61, one.shape).astype(one.dtype) for one in start.weights)
    start = replace(start, weights=weights)
    model = model_for(experiment, network, None, (network, start), signal=motion)
    export(model, "arduino", tmp_path / "TIFeD")
    compiled(tmp_path / "TIFeD", tmp_path, run)
    noise = rng.integers(-9999, 9999, (12, 32, 3))
    windows = (noise >> np.arange(12)[:, np.newaxis, np.newaxis]).astype(np.int16)
    main = LEARN % {
        "readings": ",".join(map(str, windows.ravel().tolist())), "commands": "c\\n" * len(windows),
    }  # fmt: skip
    told = run([sketch(tmp_path / "TIFeD", tmp_path, "Learn", main, run)]).splitlines()
    expected = classify(network, start, motion.compute_all(windows)).tolist()
    assert len(set(expected)) > 1
    assert told[: len(windows)] == [f"class {known}" for known in expected]
