"""Sound on an emulated board: raw samples arrive, are turned into features, and classified.

The library is what `tifed export` writes; the program around it is a user's own.
"""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import wavfile

import tifed
from tifed.experiment import Experiment
from tifed.export import export, model_for
from tifed.native.choice import engine
from tifed.plan.bare_program import BareProgram, compiled
from tifed.rule.network import load_model
from tifed.rule.signal.log_mel import LogMel, frames_of

pytestmark = pytest.mark.slow(20)

PIECE = 160
"""Samples that a microphone's buffer holds: 20 ms."""
MOST_SAMPLES = 4800

PROGRAM = """\
#include "tifed_model.h"

int16_t sound[%(samples)d];
uint32_t length;
int8_t features[TIFED_MODEL_INPUTS];
int32_t answer;
int start(void);

/* What a compiler calls where there is no library of C. */
void *memcpy(void *to, const void *from, size_t bytes);
void *memcpy(void *to, const void *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        ((volatile uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    return to;
}
void *memset(void *to, int value, size_t bytes);
void *memset(void *to, int value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        ((volatile uint8_t *)to)[i] = (uint8_t)value;
    return to;
}

static tifed model;

int start(void)
{
    int status = tifed_model_start(&model);
    tifed_model_begin_sound();
    for (uint32_t first = 0; !status && first < length; first += %(piece)d) {
        uint32_t left = length - first;
        status = tifed_model_add_sound(sound + first, left < %(piece)d ? left : %(piece)d);
    }
    const int8_t *sample = tifed_model_end_sound();
    if (status || !sample)
        return 1;
    memcpy(features, sample, sizeof features);
    answer = tifed_model_classify(&model, sample);
    return status;
}
"""


def tone(word: int, take: int) -> NDArray[np.int16]:
    """A word: two tones one after the other, with hiss, and silence around it."""
    rng = np.random.default_rng([word, take])
    time = np.arange(2000 + 90 * take)
    pitch = np.where(time < len(time) // 2, 0.2 + 0.25 * word, 1.9 - 0.3 * word)
    spoken = 3000 * np.sin(pitch * time) + rng.normal(0, 900, len(time))
    quiet = rng.normal(0, 8, 400 + 60 * take), rng.normal(0, 8, 700)
    return np.concatenate([quiet[0], spoken, quiet[1]]).astype(np.int16)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Experiment, Path]:
    """What was learnt of four words, in a run on recordings in a folder, and the model file."""
    words = tmp_path_factory.mktemp("sound") / "words"
    for word in range(4):
        (words / f"word{word}").mkdir(parents=True)
        for take in range(8):
            wavfile.write(words / f"word{word}" / f"{take}.wav", 8000, tone(word, take))
    experiment = Experiment(
        dataset=str(words), front_end="log-mel", layers=(200, 12, 4), devices=2, rounds=12,
        buffer=8, batch=4, local_epochs=3,
    )  # fmt: skip
    out = tmp_path_factory.mktemp("runs") / "run"
    result = tifed.run(experiment, out=out)
    assert result.accuracy > 0.7
    return experiment, out / "model.safetensors"


@pytest.mark.parametrize("processor", ["cortex-m0", "cortex-m4", "riscv32"])
def test_raw_samples_have_the_features_and_the_class_that_they_have_here(
    tmp_path: Path, trained: tuple[Experiment, Path], processor: str
) -> None:
    experiment, model_file = trained
    network, parameters = load_model(model_file)
    exported = tmp_path / "library"
    front_end = LogMel(frames=frames_of(MOST_SAMPLES))
    model = model_for(experiment, network, trained=(network, parameters), signal=front_end)
    export(model, "cmake", exported)
    board = build(tmp_path, exported, processor)
    seen = set()
    for word in range(4):
        sound = tone(word, 9)
        made = board.content(
            {"sound": sound.tobytes(), "length": len(sound).to_bytes(4, "little")},
            {"features": front_end.features, "answer": 4},
        )
        wanted = front_end.compute(sound[:, np.newaxis])
        assert made["features"] == wanted.tobytes()
        here = engine("native").classify(network, parameters, wanted[np.newaxis])
        answer = int.from_bytes(made["answer"], "little", signed=True)
        assert answer == int(here[0])
        seen.add(answer)
    assert len(seen) > 2, "the network tells the words apart, so that its answers are a test"


def build(folder: Path, exported: Path, processor: str) -> BareProgram:
    """The exported library and the program above, for one processor."""
    sources = sorted(exported.rglob("*.c"))
    own = [path for path in sources if not {"examples", "tifed_link"} & set(path.parts)]
    numbers = {"samples": MOST_SAMPLES, "piece": PIECE}
    headers = sorted({path.parent for path in exported.rglob("*.h")})
    return compiled(
        folder, processor, PROGRAM % numbers,
        [path for path in own if path.name.startswith("tifed_kernel")],
        [path for path in own if not path.name.startswith("tifed_kernel")],
        include=headers,
    )  # fmt: skip
