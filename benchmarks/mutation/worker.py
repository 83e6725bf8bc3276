"""Runs tests in the copy, one request after the other: ``python -m … LIBRARIES``.

Each request runs in a child that is forked from here, so NumPy, pytest and the other libraries load
once; the project's own modules load in the child, with the error that is in them.
"""

import importlib
import json
import os
import resource
import signal
import sys
import time
from contextlib import suppress

from benchmarks.mutation.running import Chosen, run

MEMORY = 64 << 30
"""Bytes that a child may ask for: a wrong shape must not take the machine with it. An emulator of a
board reserves a gigabyte and uses little of it, and a test run has several."""


def main() -> None:
    """Answer a line of JSON with a line of JSON, until there are no more."""
    for name in sys.argv[1:]:
        with suppress(ImportError):
            importlib.import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(outcome(**request)), flush=True)


def outcome(tests: dict[str, float], keep_bytecode: bool) -> dict[str, str]:
    """Whether ``tests`` pass, and if not, which one did not, or that time was up."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _child(tests, writer, keep_bytecode)
    os.close(writer)
    done = _wait(child, 60.0 + sum(tests.values()))  # for what hangs before any test
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # it, and whatever a test has started
    status = os.waitpid(child, 0)[1]
    with os.fdopen(reader) as said:
        failed, _, why = said.read().partition("\n")
    if not done or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM):
        return {"outcome": "timed out", "by": failed, "why": why}
    if status == 0:
        return {"outcome": "survived", "by": "", "why": ""}
    return {"outcome": "killed", "by": failed or f"status {status}", "why": why}


def _child(tests: dict[str, float], writer: int, keep_bytecode: bool) -> None:
    os.setsid()
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    if not keep_bytecode:
        sys.dont_write_bytecode = True
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    chosen = Chosen(tests)
    code = 3
    try:
        code = run(dict.fromkeys(test.split("::")[0] for test in tests), chosen)
    finally:
        os.write(writer, f"{chosen.failed}\n{chosen.why}".encode()[:8192])
        os._exit(code)


def _wait(child: int, seconds: float) -> bool:
    """Whether the child ends in time; it is still to be waited for, so its number stays its own."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return True
        time.sleep(0.005)
    return False


if __name__ == "__main__":
    main()
