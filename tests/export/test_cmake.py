"""The CMake library, configured, compiled and run on the host: equal to the oracle bit for bit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tifed.experiment import Experiment
from tifed.experiment.setup import network_for
from tifed.export import Model, export, model_for
from tifed.extractor import oracle
from tifed.extractor.memory import extractor_memory
from tifed.extractor.packed import constant_bytes
from tifed.extractor.shipped import find_extractor

pytestmark = pytest.mark.slow(30)

ROUNDS, DEVICE = 4, 3

PROJECT = """\
cmake_minimum_required(VERSION 3.13)
project(user LANGUAGES C)
add_subdirectory(tifed)
foreach(library tifed tifed_core)
  target_compile_options(${library} PRIVATE -Wpedantic -Wshadow -Wconversion -Werror)
endforeach()
add_executable(user main.c)
target_link_libraries(user PRIVATE tifed)
"""

MAIN = """\
#include <stdio.h>
#include "tifed_model.h"

static const int8_t samples[][TIFED_MODEL_INPUTS] = {%(samples)s};
static const uint32_t labels[] = {%(labels)s};

int main(void)
{
    static tifed t;
    static uint8_t wire[1 << 17];
    if (tifed_model_start(&t) != TIFED_OK)
        return 1;
    for (uint32_t round = 0; round < %(rounds)du; round++) {
        tifed_clear(&t);
        for (uint32_t i = 0; i < TIFED_MODEL_BUFFER; i++) {
            uint32_t place = round * TIFED_MODEL_BUFFER + i;
            if (tifed_model_add_sample(&t, samples[place], labels[place]) != TIFED_OK)
                return 2;
        }
        tifed_work work = tifed_model_work(round, %(device)du);
        if (tifed_train(&t, &work) != TIFED_OK)
            return 3;
    }
    for (uint32_t layer = 0; layer < TIFED_MODEL_DEPTH; layer++) {
        const tifed_layer *shape = &tifed_model_config.network->layers[layer];
        uint32_t count = (shape->fan_in + 1u) * shape->fan_out;
        size_t bytes = tifed_wire_size(&t, layer, 0, count);
        if (bytes > sizeof wire || tifed_get_parameters(&t, layer, 0, count, wire) != TIFED_OK)
            return 4;
        for (size_t i = 0; i < bytes; i++)
            printf("%%02x", wire[i]);
    }
    return 0;
}
"""

MODELS: dict[str, dict[str, Any]] = {
    "as the experiment starts": {"overrides": []},
    "late, odd batch": {
        "overrides": ["rounds=2", "batch=7", "buffer=11", "seed=81985529216486895"],
    },
    "so wide that hidden biases do not start at 0": {"overrides": ["layers=[1088,6,10]"]},
    "last layer, others in flash": {"overrides": [], "layers": (1,), "parameters": True},
    "first layer, from parameters": {
        "overrides": ["recipe_settings.centred=false"], "layers": (0,), "parameters": True,
    },
    "shifted as in its training": {
        "overrides": [], "parameters": True, "energy_shift": -3,
    },
    "8-bit weights, three layers": {
        "overrides": ["layers=[64,12,9,10]", "recipe_settings.weight_bits=8"], "layers": (0, 2),
    },
    "8-bit weights in flash": {
        "overrides": ["layers=[64,12,9,10]", "recipe_settings.weight_bits=8"], "layers": (1,),
        "parameters": True,
    },
    "front end": {"overrides": ["front_end=octants", "layers=[32,12,10]", "batch=7"]},
    "front end, 8-bit weights, halved from the start": {
        "overrides": ["front_end=edges", "recipe_settings.weight_bits=8",
                      "recipe_settings.halvings=1"],
    },
    "front end, last layer, others in flash": {
        "overrides": ["front_end=edges"], "layers": (1,),
        "parameters": True,
    },
    "shift copies": {"overrides": ["pixel_shifts=true", "buffer=12", "batch=5"]},
    "shift copies, front end, last layer, others in flash": {
        "overrides": ["pixel_shifts=true", "front_end=octants", "layers=[32,12,10]"],
        "layers": (1,), "parameters": True,
    },
    "shift copies, front end": {"overrides": ["pixel_shifts=true", "front_end=edges", "batch=7"]},
    "paper": {"overrides": ["recipe=paper", "layers=[64,20,10]"]},
}  # fmt: skip

CONFIGURED = (
    "as the experiment starts", "last layer, others in flash",
    "front end, 8-bit weights, halved from the start", "front end, last layer, others in flash",
    "shift copies, front end",
)  # fmt: skip
"""Built by CMake, every warning an error; the others faster, and with undefined behaviour fatal."""

SANITIZED = ("-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")


@pytest.mark.parametrize("name", MODELS)
def test_trains_to_the_oracles_parameters(
    name: str,
    tmp_path: Path,
    make_model: Callable[..., Model],
    buffers: Callable[[Model, int], list[tuple[NDArray[np.int8], NDArray[np.int32]]]],
    expected: Callable[[Model, int, int], bytes],
    run: Callable[..., str],
) -> None:
    wanted = dict(MODELS[name])
    model = make_model(*wanted.pop("overrides"), **wanted)
    export(model, "cmake", tmp_path / "tifed")
    taken = buffers(model, ROUNDS)
    (tmp_path / "CMakeLists.txt").write_text(PROJECT)
    (tmp_path / "main.c").write_text(
        MAIN
        % {
            "samples": ",".join(
                "{" + ",".join(map(str, sample)) + "}" for part, _ in taken for sample in part
            ),
            "labels": ",".join(str(label) for _, part in taken for label in part),
            "rounds": ROUNDS,
            "device": DEVICE,
        }
    )
    program = tmp_path / "build" / "user"
    if name in CONFIGURED:
        run(["cmake", "-S", tmp_path, "-B", program.parent, "-DTIFED_EXAMPLES=ON"])
        run(["cmake", "--build", program.parent])
        lines = run([program.parent / "tifed" / "tifed_learn"]).splitlines()
        assert len(lines) == 21
        # Nothing has told it the energy of its features, so its first steps are small.
        assert int(lines[-1].split()[0]) > 65, "the example learns"
    else:
        program.parent.mkdir()
        library = tmp_path / "tifed"
        folders = [library / "include", library / "src", library / "include/tifed_link"]
        run(
            ["gcc", "-std=c99", "-O1", *SANITIZED, *(f"-I{folder}" for folder in folders),
             tmp_path / "main.c", *sorted(library.glob("src/**/*.c")), "-o", program]
        )  # fmt: skip
    printed = bytes.fromhex(run([program]))
    assert printed == expected(model, ROUNDS, DEVICE)
    assert printed != expected(model, 0, DEVICE), "nothing was learnt"


FEATURES = """\
#include <stdio.h>
#include "tifed_model.h"

static const int8_t sample[TIFED_MODEL_INPUTS] = {%s};

int main(void)
{
    const int8_t *features = tifed_model_features(sample);
    for (uint32_t i = 0; features && i < TIFED_MODEL_FEATURES; i++)
        printf("%%d ", features[i]);
    return tifed_features_check(0) == TIFED_ERROR_NETWORK ? 0 : 1;
}
"""


def test_an_exported_extractor_gives_the_oracles_features(
    tmp_path: Path, run: Callable[..., str]
) -> None:
    """Built by CMake, every warning an error; the example extracts, then learns."""
    extractor = find_extractor("mnist")
    experiment = Experiment(dataset="fashion-mnist", extractor="mnist", layers=(200, 20, 10))
    model = model_for(experiment, network_for(experiment), extractor=extractor)
    exported = export(model, "cmake", tmp_path / "tifed")
    assert exported.features_ram == extractor_memory(extractor).total + 200
    assert exported.extractor_flash == constant_bytes(extractor)
    sample = np.random.default_rng(1).integers(-128, 128, (1, 784)).astype(np.int8)
    (tmp_path / "CMakeLists.txt").write_text(PROJECT)
    (tmp_path / "main.c").write_text(FEATURES % ",".join(map(str, sample[0])))
    program = tmp_path / "build" / "user"
    run(["cmake", "-S", tmp_path, "-B", program.parent, "-DTIFED_EXAMPLES=ON"])
    run(["cmake", "--build", program.parent])
    features = [int(word) for word in run([program]).split()]
    assert features == oracle.extract(extractor, sample)[0].tolist()
    lines = run([program.parent / "tifed" / "tifed_learn"]).splitlines()
    assert len(lines) == 21
    assert int(lines[-1].split()[0]) > 80, "the example learns"
