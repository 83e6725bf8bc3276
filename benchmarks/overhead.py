"""What a user waits for besides training: CPU seconds of whole commands, and of a run in memory.

`python -m benchmarks.overhead`; docs/performance.md has the figures. A command's are those of its
process, imports and report included; the median of several, one after another.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

START = (sys.executable, "-c", "from tifed.cli import main; main()")
COMMANDS = ("--help", "run --preset digits", "run --preset fashion-mnist-paper")
IN_MEMORY = """
import time, tifed
experiment = tifed.load_experiment(preset="digits", overrides=["rounds=60"])
tifed.run(experiment)
before = time.process_time()
tifed.run(experiment)
print(time.process_time() - before)
"""


def of_command(words: str) -> float:
    """CPU seconds of ``tifed WORDS``, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        out = ["--out", f"{folder}/run"] if words.startswith("run ") else []
        before = os.times()
        subprocess.run([*START, *words.split(), *out], check=True, capture_output=True)
        after = os.times()
    return sum(after[2:4]) - sum(before[2:4])


def in_memory() -> float:
    """CPU seconds of the second run of 60 rounds of digits in a process, without a folder."""
    done = subprocess.run(
        [sys.executable, "-c", IN_MEMORY], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def main(
    repeats: Annotated[int, typer.Option(min=1, help="How often each is measured.")] = 5,
    only: Annotated[str, typer.Option(help="Measure only what has this in its name.")] = "",
) -> None:
    """Print a row for each, in CPU seconds."""
    measured: dict[str, Callable[[], float]] = {
        f"tifed {words}": partial(of_command, words) for words in COMMANDS
    }
    measured["tifed.run, 60 rounds of digits in memory"] = in_memory
    for name, seconds in measured.items():
        if only in name:
            print(f"{name}: {statistics.median(seconds() for _ in range(repeats)):.2f} s")


if __name__ == "__main__":
    typer.run(main)
