"""Two models in one firmware: names of their own, one core, each learns as it does alone."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.export import FRAMEWORKS, Model, export
from tifed.export.names import Names

ROUNDS, DEVICE = 2, 1

MAIN = """\
#include <stdio.h>
#include "door_model.h"
#include "tifed_model.h"

static const int8_t samples[][64] = {%(samples)s};
static const uint32_t labels[] = {%(labels)s};
static uint8_t wire[1 << 16];

static int give(const tifed *t, const tifed_network *network)
{
    for (uint32_t layer = 0; layer < network->depth; layer++) {
        const tifed_layer *shape = &network->layers[layer];
        uint32_t count = (shape->fan_in + 1u) * shape->fan_out;
        size_t bytes = tifed_wire_size(t, layer, 0, count);
        if (bytes > sizeof wire || tifed_get_parameters(t, layer, 0, count, wire) != TIFED_OK)
            return 1;
        for (size_t i = 0; i < bytes; i++)
            printf("%%02x", wire[i]);
    }
    printf("\\n");
    return 0;
}

int main(void)
{
    static tifed first, second;
    int status = tifed_model_start(&first) | door_start(&second);
    for (uint32_t round = 0; status == TIFED_OK && round < %(rounds)du; round++) {
        tifed_work here = tifed_model_work(round, %(device)du);
        tifed_work there = door_work(round, %(device)du);
        tifed_clear(&first);
        tifed_clear(&second);
        /* One after the other, a sample each: neither may write to what is the other's. */
        for (uint32_t i = 0; i < TIFED_MODEL_BUFFER; i++) {
            uint32_t place = round * TIFED_MODEL_BUFFER + i;
            status |= tifed_model_add_sample(&first, samples[place], labels[place]);
            if (i < DOOR_BUFFER) {
                place = round * DOOR_BUFFER + i;
                status |= door_add_sample(&second, samples[place], labels[place]);
            }
        }
        status |= tifed_train(&first, &here) | tifed_train(&second, &there);
    }
    return status || give(&first, tifed_model_config.network) || give(&second, door_config.network);
}
"""

PROJECT = """\
cmake_minimum_required(VERSION 3.13)
project(user LANGUAGES C)
%(found)s
add_executable(user main.c)
target_link_libraries(user PRIVATE tifed::tifed tifed::door)
"""


@pytest.fixture
def models(make_model: Callable[..., Model]) -> tuple[Model, Model]:
    """One without a prefix; one for the prefix door, with a front end and parameters in flash."""
    first = make_model("layers=[64,12,10]", "buffer=13")
    door = make_model(
        "front_end=octants", "layers=[32,9,10]", "buffer=11", "batch=5", layers=(1,),
        parameters=True,
    )  # fmt: skip
    return first, door


def both(models: tuple[Model, Model], framework: str, folder: Path) -> Path:
    export(models[0], framework, folder)
    export(models[1], framework, folder, "door", add=True)
    return folder


def written(
    folder: Path,
    models: tuple[Model, Model],
    buffers: Callable[[Model, int], list[tuple[NDArray[np.int8], NDArray[np.int32]]]],
) -> Path:
    """The main program, for samples of the larger buffers; the others are a part of them."""
    taken = buffers(models[0], ROUNDS)
    parts = ["{" + ",".join(map(str, sample)) + "}" for part, _ in taken for sample in part]
    labels = ",".join(str(label) for _, part in taken for label in part)
    (folder / "main.c").write_text(
        MAIN % {"samples": ",".join(parts), "labels": labels, "rounds": ROUNDS, "device": DEVICE}
    )
    return folder / "main.c"


@pytest.mark.slow(5)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_both_are_compiled_into_one_program_and_learn(
    framework: str,
    tmp_path: Path,
    models: tuple[Model, Model],
    buffers: Callable[[Model, int], list[tuple[NDArray[np.int8], NDArray[np.int32]]]],
    expected: Callable[[Model, int, int], bytes],
    run: Callable[..., str],
) -> None:
    """All C files of a folder at once, as the build systems without targets of their own do it."""
    library = both(models, framework, tmp_path / "library")
    layout = FRAMEWORKS[framework]
    sources = sorted((library / layout.sources).rglob("*.c"))
    assert len([path for path in sources if path.name == "tifed.c"]) == 1
    folders = {library / layout.sources, library / layout.headers}
    run(
        ["gcc", "-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined",
         *(f"-I{folder}" for folder in folders), *(f"-I{folder}/tifed_link" for folder in folders),
         written(tmp_path, models, buffers), *sources, "-o", tmp_path / "program"]
    )  # fmt: skip
    lines = run([tmp_path / "program"]).splitlines()
    for model, line in zip(models, lines, strict=True):
        assert bytes.fromhex(line) == expected(model, ROUNDS, DEVICE)
        assert bytes.fromhex(line) != expected(model, 0, DEVICE), "nothing was learnt"


@pytest.mark.slow(10)
@pytest.mark.parametrize("how", ["subdirectory", "installed"])
def test_a_cmake_project_uses_both(
    how: str,
    tmp_path: Path,
    models: tuple[Model, Model],
    buffers: Callable[[Model, int], list[tuple[NDArray[np.int8], NDArray[np.int32]]]],
    expected: Callable[[Model, int, int], bytes],
    run: Callable[..., str],
) -> None:
    library, user = both(models, "cmake", tmp_path / "library"), tmp_path / "user"
    user.mkdir()
    written(user, models, buffers)
    found = f"add_subdirectory({library} tifed)"
    if how == "installed":
        built, place = tmp_path / "built", tmp_path / "installed"
        run(["cmake", "-S", library, "-B", built, "-DCMAKE_INSTALL_LIBDIR=lib"])
        run(["cmake", "--build", built])
        run(["cmake", "--install", built, "--prefix", place])
        library.rename(tmp_path / "moved")  # what is installed needs neither of them
        built.rename(tmp_path / "built-moved")
        assert sorted(path.name for path in (place / "lib").glob("*.a")) == [
            "libtifed.a", "libtifed_core.a", "libtifed_door.a",
        ]  # fmt: skip
        found = f"find_package(tifed REQUIRED PATHS {place} NO_DEFAULT_PATH)"
    (user / "CMakeLists.txt").write_text(PROJECT % {"found": found})
    run(["cmake", "-S", user, "-B", user / "build"])
    run(["cmake", "--build", user / "build"])
    lines = run([user / "build/user"]).splitlines()
    assert [bytes.fromhex(line) for line in lines] == [
        expected(model, ROUNDS, DEVICE) for model in models
    ]


@pytest.mark.slow(3)
def test_the_core_is_in_a_program_once(
    tmp_path: Path, models: tuple[Model, Model], run: Callable[..., str]
) -> None:
    """A second model adds its own code and numbers, and no second core."""
    library = both(models, "arduino", tmp_path / "library")
    places: dict[str, str] = {}
    for source in sorted((library / "src").rglob("*.c")):
        made = tmp_path / f"{source.stem}.o"
        run(["gcc", "-std=gnu11", "-Os", f"-I{library / 'src'}", "-c", source, "-o", made])
        for line in run(["nm", "--defined-only", "--extern-only", made]).splitlines():
            name = line.split()[-1]
            assert places.setdefault(name, source.name) == source.name, "two files have it"
    assert {places[name] for name in ("door_start", "door_classify")} == {"door_model.c"}
    assert places["tifed_model_start"] == "tifed_model.c"
    of_the_door = {name for name, place in places.items() if place.startswith("door_")}
    assert all(name.startswith("door_") for name in of_the_door)
    assert not [name for name in places if not name.startswith(("tifed", "door_"))]


def test_a_second_cmake_library_is_told_how(tmp_path: Path, models: tuple[Model, Model]) -> None:
    for name, model in zip(("one", "two"), models, strict=True):
        export(model, "cmake", tmp_path / name, name)
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.13)\nproject(user LANGUAGES C)\n"
        "add_subdirectory(one)\nadd_subdirectory(two)\n"
    )
    done = subprocess.run(
        ["cmake", "-S", tmp_path, "-B", tmp_path / "build"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "with --add and a --prefix" in " ".join(done.stderr.split())


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_prefix_alone_leaves_no_name_of_the_default(
    framework: str, tmp_path: Path, make_model: Callable[..., Model]
) -> None:
    export(make_model(parameters=True), framework, tmp_path / "library", "door")
    for path in (tmp_path / "library").rglob("*"):
        assert "tifed_model" not in path.name
        if path.is_file():
            text = path.read_text().replace("tifed_model_start and tifed_model.h", "")
            assert "tifed_model" not in text, path
            assert "TIFED_MODEL" not in text, path
    layout = FRAMEWORKS[framework]
    assert (tmp_path / "library" / layout.headers / "door_model.h").is_file()
    programs = tmp_path / "library" / layout.examples
    assert [path.name for path in programs.iterdir()] == ["door"]


def test_a_model_that_is_added_again_is_replaced(
    tmp_path: Path, models: tuple[Model, Model], make_model: Callable[..., Model]
) -> None:
    library = both(models, "cmake", tmp_path / "library")
    kept = (library / "src/tifed_model.c").read_bytes()
    assert (library / "src/door_parameters.c").is_file()
    export(make_model("layers=[64,7,10]"), "cmake", library, "door", add=True)
    assert "64-7-10" in (library / "include/door_model.h").read_text()
    assert not (library / "src/door_parameters.c").exists(), "the new one has none"
    assert (library / "src/tifed_model.c").read_bytes() == kept
    mark = json.loads((library / "tifed-export.json").read_text())
    assert [model["shape"] for model in mark["models"]] == ["64-7-10", "64-12-10"]
    # Nobody takes pictures any more: the link has to know no front end.
    assert (
        "#define TIFED_DEVICE_FRONT_END"
        not in (library / "include/tifed_link/device.h").read_text()
    )


def test_what_would_lose_or_mix_models_is_refused(
    tmp_path: Path, models: tuple[Model, Model]
) -> None:
    library = both(models, "cmake", tmp_path / "library")
    with pytest.raises(UsageError, match=r"has other models \(door\), which would be lost"):
        export(models[0], "cmake", library)
    with pytest.raises(UsageError, match="without a prefix"):
        export(models[0], "cmake", library, "door")
    with pytest.raises(UsageError, match="is for cmake, not for zephyr"):
        export(models[0], "zephyr", library, "hall", add=True)
    with pytest.raises(UsageError, match="is no library that a model could be added to"):
        export(models[0], "cmake", tmp_path / "none", "hall", add=True)
    mark = library / "tifed-export.json"
    mark.write_text(mark.read_text().replace('"tifed": "', '"tifed": "0.0.'))
    with pytest.raises(UsageError, match="was exported by release 0.0"):
        export(models[0], "cmake", library, "hall", add=True)


@pytest.mark.parametrize(
    ("prefix", "message"),
    [
        ("Door", "cannot begin names in C"),
        ("2door", "cannot begin names in C"),
        ("door_", "cannot begin names in C"),
        ("front door", "cannot begin names in C"),
        ("", "cannot begin names in C"),
        ("d" * 25, "cannot begin names in C"),
        ("tifed_door", "begins like the names of the library's own"),
    ],
)
def test_a_prefix_that_c_or_the_core_cannot_have_is_refused(prefix: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Names(prefix)
