"""``import tifed.x.y`` gives a module, wherever it is written."""

import sys
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType

import tifed


def modules() -> dict[str, ModuleType]:
    """Every module of the package by name; without those whose extra is not there."""
    for found in walk_packages(tifed.__path__, "tifed."):
        try:
            import_module(found.name)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] == "tifed":
                raise
    return {name: module for name, module in sys.modules.items() if name.startswith("tifed.")}


def test_no_package_exports_something_else_under_a_modules_name() -> None:
    hidden = []
    every = modules()
    for name, module in every.items():
        package, _, own = name.rpartition(".")
        if getattr(sys.modules[package], own, module) is not module:
            hidden.append(name)
    assert len(every) > 100
    assert hidden == []
