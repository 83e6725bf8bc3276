"""A library says that it is for boards whose kinds of processor run the tests, no others."""

import configparser
import json
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from tifed.export import Model, export
from tifed.export.architectures import ARDUINO, AVR, PLATFORMIO

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def tested() -> set[str]:
    """Processors: of the emulated boards that whole runs are tested on, and of the core's tests."""
    digests = runpy.run_path(str(TESTS / "fleets" / "test_digest.py"))
    avr = runpy.run_path(str(TESTS / "core" / "test_avr.py"))
    assert avr["PROCESSOR"].startswith("atmega")
    assert f"-mmcu={avr['PROCESSOR']}" in avr["COMPILER"]
    return {*(board for _, board in digests["BOARDS"]), AVR}


@pytest.mark.parametrize("names", [ARDUINO, PLATFORMIO], ids=["arduino", "platformio"])
def test_every_name_has_processors_that_run_the_tests(
    names: dict[str, tuple[str, ...]], tested: set[str]
) -> None:
    for name, processors in names.items():
        assert processors, name
        assert set(processors) <= tested, name
    assert {AVR, "cortex-m0", "cortex-m3", "cortex-m4", "cortex-m7"} <= set(sum(names.values(), ()))


def test_arduino_is_told_them(tmp_path: Path, make_model: Callable[..., Model]) -> None:
    export(make_model(), "arduino", tmp_path / "library")
    text = (tmp_path / "library" / "library.properties").read_text()
    assert f"architectures={','.join(ARDUINO)}\n" in text


def test_platformio_is_told_them(tmp_path: Path, make_model: Callable[..., Model]) -> None:
    export(make_model(), "platformio", tmp_path / "library")
    manifest = json.loads((tmp_path / "library" / "library.json").read_text())
    assert manifest["platforms"] == list(PLATFORMIO)
    for example in manifest["examples"]:
        ini = configparser.ConfigParser()
        ini.read(tmp_path / "library" / example["base"] / "platformio.ini")
        for section in ini.sections():
            if section.startswith("env:"):
                assert ini[section]["platform"] in PLATFORMIO
