"""Mutants, one by one, in one copy of the project: which test finds each."""

import json
import subprocess
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from benchmarks.mutation.mutants import Mutant
from benchmarks.mutation.tree import Tree

PATIENCE = 8.0
"""A test of a mutant may take so many times as long as it takes without it, and ..."""
GRACE = 15.0
"""... so many seconds more."""
NO_HURRY = 3600.0


@dataclass(frozen=True)
class Reach:
    """Which tests run which lines, and how long each test takes.

    Attributes:
        seconds: per test.
        lines: per file and line the tests, "" for what runs when files are imported.
    """

    seconds: Mapping[str, float]
    lines: Mapping[str, Mapping[int, frozenset[str]]]

    def tests(self, mutant: Mutant) -> list[str]:
        """The tests that reach a mutant, quick files first.

        A line that runs on import may matter to whatever reaches its file at all, and to tests
        beside those, which may look at a constant without running a line.
        """
        lines = self.lines.get(mutant.file, {})
        first, last = mutant.header
        found = set[str]().union(*(lines.get(n, frozenset()) for n in range(first, last + 1)))
        if "" in found:
            files = {test.split("::")[0] for test in found.union(*lines.values())}
            found.update(test for test in self.seconds if test.split("::")[0] in files)
        return self.in_order(found - {""})

    def in_order(self, tests: Iterable[str]) -> list[str]:
        """Tests of quick files first, those of one file together, doctests last.

        A source file that is collected before anything has imported it is imported twice.
        """
        tests, files = sorted(tests), dict[str, float]()
        for test in tests:
            name = test.split("::")[0]
            files[name] = files.get(name, 0.0) + self.seconds[test]

        def place(test: str) -> tuple[bool, float, str]:
            name = test.split("::")[0]
            return name in self.lines, files[name], test

        return sorted(tests, key=place)

    def limits(self, tests: Iterable[str]) -> dict[str, float]:
        """Seconds that each of ``tests`` may take."""
        return {test: GRACE + PATIENCE * self.seconds[test] for test in tests}


def measure(tree: Tree, sources: Iterable[str], tests: Iterable[str]) -> Reach:
    """Run all tests once, without a mutant.

    Raises:
        SystemExit: if one of them fails.
    """
    result = tree.folder / "reach.json"
    command = tree.command("covering", str(result), json.dumps([*sources]), json.dumps([*tests]))
    done = subprocess.run(
        command, cwd=tree.place, env=tree.environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"the tests fail without any mutant:\n{done.stdout}{done.stderr}")
    said = json.loads(result.read_text())
    lines = {
        file: {int(number): frozenset(names) for number, names in found.items()}
        for file, found in said["lines"].items()
    }
    return Reach(said["seconds"], lines)


class Trials:
    """A copy of the project and a process that runs tests in it."""

    def __init__(self, tree: Tree, reach: Reach, libraries: Iterable[str]) -> None:
        self._tree = tree
        self._reach = reach
        self._lock = threading.Lock()
        self._worker = subprocess.Popen(
            tree.command("worker", *libraries), cwd=tree.place, env=tree.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def warm(self) -> None:
        """Run every test that reaches anything, without a mutant; bytecode is kept.

        Raises:
            SystemExit: if a test fails.
        """
        files = self._reach.lines.values()
        reached = set[str]().union(*(names for file in files for names in file.values())) - {""}
        tests = dict.fromkeys(self._reach.in_order(reached), NO_HURRY)
        said = self._asked(tests, keep_bytecode=True)
        if said["outcome"] != "survived":
            raise SystemExit(f"{said['by']} {said['outcome']} without a mutant:\n{said['why']}")

    def tried(self, mutant: Mutant, source: bytes) -> dict[str, str]:
        """``outcome`` ("killed", "survived", "timed out", "not reached") and ``by``, the test."""
        tests = self._reach.tests(mutant)
        if not tests:
            return {"outcome": "not reached", "by": ""}
        with self._lock:
            self._tree.put(mutant.file, mutant.applied(source))
            try:
                return self._asked(self._reach.limits(tests))
            finally:
                self._tree.put(mutant.file, source)

    def _asked(self, tests: dict[str, float], keep_bytecode: bool = False) -> dict[str, str]:
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        request = {"tests": tests, "keep_bytecode": keep_bytecode}
        self._worker.stdin.write(json.dumps(request) + "\n")
        self._worker.stdin.flush()
        said: dict[str, str] = json.loads(self._worker.stdout.readline())
        return said

    def close(self) -> None:
        """End the process."""
        self._worker.communicate()
