"""What a run over MQTT costs: a round, many nodes, an idle node, and what dies.

    python -m benchmarks.mqtt_scale round
    python -m benchmarks.mqtt_scale light --counts 100 300 1000
    python -m benchmarks.mqtt_scale idle
    python -m benchmarks.mqtt_scale recovery

Each prints a table of docs/scaling.md. A broker (mosquitto) and nodes run on this machine, with TLS
and certificates on both sides.
"""

import argparse
import os
import pwd
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.mqtt_light import light_name
from benchmarks.synthetic_samples import synthetic

import tifed
from tifed.experiment import Experiment, RunFolder, load_experiment, to_toml
from tifed.nodes.local.ports import free_ports, listens
from tifed.nodes.mqtt.connection import Broker
from tifed.nodes.mqtt.deployment import HOST, Deployment, broker_program
from tifed.nodes.mqtt.keys import make_keys, site_file
from tifed.nodes.mqtt.rights import SERVER
from tifed.nodes.mqtt.serve import serve
from tifed.nodes.serving.one_machine import site_name
from tifed.nodes.serving.settings import Settings
from tifed.nodes.serving.sites import Sites

if TYPE_CHECKING:
    from tifed.experiment import Progress

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_of(process: int) -> float:
    """Processor seconds that a process has taken."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_of(process: int) -> float:
    """Its resident memory, MB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def in_rounds(rounds: int) -> None:
    """Digits with three nodes, against the simulator."""
    experiment = load_experiment(
        preset="digits", overrides=[f"rounds={rounds}", f"evaluate_every={rounds}"]
    )
    print("| sums | nodes | s/round, median | longest | same digest as tifed run |")
    print("|---|---|---|---|---|")
    for masked in (False, True):
        privacy = experiment.privacy.model_copy(update={"secure_aggregation": masked})
        chosen = experiment.model_copy(update={"privacy": privacy})
        settings = Settings(to_toml(chosen), sites=sites(3, chosen.devices))
        seen: list[float] = []

        def watch(progress: "Progress", seen: list[float] = seen) -> None:
            seen.append(time.perf_counter())

        with scratch() as folder, Deployment(3, folder, log=lambda line: None) as deployment:
            result = serve(deployment.broker(), settings, watch=watch, log=lambda line: None)
        steps = np.diff(seen)[1:-1]
        same = result.digest == tifed.run(experiment).digest
        print(f"| {'masked' if masked else 'plain'} | 3 | {statistics.median(steps):.3f} "
              f"| {max(steps):.3f} | {'yes' if same else 'NO'} |", flush=True)  # fmt: skip


def light(counts: list[int], rounds: int) -> None:
    """Many nodes with one device each, whose sums are prepared."""
    print("64-32-10, one device a node, prepared sums")
    print("| nodes | s/round, median | longest | server CPU, s | broker CPU, s | nodes' CPU, s "
          "| broker, MB | server, MB |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    for count in counts:
        with scratch() as folder, ExitStack() as ended:
            experiment = Experiment(
                dataset=str(synthetic(folder / "scale.npz", 5 * count)), devices=count,
                rounds=rounds, buffer=5, batch=5, local_epochs=1, layers=(64, 32, 10),
                evaluate_every=rounds,
            )  # fmt: skip
            (folder / "experiment.toml").write_text(to_toml(experiment))
            names = [light_name(number) for number in range(count)]
            keys, port = folder / "keys", free_ports(1)[0]
            user = pwd.getpwuid(os.getuid()).pw_name
            make_keys(keys, (HOST,), names, port=port, address=HOST, user=user)
            broker = ended.enter_context(
                program([broker_program(), "-c", str(keys / "mosquitto.conf")], folder / "broker")
            )
            while not listens(HOST, port):
                time.sleep(0.05)
            nodes = ended.enter_context(
                program(
                    [sys.executable, "-m", "benchmarks.mqtt_light", f"{HOST}:{port}", str(keys),
                     str(folder / "experiment.toml")], folder / "nodes",
                )
            )  # fmt: skip
            while "light nodes" not in (folder / "nodes").read_text():
                assert nodes.poll() is None, (folder / "nodes").read_text()
                time.sleep(0.2)
            seen: list[list[float]] = []

            def watch(progress: "Progress", count: int = count) -> None:
                assert len(progress.record.answered) == count
                cpus = [cpu_of(one) for one in (os.getpid(), broker.pid, nodes.pid)]  # noqa: B023
                seen.append([time.perf_counter(), *cpus])  # noqa: B023

            settings = Settings(
                to_toml(experiment), sites=Sites({name: str(n) for n, name in enumerate(names)})
            )
            way = Broker(f"{HOST}:{port}", site_file(keys, SERVER))
            serve(way, settings, watch=watch, log=lambda line: None)
            steps = np.diff(np.array(seen), axis=0)[1:-1]
            median = np.median(steps, axis=0)
            print(f"| {count:,} | {median[0]:.2f} | {steps[:, 0].max():.2f} | {median[1]:.2f} "
                  f"| {median[2]:.2f} | {median[3]:.2f} | {memory_of(broker.pid):.0f} "
                  f"| {memory_of(os.getpid()):.0f} |", flush=True)  # fmt: skip


def idle(seconds: float) -> None:
    """A node before its first run, and after one."""
    experiment = load_experiment(preset="digits", overrides=["rounds=3"])
    print("| node | core | MB |")
    print("|---|---|---|")
    with scratch() as folder, Deployment(1, folder, log=lambda line: None) as deployment:
        time.sleep(20.0)  # until it has started and connected
        process = deployment.programs[site_name(0)]
        for what in ("before a run", "after a run of digits"):
            before, began = cpu_of(process), time.monotonic()
            time.sleep(seconds)
            core = (cpu_of(process) - before) / (time.monotonic() - began)
            print(f"| {what} | {core:.4f} | {memory_of(process):.0f} |", flush=True)
            serve(deployment.broker(), Settings(to_toml(experiment)), log=lambda line: None)


def recovery(times: int) -> None:
    """Seconds from signal 9 until the round is over in which it came, and the digest."""
    experiment = load_experiment(
        preset="digits", overrides=[f"rounds={60 * times}", f"evaluate_every={60 * times}"]
    )
    text = to_toml(experiment)
    print("| killed | s until the next round is over | | same digest |")
    print("|---|---|---|---|")
    for victim in ("node-1", "broker", "server"):
        took: list[float] = []
        with scratch() as folder, Deployment(3, folder, log=lambda line: None) as deployment:
            run = RunFolder(folder / "run")
            (folder / "experiment.toml").write_text(text)
            bound = sites(3, experiment.devices).devices
            command = [
                sys.executable, "-c", "from tifed.cli import main; main()", "mqtt", "serve",
                str(folder / "experiment.toml"), "--out", str(run.path),
                "--broker", deployment.address, "--tls", str(deployment.broker().tls),
                "--attempts", "9",
                *(word for name, own in bound.items() for word in ("--site", f"{name}={own}")),
            ]  # fmt: skip
            log = (folder / "server").open("ab")
            server = subprocess.Popen(command, stdout=log, stderr=log)

            def rounds() -> int:
                return len(run.read_metrics(1 << 62))  # noqa: B023

            def until(wanted: int) -> None:
                while rounds() < wanted:
                    time.sleep(0.02)

            for _ in range(times):
                until(rounds() + 3)
                began = time.monotonic()
                if victim == "server":
                    server.kill()
                    server.wait()
                    done = rounds()
                    server = subprocess.Popen(command, stdout=log, stderr=log)
                else:
                    os.kill(deployment.programs[victim], signal.SIGKILL)
                    done = rounds()
                until(done + 2)  # the one in which it came may have been over
                took.append(time.monotonic() - began)
            server.wait()
            log.close()
            same = run.read_result().digest == tifed.run(experiment).digest
        each = ", ".join(f"{seconds:.1f}" for seconds in took)
        print(f"| {victim} | {max(took):.1f} | {each} | {'yes' if same else 'NO'} |", flush=True)


def sites(nodes: int, devices: int) -> Sites:
    """Each node has its part of the devices."""
    return Sites.in_parts([site_name(number) for number in range(nodes)], devices)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that goes again."""
    with tempfile.TemporaryDirectory(prefix="tifed-mqtt-scale-") as folder:
        yield Path(folder)


@contextmanager
def program(command: list[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A program that ends with the block."""
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["round", "light", "idle", "recovery"])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--counts", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--times", type=int, default=3)
    arguments = parser.parse_args()
    if arguments.what == "round":
        in_rounds(arguments.rounds)
    elif arguments.what == "light":
        light(arguments.counts, arguments.rounds)
    elif arguments.what == "idle":
        idle(arguments.seconds)
    else:
        recovery(arguments.times)


if __name__ == "__main__":
    main()
