"""A copy of the project in which errors can be put, and the processes that run tests in it."""

import importlib.util
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_LEFT_OUT = shutil.ignore_patterns(
    ".*", "__pycache__", "build", "dist", "runs", "*.so", "*.egg-info"
)

# An editable installation puts a finder of its own before every path: without it, Python finds the
# copy. Python reads this file when it starts, so programs that tests start find the copy as well.
_SITE = """\
import sys

def _elsewhere(finder):
    return not PACKAGES & set(getattr(finder, "known_source_files", ()))

sys.meta_path[:] = filter(_elsewhere, sys.meta_path)
sys.path.insert(0, SOURCES)
"""


@dataclass(frozen=True)
class Subject:
    """What is tested, by what.

    Attributes:
        root: of the project.
        sources: folders and files to make mutants of, from the root.
        tests: folders and files of tests, from the root.
        extensions: names of compiled modules, which the copy gets from the installation.
        libraries: modules of others that most tests import, so that they are loaded once.
    """

    root: Path
    sources: tuple[str, ...]
    tests: tuple[str, ...]
    extensions: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()

    def files(self) -> list[str]:
        """The Python files of the sources, from the root."""
        found: list[Path] = []
        for source in self.sources:
            place = self.root / source
            found += sorted(place.rglob("*.py")) if place.is_dir() else [place]
        return [path.relative_to(self.root).as_posix() for path in found]


class Tree:
    """A copy of a project; the project itself is never changed."""

    def __init__(self, subject: Subject, folder: Path) -> None:
        """Copy.

        Args:
            subject: whose project.
            folder: for the copy; a short path, for tests put sockets in it.
        """
        self.place = folder / "t"
        self.folder = folder
        folder.mkdir(parents=True)
        shutil.copytree(subject.root, self.place, ignore=_LEFT_OUT)
        for name in subject.extensions:
            found = importlib.util.find_spec(name)
            if found is None or found.origin is None:
                raise SystemExit(f"{name}: is not installed")
            package = self.place / "src" / Path(*name.split(".")[:-1])
            shutil.copy(found.origin, package)
        site = folder / "site"
        site.mkdir()
        sources = self.place / "src"
        packages = {path.name for path in sources.iterdir()}
        constants = f"PACKAGES = {packages!r}\nSOURCES = {str(sources)!r}\n"
        (site / "sitecustomize.py").write_text(constants + _SITE)
        self.environment = os.environ | {
            # This file's package is imported from the project, what it tests from the copy.
            "PYTHONPATH": f"{site}{os.pathsep}{ROOT}",
            "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"),
            "OPENBLAS_NUM_THREADS": "1",
            # Other packages' plugins for pytest take longer to load than most tests to run.
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "TMPDIR": str(folder),
        }

    def put(self, file: str, content: bytes) -> None:
        """Give a file of the copy another content."""
        path = self.place / file
        path.write_bytes(content)
        # Bytecode is told apart by time and size, which a small error may not change.
        Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)

    def command(self, module: str, *arguments: str) -> list[str]:
        """A program of this package, to be run in the copy."""
        return [sys.executable, "-m", f"benchmarks.mutation.{module}", *arguments]
