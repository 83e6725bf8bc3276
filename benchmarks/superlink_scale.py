"""Where one SuperLink ends: rounds and idle time with many light nodes, with TLS and keys.

    python -m benchmarks.superlink_scale --counts 100 300 1000

Prints a table of docs/scaling.md. The SuperLink and the server of the run are Flower's own
processes; the nodes are those of `superlink_light.py`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from benchmarks.synthetic_samples import synthetic

from tifed.experiment import Experiment, RunFolder, to_toml
from tifed.nodes.flower.bundle import write_bundle
from tifed.nodes.flower.deployment import Deployment
from tifed.nodes.serving.settings import Settings

A_PROCESS = 250
"""Nodes in one process."""
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_of(process: int) -> float:
    """Processor seconds that a process has taken."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_of(process: int) -> float:
    """Its resident memory, MB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def lights(deployment: Deployment, experiment: Path, count: int) -> Iterator[list[Path]]:
    """Light nodes in as many processes as it takes; their counts."""
    logs: list[Path] = []
    started: list[subprocess.Popen[bytes]] = []
    authority = Path(deployment.environment["FLWR_HOME"]) / "keys" / "ca.crt"
    try:
        for first in range(0, count, A_PROCESS):
            logs.append(experiment.with_name(f"lights-{first}"))
            command = [
                sys.executable, "-m", "benchmarks.superlink_light", deployment.address,
                str(authority), str(experiment), str(first), str(min(A_PROCESS, count - first)),
            ]  # fmt: skip
            with logs[-1].open("wb") as log:
                started.append(
                    subprocess.Popen(command, env=deployment.environment, stdout=log, stderr=log)
                )
        yield logs
    finally:
        for one in started:
            one.kill()
            one.wait()


def counts(logs: list[Path]) -> list[tuple[float, int, float]]:
    """Of each process the last moment, the requests until then, and how long half of them took."""
    found = []
    for log in logs:
        lines = [line.split() for line in log.read_text().splitlines() if line[:1].isdigit()]
        if lines:
            moment, requests, median = lines[-1]
            found.append((float(moment), int(requests), float(median)))
    return found


def rate(logs: list[Path], seconds: float) -> tuple[float, float]:
    """Requests a second in the next ``seconds``, and how long half of the looks took (seconds)."""
    before = counts(logs)
    time.sleep(seconds)
    after = counts(logs)
    each = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in zip(before, after, strict=True)]
    return sum(each), float(np.median([one[2] for one in after]))


def measure(count: int, rounds: int, seconds: float, limit: float) -> str:
    """One row of the table."""
    with tempfile.TemporaryDirectory(prefix="tifed-superlink-") as scratch, ExitStack() as ended:
        folder = Path(scratch)
        experiment = Experiment(
            dataset=str(synthetic(folder / "scale.npz", 5 * count)), devices=count, rounds=rounds,
            buffer=5, batch=5, local_epochs=1, layers=(64, 32, 10), evaluate_every=rounds,
        )  # fmt: skip
        text = folder / "experiment.toml"
        text.write_text(to_toml(experiment))
        deployment = ended.enter_context(Deployment(0, folder / "logs", log=print))
        link = deployment.programs["SuperLink"]
        logs = ended.enter_context(lights(deployment, text, count))
        began = time.monotonic()
        while len(found := counts(logs)) < len(logs) or sum(one[1] for one in found) < 2 * count:
            if time.monotonic() - began > limit:
                return f"| {count:,} | not all there in {limit:.0f} s |"
            time.sleep(0.5)
        joined = time.monotonic() - began
        used, looked = cpu_of(link), time.monotonic()
        idle, latency = rate(logs, seconds)
        core = (cpu_of(link) - used) / (time.monotonic() - looked)
        run = RunFolder(folder / "run")
        settings = Settings(
            text.read_text(), out=str(run.path), timeout=limit, grace=limit, attempts=1
        )
        write_bundle(folder / "app", settings)
        deployment.submit(folder / "app")
        row = (
            f"| {count:,} | {joined:.0f} | {idle:.0f} | {1e3 * latency:.0f} | {core:.2f} "
            f"| {1e3 * core / idle:.1f} | {memory_of(link):.0f} "
        )
        seen: list[list[float]] = []
        submitted = time.monotonic()
        while len(seen) < rounds:
            if time.monotonic() - submitted > (rounds + 2) * limit:
                return row + f"| {len(seen)} rounds in {(rounds + 2) * limit:.0f} s |"
            rows = run.read_metrics(1 << 62) if run.metrics.exists() else []
            if len(rows) > len(seen):
                requests = sum(one[1] for one in counts(logs))
                seen.append([time.monotonic(), cpu_of(link), requests, int(rows[-1]["answered"])])
            time.sleep(0.05)
        steps = np.diff(np.array(seen), axis=0)
        seconds_each, cpu, requests = np.median(steps, axis=0)[:3]
        answered = min(int(one[3]) for one in seen)
        return row + (
            f"| {seconds_each:.1f} | {cpu:.1f} | {requests / seconds_each:.0f} "
            f"| {1e3 * cpu / requests:.1f} | {answered:,} |"
        )


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--limit", type=float, default=300.0)
    arguments = parser.parse_args()
    print("64-32-10, one device a node, prepared sums, TLS and registered keys")
    print("| nodes | all there after, s | idle: requests/s | a look, median ms | SuperLink, cores "
          "| CPU ms/request | SuperLink, MB | in rounds: s/round | SuperLink CPU, s/round "
          "| requests/s | CPU ms/request | answered at least |")  # fmt: skip
    print("|" + "---|" * 12)
    for count in arguments.counts:
        row = measure(count, arguments.rounds, arguments.seconds, arguments.limit)
        print(row, flush=True)


if __name__ == "__main__":
    main()
