"""Flower's simulation engine: every node is played by Ray's workers on this machine."""

import logging
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tifed.errors import RunError, UsageError
from tifed.experiment import Experiment, Progress, Result, to_toml
from tifed.experiment.own_data import NEEDS_DEVICES, ON_DEVICES
from tifed.nodes.flower import prepare_environment, require_flower
from tifed.nodes.serving.settings import Settings
from tifed.nodes.terms import NodeTerms

if TYPE_CHECKING:
    from flwr.clientapp import ClientApp


def simulate(
    experiment: Experiment,
    *,
    nodes: int,
    out: Path | None = None,
    data_dir: Path | None = None,
    cpus_per_node: float = 1.0,
    watch: Callable[[Progress], None] | None = None,
    log: Callable[[str], None] | None = None,
) -> Result:
    """Run ``experiment`` in Flower's simulation engine; a folder with a run in it goes on.

    Args:
        experiment: what to run.
        nodes: Flower nodes, each of which hosts an equal part of the devices.
        out: folder of the run.
        data_dir: folder of data sets.
        cpus_per_node: what Ray reserves for a node that works; so many nodes work at a time.
        watch: told of every round.
        log: told of what is noticed about nodes.

    Raises:
        UsageError: if Flower or Ray is not installed, ``nodes`` is not in 1..devices, or the
            samples are on devices, which are not simulated.
        RunError: if the run cannot be carried out.
    """
    if not 1 <= nodes <= experiment.devices:
        raise UsageError(f"nodes: {nodes} is not in 1..{experiment.devices}, the devices")
    if experiment.dataset == ON_DEVICES:
        raise UsageError(NEEDS_DEVICES)
    require_flower(simulation=True)
    settings = Settings(
        experiment=to_toml(experiment),
        out=str(out.absolute()) if out else "",
        data_dir=str(data_dir.absolute()) if data_dir else "",
    )
    prepare_environment()
    from tifed.nodes.flower.client import client_app

    # Whoever runs all nodes in one process has all data anyway.
    app = client_app(settings, NodeTerms.open())
    return run_in_ray(settings, app, nodes, cpus_per_node=cpus_per_node, watch=watch, log=log)


def run_in_ray(
    settings: Settings,
    app: "ClientApp",
    nodes: int,
    *,
    cpus_per_node: float = 1.0,
    watch: Callable[[Progress], None] | None = None,
    log: Callable[[str], None] | None = None,
) -> Result:
    """`simulate` with nodes that run ``app``."""
    prepare_environment()
    # Imported here because Flower reads the environment when it is imported.
    import ray
    from flwr.serverapp import Grid
    from flwr.simulation import run_simulation

    from tifed.nodes.flower.server import serve, server_app

    stop = threading.Event()
    ended: list[Result | BaseException] = []

    def serve_run(grid: Grid, chosen: Settings) -> None:
        try:
            ended.append(serve(grid, chosen, watch=watch, log=log, stop=stop))
        except Exception as error:
            # Flower's own report of it would be a trace; the caller gets the error itself.
            ended.append(error)

    own_ray = not ray.is_initialized()
    flower_log = logging.getLogger("flwr")
    level = flower_log.level
    with _scratch_folder() as scratch:
        # What is worth knowing comes through `log`.
        flower_log.setLevel(logging.CRITICAL)
        try:
            run_simulation(
                server_app(settings, serve_run),
                app,
                nodes,
                backend_config={
                    "client_resources": {"num_cpus": cpus_per_node, "num_gpus": 0.0},
                    "init_args": {"_temp_dir": scratch, "log_to_driver": False},
                },
            )
        finally:
            stop.set()
            flower_log.setLevel(level)
            if own_ray:
                ray.shutdown()
    if not ended:
        raise RunError("the simulation ended without a result")
    if isinstance(ended[0], BaseException):
        raise ended[0]
    return ended[0]


@contextmanager
def _scratch_folder() -> Iterator[str]:
    """A private folder for Flower and Ray, gone afterwards, as are the variables they set."""
    # Ray's sockets are in there, and a socket's path must be short.
    base = "/tmp" if len(tempfile.gettempdir()) > 32 else None  # noqa: S108
    with tempfile.TemporaryDirectory(prefix="tifed-", dir=base, ignore_cleanup_errors=True) as path:
        # Flower writes all of `sys.path` into PYTHONPATH and leaves it there; programs that the
        # caller starts later would load this process's modules instead of their own.
        before = {name: os.environ.get(name) for name in ("FLWR_HOME", "PYTHONPATH")}
        os.environ["FLWR_HOME"] = path
        try:
            yield path
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value
