"""What a round costs over Flower: beside an idle client, and as devices behind the nodes grow.

    python benchmarks/flower_scale.py overhead
    python benchmarks/flower_scale.py devices

Both print the tables of docs/scaling.md. Flower's simulation engine does the work, so the numbers
are of one machine with Ray; docs/deployment.md has those of real nodes.
"""

import argparse
import logging
import os
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tifed.experiment import Experiment, build, load_experiment, to_toml
from tifed.nodes.flower import prepare_environment, require_flower
from tifed.nodes.flower.format import ARRAYS

prepare_environment()
require_flower(simulation=True)

# After the environment: Flower reads it when it is imported.
import ray  # noqa: E402
from flwr.app import Context, Message, RecordDict  # noqa: E402
from flwr.clientapp import ClientApp  # noqa: E402
from flwr.serverapp import Grid  # noqa: E402
from flwr.simulation import run_simulation  # noqa: E402

from tifed.nodes.flower.client import client_app  # noqa: E402
from tifed.nodes.flower.format import pack  # noqa: E402
from tifed.nodes.flower.server import serve, server_app  # noqa: E402
from tifed.nodes.messages.content import message as compose  # noqa: E402
from tifed.nodes.messages.content import parameter_arrays  # noqa: E402
from tifed.nodes.serving.settings import Settings  # noqa: E402
from tifed.nodes.terms import NodeTerms  # noqa: E402

if TYPE_CHECKING:
    from tifed.experiment import Progress

PAIRS = 5
"""Runs with and without TIFeD."""
WARM_UP = 3
"""Rounds at the start that are not counted: workers load the data in them."""


@dataclass
class Counting:
    """A grid that counts the messages to nodes, and the bytes of arrays that go through it."""

    grid: Grid
    down: int = 0
    up: int = 0
    messages: int = 0

    def get_node_ids(self) -> Iterable[int]:
        """Nodes that are there."""
        return self.grid.get_node_ids()

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Send."""
        sent = list(messages)
        self.down += sum(map(array_bytes, sent))
        self.messages += len(sent)
        return self.grid.push_messages(sent)

    def pull_messages(self, names: Iterable[str]) -> Iterable[Message]:
        """Receive."""
        received = list(self.grid.pull_messages(names))
        self.up += sum(map(array_bytes, received))
        return received


def array_bytes(message: Message) -> int:
    """Bytes of a message's arrays."""
    if message.has_error():
        return 0
    records = message.content.config_records.values()
    found = [record[ARRAYS] for record in records if ARRAYS in record]
    return sum(len(data) for data in found if isinstance(data, bytes))


@dataclass
class Measured:
    """What was seen of a run, one entry per round in each list."""

    wall: list[float] = field(default_factory=list)
    server_cpu: list[float] = field(default_factory=list)
    down: list[int] = field(default_factory=list)
    up: list[int] = field(default_factory=list)
    messages: list[int] = field(default_factory=list)
    server_memory: float = 0.0
    node_memory: float = 0.0

    def counted(self, values: list[Any]) -> float:
        """Median of the steps between the rounds that count."""
        return float(statistics.median(np.diff(values)[WARM_UP:].tolist()))

    @property
    def seconds(self) -> float:
        """Per round that counts, the last not: it evaluates too.

        Not the median, for Flower looks for replies ten times a second.
        """
        return float(np.diff(self.wall)[WARM_UP:-1].mean())


def in_simulation(
    nodes: int, app: ClientApp, settings: Settings, work: Callable[[Grid], object]
) -> None:
    """Run ``work`` as the server of Flower's simulation engine."""
    logging.getLogger("flwr").setLevel(logging.ERROR)
    failed: list[Exception] = []

    def serve_run(grid: Grid, chosen: Settings) -> None:
        try:
            work(grid)
        except Exception as error:
            failed.append(error)

    run_simulation(
        server_app(settings, serve_run), app, nodes,
        backend_config={"client_resources": {"num_cpus": 1, "num_gpus": 0.0}},
    )  # fmt: skip
    if failed:
        raise failed[0]


def federate(experiment: Experiment, nodes: int, count_bytes: bool = False) -> Measured:
    """The experiment over ``nodes``."""
    settings, seen = Settings(to_toml(experiment)), Measured()

    def work(grid: Grid) -> None:
        counting = Counting(grid)

        def watch(progress: "Progress") -> None:
            if len(progress.record.answered) != experiment.devices:
                raise RuntimeError("a device did not answer")
            seen.wall.append(time.perf_counter())
            seen.server_cpu.append(time.thread_time())
            seen.down.append(counting.down)
            seen.up.append(counting.up)
            seen.messages.append(counting.messages)
            seen.node_memory = max(seen.node_memory, workers_memory())

        way: Any = counting if count_bytes else grid
        serve(way, settings, watch=watch, log=lambda line: None, stop=threading.Event())

    in_simulation(nodes, client_app(settings, NodeTerms.open()), settings, work)
    seen.server_memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return seen


def idle(experiment: Experiment, nodes: int) -> Measured:
    """As many rounds of the same parameters to clients that send them back, by Flower's means."""
    parameters = build(experiment).start
    settings, seen = Settings(to_toml(experiment)), Measured()
    app = ClientApp()

    @app.train()
    def echo(message: Message, context: Context) -> Message:
        return Message(message.content, reply_to=message)

    def work(grid: Grid) -> None:
        while len(set(grid.get_node_ids())) < nodes:
            time.sleep(0.1)
        for number in range(experiment.rounds):
            content: RecordDict = pack(
                compose("fit", "", parameter_arrays(parameters), round=number)
            )
            messages = [Message(content, node, "train") for node in grid.get_node_ids()]
            replies = list(grid.send_and_receive(messages, timeout=60.0))
            if len(replies) != nodes:
                raise RuntimeError("a node did not answer")
            seen.wall.append(time.perf_counter())

    in_simulation(nodes, app, settings, work)
    return seen


def workers_memory() -> float:
    """Resident memory of the largest of Ray's workers, MB."""
    largest = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if b"ClientAppActor" in (entry / "cmdline").read_bytes():
                pages = int((entry / "statm").read_text().split()[1])
                largest = max(largest, pages * os.sysconf("SC_PAGE_SIZE"))
        except OSError:
            continue
    return largest / (1 << 20)


def overhead(rounds: int) -> None:
    """A node per device, against an idle client."""
    print("| devices = nodes | idle client, s/round | TIFeD, s/round | overhead | of each pair |")
    print("|---|---|---|---|---|")
    for devices in (8, 100):
        overrides = [f"devices={devices}", f"rounds={rounds}", f"evaluate_every={rounds}"]
        experiment = load_experiment(preset="digits", overrides=[*overrides, "buffer=10"])
        # In turns, because the machine's pace changes.
        pairs = [
            (idle(experiment, devices).seconds, federate(experiment, devices).seconds)
            for _ in range(PAIRS)
        ]
        before, after = np.mean(pairs, axis=0)
        each = ", ".join(f"{ours / theirs - 1:+.0%}" for theirs, ours in pairs)
        print(
            f"| {devices} | {before:.3f} | {after:.3f} | {after / before - 1:+.0%} | {each} |",
            flush=True,
        )


def devices(rounds: int, nodes: int, counts: list[int]) -> None:
    """More and more devices behind the same nodes."""
    print(f"{nodes} nodes, 64-32-10, buffers of 5 samples, one epoch")
    print("| devices | rounds/s | server CPU, ms/round | of it per device, µs | kB down | kB up "
          "| server, MB | node, MB |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="tifed-scale-") as folder:
        data = synthetic(Path(folder) / "scale.npz", 5 * max(counts))
        for count in counts:
            experiment = Experiment(
                dataset=str(data), devices=count, rounds=rounds, buffer=5, batch=5,
                local_epochs=1, layers=(64, 32, 10), evaluate_every=rounds,
            )  # fmt: skip
            seen = federate(experiment, nodes, count_bytes=True)
            cpu = seen.counted(seen.server_cpu)
            print(
                f"| {count:,} | {1 / seen.counted(seen.wall):.2f} | {1e3 * cpu:.1f} "
                f"| {1e6 * cpu / count:.1f} | {seen.counted(seen.down) / 1e3:.0f} "
                f"| {seen.counted(seen.up) / 1e3:.0f} | {seen.server_memory:.0f} "
                f"| {seen.node_memory:.0f} |",
                flush=True,
            )


def synthetic(path: Path, samples: int, features: int = 64) -> Path:
    """Samples of ten classes around random centres."""
    random = np.random.default_rng(1)
    labels = np.arange(samples + 1000) % 10
    centres = random.integers(-60, 60, (10, features), np.int16)
    noise = random.integers(-60, 60, (len(labels), features), np.int16)
    values = np.clip(centres[labels] + noise, -128, 127).astype(np.int8)
    np.savez(
        path, features=values[:samples], labels=labels[:samples],
        test_features=values[samples:], test_labels=labels[samples:],
    )  # fmt: skip
    return path


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["overhead", "devices"])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--nodes", type=int, default=4)
    parser.add_argument("--counts", type=int, nargs="+", default=[100, 1000, 10_000])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tifed-") as scratch:
        os.environ["FLWR_HOME"] = scratch
        ray.init(log_to_driver=False, include_dashboard=False, _temp_dir=scratch)
        try:
            if arguments.what == "overhead":
                overhead(arguments.rounds)
            else:
                devices(arguments.rounds, arguments.nodes, arguments.counts)
        finally:
            ray.shutdown()


if __name__ == "__main__":
    main()
