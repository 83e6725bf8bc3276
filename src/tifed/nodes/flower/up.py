"""One command's federation: started, watched, mended when something dies, and stopped."""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tifed.errors import RunError
from tifed.experiment import Experiment, Result, RunFolder
from tifed.nodes.flower import require_flower
from tifed.nodes.flower.bundle import write_bundle
from tifed.nodes.flower.deployment import Deployment
from tifed.nodes.serving.one_machine import one_machine
from tifed.nodes.serving.run import FAILED, server_lives
from tifed.nodes.serving.settings import Settings
from tifed.nodes.serving.sites import Sites

LOOK_EVERY = 0.5
START_PATIENCE = 120.0
"""Seconds from submitting a run until its server has the run folder."""

Row = Mapping[str, str]


def up(
    experiment: Experiment,
    out: Path,
    *,
    nodes: int,
    secure: bool = True,
    resident: bool = True,
    restarts: int = 5,
    settings: Settings | None = None,
    data_dir: Path | None = None,
    gateways: Sequence[str | None] = (),
    gateway_tls: Path | None = None,
    watch: Callable[[Row], None] | None = None,
    log: Callable[[str], None] = print,
    started: Callable[[Deployment], None] | None = None,
) -> Result:
    """Run ``experiment`` on a local SuperLink with SuperNodes; a folder with a run in it goes on.

    Args:
        experiment: what to run.
        out: folder of the run.
        nodes: SuperNodes, each of which hosts an equal part of the devices.
        secure: TLS, and only nodes whose keys are registered.
        resident: SuperNodes answer messages themselves, without a new process for each.
        restarts: how often the run may be submitted again after its server has died.
        settings: time limits and attempts; its experiment and folders are replaced.
        data_dir: folder of data sets.
        gateways: addresses of running gateways, one per node, if devices are boards; None for a
            node that simulates its devices.
        gateway_tls: the nodes' private file for gateways at TCP addresses.
        watch: told of every row of metrics.csv.
        log: told of everything that is noticed.
        started: told when everything runs.

    Returns:
        The run's result.

    Raises:
        UsageError: if Flower is not installed, ``nodes`` is not in 1..devices, or the samples are
            on devices and there are none.
        RunError: if the run cannot be carried out.
    """
    folder = RunFolder(out.absolute())
    chosen = one_machine(experiment, folder.path, nodes, settings, data_dir, gateways)
    if not secure:  # nobody's name is checked
        chosen = replace(chosen, sites=Sites({}))
    require_flower()
    if folder.result.is_file():
        return folder.read_result()
    tail = _Tail(folder, watch, log)
    with tempfile.TemporaryDirectory(prefix="tifed-app-") as app:
        write_bundle(Path(app), chosen)
        with Deployment(
            nodes,
            folder.path / "flower",
            data_dir=data_dir,
            gateways=gateways,
            gateway_tls=gateway_tls,
            # A run that is submitted again is another one for Flower, whose nodes then keep nothing
            # of the one before.
            ledgers=folder.path / "nodes" if experiment.compression.residual else None,
            secure=secure,
            resident=resident,
            log=log,
        ) as deployment:
            if started is not None:
                started(deployment)
            died: str | None = None
            for _ in range(restarts + 1):
                run = deployment.submit(Path(app))
                if died is not None:
                    # Flower would find out in a minute; the new run need not wait for it.
                    deployment.stop_run(died)
                if _finishes(deployment, run, folder, tail):
                    return folder.read_result()
                deployment.tend()
                log(f"the server of run {run} has died; the run is submitted again")
                died = run
    raise RunError(f"the server died {restarts + 1} times; its log is in {folder.path / 'flower'}")


def _finishes(deployment: Deployment, run: str, folder: RunFolder, tail: "_Tail") -> bool:
    """Watch a run: True when it has finished, False when its server has died.

    Raises:
        RunError: if the server gave up.
    """
    began, lived = time.monotonic(), False
    while True:
        lives = server_lives(folder.path)
        lived = lived or lives
        failure = tail.read()
        if failure is not None:
            raise RunError(failure)
        if not lives:
            if folder.result.is_file():
                return True
            if lived:
                return False
            if time.monotonic() - began > START_PATIENCE:
                status = deployment.status(run)
                raise RunError(f"the server did not start (flwr list: {status})")
        deployment.tend()
        time.sleep(LOOK_EVERY)


class _Tail:
    """What is new in a run folder since it was last read."""

    def __init__(
        self, folder: RunFolder, watch: Callable[[Row], None] | None, log: Callable[[str], None]
    ) -> None:
        from tifed.nodes.flower.server import LOG

        self._folder, self._watch, self._log = folder, watch, log
        self._log_file = folder.path / LOG
        self._read = self._log_file.stat().st_size if self._log_file.exists() else 0
        self._round = max((int(row["round"]) for row in folder.read_metrics(1 << 62)), default=0)

    def read(self) -> str | None:
        """Tell what is new; the server's last words if it gave up."""
        failure = None
        if self._log_file.exists():
            with self._log_file.open("rb") as file:
                file.seek(self._read)
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._read += len(whole)
            for line in whole.decode(errors="replace").splitlines():
                message = line.partition(" ")[2]
                if message.startswith(FAILED):
                    failure = message.removeprefix(FAILED)
                else:
                    self._log(message)
        for row in self._folder.read_metrics(1 << 62):
            if int(row["round"]) > self._round:
                self._round = int(row["round"])
                if self._watch is not None:
                    self._watch(row)
        return failure
