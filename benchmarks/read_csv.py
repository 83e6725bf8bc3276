"""Time and memory of reading a large CSV file, in a process of its own.

    python benchmarks/read_csv.py

Writes a table of 10,000 rows by 784 features and a label into a temporary folder: once with bytes,
as pictures have, once with decimals. A fresh process imports TIFeD, reads, and says what that took:
seconds of CPU and the peak of resident memory, both beyond what the imports alone took. "table" is
the reader alone; "load" goes on to the split and int8.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROWS, FEATURES = 10_000, 784

_MEASURE = """
import resource, sys
from pathlib import Path
import numpy as np
from tifed.data import load
from tifed.data.readers.text_file import read_csv

path, what = Path(sys.argv[1]), sys.argv[2]
np.loadtxt(["1,2"], delimiter=",")  # imports what it needs
before = resource.getrusage(resource.RUSAGE_SELF)
if what == "table":
    table, _ = read_csv(path, False)
else:
    load(path, quantise=what)
after = resource.getrusage(resource.RUSAGE_SELF)
cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
print(cpu, (after.ru_maxrss - before.ru_maxrss) * 1024 / 1e6)
"""


def write(path: Path, kind: str) -> None:
    """A table of bytes, four of five of them 0, or of decimals with four places.

    Row by row: a child's peak of memory begins at its parent's, so this process must stay small.
    """
    random = np.random.default_rng(1)
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(f"p{place}" for place in range(FEATURES)) + ",label\n")
        for row in range(ROWS):
            if kind == "bytes":
                bright = random.random(FEATURES) >= 0.8
                values = (random.integers(0, 256, FEATURES) * bright).tolist()
            else:
                values = random.normal(size=FEATURES).round(4).tolist()
            file.write(",".join(map(str, values)) + f",{row % 10}\n")


def measure(path: Path, what: str) -> tuple[float, float]:
    """Seconds of CPU and megabytes beyond the imports."""
    command = [sys.executable, "-c", _MEASURE, str(path), what]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(answer[0]), float(answer[1])


def main() -> None:
    """Print one line per file and part of the work."""
    print(f"{ROWS} rows of {FEATURES} features and a label\n")
    print("| values | what | CPU, s | memory, MB |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("bytes", "decimals"):
            path = Path(folder) / f"{kind}.csv"
            write(path, kind)
            for what, word in (("table", "table"), ("auto", "load"), ("shared", "load, shared")):
                cpu, memory = measure(path, what)
                print(f"| {kind} | {word} | {cpu:.2f} | {memory:.0f} |")


if __name__ == "__main__":
    main()
