"""Layouts whose tools are not at hand: files obey their formats, builds are acted out."""

import configparser
import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tifed.errors import UsageError
from tifed.export import FRAMEWORKS, Model, export
from tifed.export.core_files import core_files
from tifed.export.library import HOMEPAGE

yaml = pytest.importorskip("yaml", reason="the extra dev brings it")

ROOT = Path(__file__).parents[2]
SEMANTIC = re.compile(r"\d+\.\d+\.\d+")


def exported(model: Model, framework: str, tmp_path: Path) -> Path:
    folder = tmp_path / framework
    export(model, framework, folder)
    return folder


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_layout_has_the_one_core_and_a_readme(
    framework: str, tmp_path: Path, make_model: Callable[..., Model]
) -> None:
    folder = exported(make_model(), framework, tmp_path)
    layout = FRAMEWORKS[framework]
    core = core_files(layout.sources, layout.headers)
    assert {"tifed.c", "tifed_kernel.c"} <= {Path(path).name for path in core}
    for path, content in core.items():
        assert (folder / path).read_bytes() == content
    readme = (folder / "README.md").read_text()
    assert "64-32-10" in readme
    assert "8,072 bytes" in readme
    assert "\n\n## What there is\n\n" in readme
    every = "".join(p.read_text() for p in folder.rglob("*") if p.is_file())
    assert "{{" not in re.sub(r"\$\{\{?|\}\}", "", every)
    assert "{%" not in every
    assert not list(folder.rglob("host"))
    assert "Apache License" in (folder / "LICENSE").read_text()


def test_manifests_name_the_address_that_the_project_gives(
    tmp_path: Path, make_model: Callable[..., Model]
) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert HOMEPAGE in project["urls"].values()
    (cited,) = yaml.safe_load((ROOT / "CITATION.cff").read_text())["references"]
    (paper,) = (one["value"] for one in cited["identifiers"])
    assert f"https://arxiv.org/abs/{paper.removeprefix('arXiv:')}" in project["urls"].values()
    model, found = make_model(), []
    folder = exported(model, "arduino", tmp_path)
    found += re.findall("^url=(.*)", (folder / "library.properties").read_text(), re.MULTILINE)
    folder = exported(model, "platformio", tmp_path)
    found.append(json.loads((folder / "library.json").read_text())["homepage"])
    folder = exported(model, "esp-idf", tmp_path)
    found.append(yaml.safe_load((folder / "idf_component.yml").read_text())["url"])
    assert found == [HOMEPAGE] * 3


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_frozen_layers_leave_no_federated_example(
    framework: str, tmp_path: Path, make_model: Callable[..., Model]
) -> None:
    folder = exported(make_model(layers=(1,), parameters=True), framework, tmp_path)
    for path in folder.rglob("*"):
        assert "federated" not in path.name.lower()
        if path.suffix in {".md", ".txt", ".json", ".yml"}:
            text = re.sub("federated learning|a device of a federation", "", path.read_text())
            assert "ederated" not in text, path
    if framework == "platformio":
        json.loads((folder / "library.json").read_text())


def test_arduino_library_properties(tmp_path: Path, make_model: Callable[..., Model]) -> None:
    folder = exported(make_model(), "arduino", tmp_path)
    fields = dict(
        line.split("=", 1) for line in (folder / "library.properties").read_text().splitlines()
    )
    required = {"name", "version", "author", "maintainer", "sentence", "paragraph", "category",
                "url", "architectures"}  # fmt: skip
    assert required <= fields.keys()
    assert all(fields.values())
    assert SEMANTIC.fullmatch(fields["version"])
    assert re.fullmatch(r"[A-Za-z0-9][\w .-]{0,62}", fields["name"])
    assert fields["category"] in {
        "Display", "Communication", "Signal Input/Output", "Sensors", "Device Control", "Timing",
        "Data Storage", "Data Processing", "Other",
    }  # fmt: skip
    assert fields["url"].startswith("https://")
    assert (folder / "src" / fields["includes"]).is_file()
    for sketch in (folder / "examples").iterdir():
        assert (sketch / f"{sketch.name}.ino").is_file(), "a sketch is named after its folder"
    for line in (folder / "keywords.txt").read_text().splitlines():
        assert re.fullmatch(r"\w+\t(KEYWORD1|KEYWORD2|LITERAL1)", line)


def test_platformio_library_json(tmp_path: Path, make_model: Callable[..., Model]) -> None:
    folder = exported(make_model(), "platformio", tmp_path)
    manifest = json.loads((folder / "library.json").read_text())
    assert set(manifest) <= {
        "name", "version", "description", "keywords", "homepage", "repository", "authors",
        "license", "frameworks", "platforms", "headers", "examples", "dependencies", "export",
        "scripts", "build",
    }  # fmt: skip
    assert {"name", "version", "description", "license", "frameworks", "platforms"} <= set(manifest)
    assert SEMANTIC.fullmatch(manifest["version"])
    assert len(manifest["description"]) <= 255
    assert all(re.fullmatch(r"[a-z0-9 \-+_]{1,50}", word) for word in manifest["keywords"])
    build = manifest["build"]
    assert set(build) <= {"flags", "srcDir", "includeDir", "srcFilter", "libArchive", "libLDFMode"}
    for flag in build["flags"]:
        assert (folder / flag.removeprefix("-I")).is_dir()
    assert (folder / build["srcDir"] / "tifed.c").is_file()
    for header in manifest["headers"]:
        assert (folder / build["includeDir"] / header).is_file()
    for example in manifest["examples"]:
        assert set(example) == {"name", "base", "files"}
        for name in example["files"]:
            assert (folder / example["base"] / name).is_file()
        ini = configparser.ConfigParser()
        ini.read(folder / example["base"] / "platformio.ini")
        assert ini["platformio"]["default_envs"] in {
            section.removeprefix("env:") for section in ini.sections()
        }
        for section in ini.sections():
            if section.startswith("env:"):
                assert {"platform", "board"} <= set(ini[section])
        link = ini["env"]["lib_deps"].removeprefix("symlink://")
        assert (folder / example["base"] / link / "library.json").is_file()
        assert (
            (folder / example["base"] / "src/main.cpp")
            .read_text()
            .startswith("#include <Arduino.h>\n")
        )


ZEPHYR = """\
cmake_minimum_required(VERSION 3.13)
project(acted LANGUAGES C)
set(CONFIG_TIFED y)
macro(zephyr_library_named name)
  add_library(${name} STATIC)
  set(ZEPHYR_CURRENT_LIBRARY ${name})
endmacro()
function(zephyr_library_sources)
  target_sources(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
endfunction()
function(zephyr_include_directories)
  target_include_directories(${ZEPHYR_CURRENT_LIBRARY} PUBLIC ${ARGN})
endfunction()
function(zephyr_library_include_directories)
  target_include_directories(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
endfunction()
add_subdirectory(zephyr/zephyr module)
add_executable(app zephyr/samples/learn/src/main.c)
target_include_directories(app PRIVATE stub)
target_link_libraries(app PRIVATE tifed)
"""


@pytest.mark.slow(2)
def test_zephyr_module(
    tmp_path: Path, make_model: Callable[..., Model], run: Callable[..., str]
) -> None:
    folder = exported(make_model(), "zephyr", tmp_path)
    module = yaml.safe_load((folder / "zephyr/module.yml").read_text())
    assert set(module) <= {"name", "build", "samples", "tests", "boards", "package-managers"}
    assert re.fullmatch(r"[a-zA-Z0-9_\-]+", module["name"])
    assert (folder / module["build"]["cmake"] / "CMakeLists.txt").is_file()
    assert (folder / module["build"]["kconfig"]).is_file()
    assert all((folder / sample).is_dir() for sample in module["samples"])
    kconfig = (folder / "zephyr/Kconfig").read_text().splitlines()
    assert kconfig[0] == "config TIFED"
    assert all(line.startswith("\t") for line in kconfig[1:])
    assert kconfig[1].startswith('\tbool "')
    assert kconfig[1].endswith('"')
    sample = yaml.safe_load((folder / "samples/learn/sample.yaml").read_text())
    assert set(sample) == {"sample", "common", "tests"}
    assert set(sample["sample"]) == {"name", "description"}
    assert all(re.fullmatch(r"[\w.\-]+", name) for name in sample["tests"])
    options = (folder / "samples/learn/prj.conf").read_text().split()
    assert all(re.fullmatch(r"CONFIG_\w+=y", option) for option in options)
    assert "CONFIG_TIFED=y" in options

    stub = tmp_path / "stub/zephyr"
    (stub / "sys").mkdir(parents=True)
    (stub / "kernel.h").write_text("")
    (stub / "sys/printk.h").write_text("#include <stdio.h>\n#define printk printf\n")
    (tmp_path / "CMakeLists.txt").write_text(ZEPHYR)
    run(["cmake", "-S", tmp_path, "-B", tmp_path / "build"])
    run(["cmake", "--build", tmp_path / "build"])
    last = run([tmp_path / "build/app"]).splitlines()[-1]
    pattern = sample["common"]["harness_config"]["regex"][0]
    assert re.search(pattern, last)


IDF = """\
cmake_minimum_required(VERSION 3.16)
project(acted LANGUAGES C)
file(WRITE ${CMAKE_BINARY_DIR}/start.c
  "void app_main(void); int main(void) { app_main(); return 0; }")
function(idf_component_register)
  set(known SRCS INCLUDE_DIRS PRIV_INCLUDE_DIRS REQUIRES PRIV_REQUIRES)
  cmake_parse_arguments(own "" "" "${known}" ${ARGN})
  if(own_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "unknown: ${own_UNPARSED_ARGUMENTS}")
  endif()
  get_filename_component(name ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  add_library(${name} STATIC ${own_SRCS})
  target_include_directories(${name} PUBLIC ${own_INCLUDE_DIRS} PRIVATE ${own_PRIV_INCLUDE_DIRS})
endfunction()
add_subdirectory(esp-idf)
add_subdirectory(esp-idf/examples/learn/main main)
target_link_libraries(main esp-idf)
add_executable(app ${CMAKE_BINARY_DIR}/start.c)
target_link_libraries(app PRIVATE main)
"""


@pytest.mark.slow(2)
def test_esp_idf_component(
    tmp_path: Path, make_model: Callable[..., Model], run: Callable[..., str]
) -> None:
    folder = exported(make_model(), "esp-idf", tmp_path)
    manifest = yaml.safe_load((folder / "idf_component.yml").read_text())
    assert set(manifest) <= {
        "version", "description", "license", "url", "repository", "dependencies", "examples",
        "targets", "tags", "maintainers", "files",
    }  # fmt: skip
    assert SEMANTIC.fullmatch(manifest["version"])
    assert manifest["dependencies"]["idf"] == ">=5.0"
    for example in manifest["examples"]:
        project = (folder / example["path"] / "CMakeLists.txt").read_text()
        # In this order, as the build system asks for.
        places = [
            project.index(text)
            for text in (
                "cmake_minimum_required(", "set(EXTRA_COMPONENT_DIRS",
                "include($ENV{IDF_PATH}/tools/cmake/project.cmake)", "project(",
            )
        ]  # fmt: skip
        assert places[:3] == sorted(places[:3])
        assert (folder / example["path"] / "main/CMakeLists.txt").is_file()

    (tmp_path / "CMakeLists.txt").write_text(IDF)
    run(["cmake", "-S", tmp_path, "-B", tmp_path / "build"])
    run(["cmake", "--build", tmp_path / "build"])
    last = run([tmp_path / "build/app"]).splitlines()[-1]
    assert last.endswith("of 100 new readings classified rightly")


def test_an_unknown_framework_is_refused(tmp_path: Path, make_model: Callable[..., Model]) -> None:
    with pytest.raises(UsageError, match="framework: 'mbed' is not one of arduino"):
        export(make_model(), "mbed", tmp_path / "mbed")
    assert not (tmp_path / "mbed").exists()
