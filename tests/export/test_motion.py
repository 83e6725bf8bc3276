"""Libraries with the motion front end: C makes of a sensor's readings what Python does."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tifed.errors import UsageError
from tifed.experiment import Experiment
from tifed.experiment.setup import network_of
from tifed.export import FRAMEWORKS, Model, export, model_for
from tifed.rule.learning import classify
from tifed.rule.signal.motion import MotionFrontEnd

SANITIZED = ("-fsanitize=address,undefined", "-fno-sanitize-recover")
FRONT_END = MotionFrontEnd(3, 32, (0, 2), ("ax", "a*/y", "az"), (4096.0, 4096.0, 939.65), hop=20)

MAIN = """\
#include <stdio.h>
#include "tifed_model.h"

static const int16_t readings[][TIFED_MODEL_AXES] = {%s};

int main(void)
{
    static tifed t;
    if (tifed_model_start(&t) != TIFED_OK)
        return 1;
    for (int side = 0; side < 2; side++) {
        tifed_model_begin_readings(side != 0);
        for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++) {
            const int8_t *sample = tifed_model_add_reading(readings[i]);
            if (!sample)
                continue;
            printf("%%d ", (int)i);
            for (uint32_t at = 0; at < TIFED_MODEL_FEATURES; at++)
                printf("%%d ", sample[at]);
            printf("%%ld\\n", (long)tifed_model_classify(&t, sample));
        }
    }
    return 0;
}
"""


def model(front_end: MotionFrontEnd = FRONT_END) -> Model:
    """Random parameters."""
    features = front_end.features
    experiment = Experiment(front_end="motion", layers=(features, 8, 4))
    network = network_of(experiment, features, 4)
    parameters = experiment.build_recipe().start_parameters(network, 3)
    return model_for(experiment, network, None, (network, parameters), signal=front_end)


@pytest.mark.slow(3)
def test_readings_become_the_samples_that_python_makes(
    tmp_path: Path, run: Callable[..., str]
) -> None:
    made = model()
    export(made, "cmake", tmp_path / "library")
    readings = np.random.default_rng(2).integers(-32768, 32768, (100, 3)).astype(np.int16)
    rows = ("{" + ",".join(map(str, row)) + "}" for row in readings.tolist())
    (tmp_path / "main.c").write_text(MAIN % ",".join(rows))
    library, program = tmp_path / "library", tmp_path / "program"
    places = [library / "include", library / "src", library / "include/tifed_link"]
    run(
        ["gcc", "-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", *SANITIZED,
         *(f"-I{place}" for place in places), tmp_path / "main.c",
         *sorted(library.glob("src/**/*.c")), "-o", program]
    )  # fmt: skip
    found = np.array([line.split() for line in run([program]).splitlines()], np.int64)
    last = [31, 51, 71, 91]
    assert found[:, 0].tolist() == last * 2
    windows = np.stack([readings[at - 31 : at + 1] for at in last])
    wanted = np.concatenate(
        [FRONT_END.compute_all(it) for it in (windows, FRONT_END.mirror(windows))]
    )
    np.testing.assert_array_equal(found[:, 1:-1], wanted)
    assert made.parameters is not None
    np.testing.assert_array_equal(found[:, -1], classify(made.network, made.parameters, wanted))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_header_and_the_page_say_what_the_sensor_has_to_give(
    framework: str, tmp_path: Path
) -> None:
    exported = export(model(), framework, tmp_path / "library")
    header = next((tmp_path / "library").rglob("tifed_model.h")).read_text()
    assert "#define TIFED_MODEL_AXES 3u" in header
    assert "#define TIFED_MODEL_HOP 20u" in header
    assert " *     ax: 4096 for each unit that the training data have, mirrored\n" in header
    assert " *     ay: 4096 for each unit that the training data have\n" in header
    assert " *     az: 939.65 for each unit" in header
    assert f"motion, {FRONT_END.digest[:16]}" in header
    assert exported.signal_ram == FRONT_END.memory + 20 + FRONT_END.features
    page = (tmp_path / "library/README.md").read_text()
    assert "After 32 of them, and then every 20, it gives a sample" in page
    plain = Experiment(layers=(64, 8, 10))
    export(model_for(plain, network_of(plain, 64, 10)), framework, tmp_path / "plain")
    assert "READINGS" not in next((tmp_path / "plain").rglob("tifed_model.h")).read_text().upper()


def test_a_library_without_the_front_end_or_with_another_is_refused() -> None:
    experiment = Experiment(front_end="motion", layers=(45, 8, 4))
    network = network_of(experiment, 45, 4)
    with pytest.raises(
        UsageError, match=r"'motion', but None was given; .* signal_for\(experiment\)"
    ):
        model_for(experiment, network)
    with pytest.raises(
        UsageError, match="samples have 45 values, the signal front end 'motion' gives"
    ):
        model_for(experiment, network, signal=MotionFrontEnd(6, 32))
