"""Breakages that are named one by one, in C as well: does a test near them notice?"""

import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mutation.tree import Subject, Tree

SECONDS = 1800.0
"""For the tests of one breakage; one that hangs them is noticed."""


@dataclass(frozen=True)
class Breakage:
    """Code that is wrong on purpose.

    Attributes:
        name: what is wrong then.
        file: from the root.
        find: what stands there, once.
        replace: what is put in its place.
        tests: files and folders near it.
    """

    name: str
    file: str
    find: str
    replace: str
    tests: tuple[str, ...]


def breakages(path: Path) -> list[Breakage]:
    """Those listed in a file."""
    listed = tomllib.loads(path.read_text())["breakage"]
    return [Breakage(**(entry | {"tests": tuple(entry["tests"])})) for entry in listed]


def out_of_date(root: Path, listed: Iterable[Breakage]) -> list[str]:
    """What is wrong with entries since the code has changed, one line each."""
    wrong = []
    for breakage in listed:
        file = root / breakage.file
        count = file.read_text().count(breakage.find) if file.is_file() else 0
        if count != 1:
            wrong.append(
                f"{breakage.name}: {breakage.file} has {count} times {breakage.find!r}, not once; "
                "bring the list up to date"
            )
        wrong += [
            f"{breakage.name}: there is no {test}; bring the list up to date"
            for test in breakage.tests
            if not _is_there(root, test)
        ]
    return wrong


def _is_there(root: Path, test: str) -> bool:
    """Whether there is such a folder, file or function; its parameters are not looked at."""
    place, _, name = test.partition("::")
    if not name:
        return (root / place).exists()
    function = f"def {name.partition('[')[0]}("
    return (root / place).is_file() and function in (root / place).read_text()


def carry_out(subject: Subject, listed: Iterable[Breakage]) -> dict[str, str]:
    """Try each.

    Returns:
        Per name the test that noticed it, "" if none did.

    Raises:
        SystemExit: if a test fails as it is, or entries are out of date.
    """
    listed, noticed = list(listed), {}
    if old := out_of_date(subject.root, listed):
        raise SystemExit("\n".join(old))
    with tempfile.TemporaryDirectory(prefix="broken-") as folder:
        tree = Tree(subject, Path(folder, "0"))
        sound: set[tuple[str, ...]] = set()
        for breakage in listed:
            source = (subject.root / breakage.file).read_text()
            if breakage.tests not in sound and (failed := _first_failure(tree, breakage.tests)):
                raise SystemExit(f"{failed} fails though nothing is broken")
            sound.add(breakage.tests)
            tree.put(breakage.file, source.replace(breakage.find, breakage.replace).encode())
            noticed[breakage.name] = _first_failure(tree, breakage.tests)
            tree.put(breakage.file, source.encode())
            print(f"{breakage.name}: {noticed[breakage.name] or 'NOT NOTICED'}", flush=True)
    return noticed


def _first_failure(tree: Tree, tests: tuple[str, ...]) -> str:
    """The first test that fails, "" if all pass."""
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(
            command, cwd=tree.place, env=tree.environment, capture_output=True, text=True,
            check=False, timeout=SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"no end within {SECONDS:g} s"
    if done.returncode == 0:
        return ""
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    return failed[1] if failed else f"exit code {done.returncode}"
