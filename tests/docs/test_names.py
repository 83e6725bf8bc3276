"""What pages, docstrings, comments and tables call ``tifed.x.y`` or ``src/...`` is there."""

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from tifed.baselines import BASELINES
from tifed.data.catalogue import DATASETS
from tifed.data.own_files import READERS
from tifed.data.partition import PARTITIONS
from tifed.experiment import FLEETS
from tifed.link import TRANSPORTS
from tifed.rule.front_end import FRONT_ENDS
from tifed.rule.recipes import RECIPES

ROOT = Path(__file__).parents[2]
REGISTRIES = (BASELINES, DATASETS, FLEETS, FRONT_ENDS, PARTITIONS, READERS, RECIPES, TRANSPORTS)
NO_MODULES = {
    *(registry.group for registry in REGISTRIES),
    "tifed.emulate",  # a logger
    "tifed.h",
    "tifed.c",
}
FOLDERS = (".github", "benchmarks", "docs", "examples", "scripts", "src")
KINDS = {".c", ".cpp", ".h", ".hpp", ".md", ".py", ".toml", ".yml"}
TEXTS = {
    path: path.read_text(encoding="utf-8")
    for path in (*ROOT.glob("*"), *(path for name in FOLDERS for path in (ROOT / name).rglob("*")))
    if path.suffix in KINDS or path.name == "Makefile"
}
_MODULE = re.compile(r"(?<![\w/.-])tifed(?:\.[A-Za-z_]\w*)+(?![\w/-])")
_PATH = re.compile(
    r"(?<![\w/.-])(?:\.\./)*((?:src/tifed|tests|benchmarks|scripts|docs)/[\w./-]*\w)"
)


def there(name: str) -> bool:
    """Whether it is a module, or something that a module has."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        module = ".".join(parts[:length])
        try:
            if find_spec(module) is None:
                continue
        except ModuleNotFoundError:  # of a parent that is no package
            continue
        found = import_module(module) if length < len(parts) else None
        for part in parts[length:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def mentioned(pattern: re.Pattern[str]) -> dict[str, list[str]]:
    """All that ``pattern`` finds, each with the files that it is in."""
    found: dict[str, list[str]] = {}
    for path, text in TEXTS.items():
        for name in {match.group(match.lastindex or 0) for match in pattern.finditer(text)}:
            found.setdefault(name, []).append(str(path.relative_to(ROOT)))
    return found


@pytest.mark.slow(2)
def test_modules_and_what_they_have() -> None:
    named = mentioned(_MODULE)
    assert len(named) > 200
    assert {name: named[name] for name in named.keys() - NO_MODULES if not there(name)} == {}


def test_files_and_folders() -> None:
    named = mentioned(_PATH)
    assert len(named) > 80
    assert {name: named[name] for name in named if not (ROOT / name).exists()} == {}
