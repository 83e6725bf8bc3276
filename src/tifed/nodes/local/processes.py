"""Programs that live no longer than the federation that started them."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SET_PARENT_DEATH_SIGNAL = 1
PATIENCE = 10.0
"""Seconds that a program has to stop by itself."""


@dataclass
class Program:
    """A program that runs, with its log.

    Attributes:
        name: for messages.
        process: it.
        log: file with all that it prints.
    """

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def last_words(self, lines: int = 8) -> str:
        """The end of its log."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])


def start(name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> Program:
    """Start ``command`` out of reach of the terminal's ^C; its starter stops it in order."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        process = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=file,
            stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=_die_with_parent(),
        )  # fmt: skip
    return Program(name, process, log)


def stop(programs: Sequence[Program], mark: str, last: str = "") -> None:
    """End ``programs`` and everything that they have started.

    Args:
        programs: in the order in which they are told.
        mark: ``NAME=value`` in the environment of all of them and of nobody else.
        last: name of the one that is told when the others have ended, if there is one.

    Raises:
        ValueError: if ``mark`` is not that; nothing is ended then.
    """
    marked(mark)
    _end([program for program in programs if program.name != last])
    _end([program for program in programs if program.name == last])
    until = time.monotonic() + PATIENCE / 2
    while (left := marked(mark)) and time.monotonic() < until:
        time.sleep(0.1)
    for process in left:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _end(programs: Sequence[Program]) -> None:
    """Tell ``programs`` to end, and wait; those that do not are killed."""
    for program in programs:
        if program.runs:
            program.process.terminate()
    until = time.monotonic() + PATIENCE
    for program in programs:
        try:
            program.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            program.process.kill()
            program.process.wait()


def marked(mark: str) -> list[int]:
    """The processes that have ``mark`` in their environment, where the system tells (Linux).

    Raises:
        ValueError: if ``mark`` is not ``NAME=value``: many processes would have it, or all.
    """
    name, _, value = mark.partition("=")
    if not (name and value):
        raise ValueError(f"mark {mark!r} is not NAME=value, which only own processes have")
    found, wanted = [], mark.encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in variables and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return found


def _die_with_parent() -> Callable[[], object] | None:
    """Something that a child does first so that it ends when this process is killed (Linux)."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return lambda: library.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
