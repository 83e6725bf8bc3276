"""Compiles C for tests, each file once: many programs here share most of their files.

An object is known by its compiler, its options and its preprocessed text, and kept in
build/objects. One that drew a warning is not kept, so that the warning comes again.
"""

import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

OBJECTS = Path(__file__).parents[1] / "build" / "objects"
DAYS = 7
"""For which an object is kept that no test asks for."""

_COMPILERS = re.compile(r"([a-z0-9_]+-linux-gnu-)?(gcc|cc|g\+\+)")
_OTHER_STEPS = {"-E", "-S", "-fsyntax-only", "-shared", "-"}
_MARKER = re.compile(rb'^(# \d+ )".*?([^/"]*)"', re.M)


def compiled(command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """Run a command, and if it is one of GCC's, compile only what was not compiled before.

    A command with several sources is taken apart, and their objects linked.
    """
    words = [str(word) for word in command]
    if not _COMPILERS.fullmatch(Path(words[0]).name) or _OTHER_STEPS & {*words}:
        return _run(words)
    at = [
        place
        for place, word in enumerate(words)
        if place and word.endswith((".c", ".cpp", ".ino")) and words[place - 1] != "-include"
    ]
    if not at or "-o" not in words:
        return _run(words)
    target = words.index("-o")
    sources = {*at}
    options = [
        word
        for place, word in enumerate(words)
        if place not in {target, target + 1, *sources} and word != "-c"
    ]
    linked = list(words)
    for place in at:
        made, path = _object(options, words[place])
        if made.returncode or path is None:
            return made
        if "-c" in words:
            shutil.copyfile(path, words[target + 1])
            return made
        linked[place] = str(path)
    done = _run(linked)
    for place in at:
        if Path(linked[place]).parent != OBJECTS:
            Path(linked[place]).unlink()
    return done


def forget_old() -> None:
    """Remove objects that no test has asked for in `DAYS` days."""
    before = time.time() - DAYS * 86_400
    for path in OBJECTS.glob("*"):
        if path.stat().st_mtime < before:
            path.unlink(missing_ok=True)


def _object(
    options: list[str], source: str
) -> tuple[subprocess.CompletedProcess[str], Path | None]:
    """The object of a source, or what went wrong."""
    text = subprocess.run([*options, "-E", source], capture_output=True, check=False)
    if text.returncode:
        return _run([*options, "-c", source, "-o", os.devnull]), None
    # Folders change from test to test, and say nothing of the code; lines and names stay.
    known = hashlib.sha256(_MARKER.sub(rb'\1"\2"', text.stdout))
    # Options of the preprocessor have done what they do.
    told = [word for word in options if not word.startswith(("-I", "-D", "-U"))]
    known.update(repr([_version(options[0]), Path(source).suffix, told]).encode())
    kept = OBJECTS / f"{known.hexdigest()}.o"
    if kept.exists():
        os.utime(kept)
        return subprocess.CompletedProcess(options, 0, "", ""), kept
    OBJECTS.mkdir(parents=True, exist_ok=True)
    number, fresh = tempfile.mkstemp(suffix=".o")
    os.close(number)
    made = _run([*options, "-c", source, "-o", fresh])
    if made.returncode or made.stderr:
        return made, Path(fresh)
    beside = OBJECTS / Path(fresh).name
    shutil.move(fresh, beside)
    beside.replace(kept)  # at once: another process may look for it
    return made, kept


@functools.cache
def _version(compiler: str) -> str:
    return _run([compiler, "--version"]).stdout


def _run(words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False)
