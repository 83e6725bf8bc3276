"""What a deployed node costs, with ClientApps in processes that stay and with Flower's own.

    python benchmarks/flower_nodes.py rounds
    python benchmarks/flower_nodes.py idle
    python benchmarks/flower_nodes.py kills

They print the tables of docs/deployment.md: a SuperLink and three SuperNodes on this machine, with
TLS and keys. Both kinds of node are measured in turn. Needs Linux, which tells what processes use.
"""

import argparse
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tifed.experiment import load_experiment
from tifed.nodes.flower.deployment import Deployment
from tifed.nodes.flower.up import up
from tifed.nodes.local.processes import marked

NODES = 3
TICKS = os.sysconf("SC_CLK_TCK")
KINDS = {"resident": True, "Flower's own": False}
WARM_UP = 2
"""Rounds that are not counted: nodes load the data in the first one."""
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Process:
    """What Linux tells about a process."""

    parent: int
    own: float
    ended: float
    memory: int

    @classmethod
    def of(cls, number: int) -> "Process":
        """Process ``number``; with the seconds of its children that have ended."""
        text = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        own, ended = (sum(map(int, text[at : at + 2])) / TICKS for at in (11, 13))
        return cls(int(text[1]), own, ended, int(text[21]) * os.sysconf("SC_PAGE_SIZE"))


@dataclass(frozen=True)
class Use:
    """What has been used so far.

    Attributes:
        moment: seconds from anywhere.
        nodes: processor seconds of all SuperNodes and all that they have started.
        link: processor seconds of the SuperLink alone.
        memory: bytes of all SuperNodes and all that they have started.
        messages: that the SuperNodes have got.
    """

    moment: float
    nodes: float
    link: float
    memory: int
    messages: int

    @classmethod
    def now(cls, deployment: Deployment) -> "Use":
        """At this moment."""
        processes: dict[int, Process] = {}
        for number in marked(deployment.mark):
            try:
                processes[number] = Process.of(number)
            except OSError:
                continue
        link = deployment.programs["SuperLink"]
        seconds, memory = 0.0, 0
        for root in set(deployment.programs.values()) - {link}:
            family = [root]
            for number in family:
                family += [one for one, found in processes.items() if found.parent == number]
            seconds += sum(processes[one].own + processes[one].ended for one in family)
            memory += sum(processes[one].memory for one in family)
        logs = (deployment.logs / f"node-{number}.log" for number in range(NODES))
        messages = sum(log.read_text(errors="replace").count("Receiving: ") for log in logs)
        return cls(time.monotonic(), seconds, processes[link].own, memory, messages)


def rounds(count: int) -> None:
    """Seconds a round, and processor time."""
    print("| nodes | s/round | node, CPU s a message | SuperLink, CPU s an exchange | digest |")
    print("|---|---|---|---|---|")
    for name, resident in list(KINDS.items()) * 2:
        uses, digest = measured(count, resident)
        first, last = uses[WARM_UP - 1], uses[-1]
        messages = last.messages - first.messages
        print(
            f"| {name} | {(last.moment - first.moment) / (count - WARM_UP):.2f} "
            f"| {(last.nodes - first.nodes) / messages:.3f} "
            f"| {(last.link - first.link) / (messages / NODES):.3f} | {digest[:8]} |",
            flush=True,
        )


def measured(count: int, resident: bool) -> tuple[list[Use], str]:
    """What had been used after each round of a run, and its digest."""
    uses: list[Use] = []
    deployments: list[Deployment] = []
    experiment = load_experiment(preset="digits", overrides=[f"rounds={count}"])
    with tempfile.TemporaryDirectory() as folder:
        result = up(
            experiment, Path(folder), nodes=NODES, resident=resident, log=lambda line: None,
            watch=lambda row: uses.append(Use.now(deployments[0])), started=deployments.append,
        )  # fmt: skip
    return uses, result.digest


def idle(seconds: float) -> None:
    """What a SuperNode uses while there is no run."""
    print("| nodes | core of a SuperNode | MB of a SuperNode | core of the SuperLink |")
    print("|---|---|---|---|")
    for name, resident in KINDS.items():
        with (
            tempfile.TemporaryDirectory() as folder,
            Deployment(NODES, Path(folder), resident=resident) as deployment,
        ):
            # Starting up is over, and so are the short pauses after it.
            time.sleep(40)
            first = Use.now(deployment)
            time.sleep(seconds)
            last = Use.now(deployment)
        passed = last.moment - first.moment
        print(
            f"| {name} | {(last.nodes - first.nodes) / passed / NODES:.4f} "
            f"| {last.memory / NODES / MEGABYTE:.0f} | {(last.link - first.link) / passed:.4f} |",
            flush=True,
        )


def kills(count: int) -> None:
    """Seconds from signal 9 to a program until the next round is over."""
    taken: dict[str, list[float]] = {"none": [], "SuperNode": [], "ServerApp": [], "SuperLink": []}
    left = [name for name in taken if name != "none"] * count
    deployments: list[Deployment] = []
    victim, since = "none", time.monotonic()

    def watch(row: Mapping[str, str]) -> None:
        nonlocal victim, since
        taken[victim].append(time.monotonic() - since)
        victim = left.pop() if left and int(row["round"]) % 3 == 0 else "none"
        deployment = deployments[0]
        programs = dict(deployment.programs)
        programs["SuperNode"] = programs[sorted(programs)[-1]]
        if victim == "ServerApp":
            (programs[victim],) = (
                one for one in marked(deployment.mark)
                if b"flwr-serverapp" in Path(f"/proc/{one}/cmdline").read_bytes()
            )  # fmt: skip
        since = time.monotonic()
        if victim != "none":
            os.kill(programs[victim], signal.SIGKILL)

    experiment = load_experiment(preset="digits", overrides=[f"rounds={9 * count + 6}"])
    with tempfile.TemporaryDirectory() as folder:
        up(
            experiment, Path(folder), nodes=NODES, restarts=99, watch=watch,
            log=lambda line: print(f"    {time.monotonic() - since:.1f} s: {line}"),
            started=deployments.append,
        )  # fmt: skip
    print("| killed | s until the next round is over |")
    print("|---|---|")
    for name, seconds in taken.items():
        print(f"| {name} | {statistics.median(seconds):.1f} |")


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["rounds", "idle", "kills"])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--times", type=int, default=1)
    chosen = parser.parse_args()
    if chosen.what == "rounds":
        rounds(chosen.rounds)
    elif chosen.what == "idle":
        idle(chosen.seconds)
    else:
        kills(chosen.times)


if __name__ == "__main__":
    main()
