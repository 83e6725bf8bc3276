"""The server's half: the project's own run over a fleet of Flower nodes."""

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

from tifed.errors import TifedError, UsageError
from tifed.experiment import Experiment, Progress, Result, RunFolder, Setup, load_experiment, run
from tifed.experiment.folder_lock import alone_in, is_held
from tifed.experiment.identity import data_settings, identity
from tifed.nodes.context import parsed, samples_digest
from tifed.nodes.flower.fleet import FlowerFleet
from tifed.nodes.flower.secure_fleet import SecureFlowerFleet
from tifed.nodes.flower.settings import Settings
from tifed.nodes.messages.own_check import OwnSamples
from tifed.printable import printable
from tifed.secure_aggregation import require_privacy

LOG = "flower.log"
"""In the run folder: nodes that came and went, replies dropped, devices lost."""
LOCK = ".server"
"""In the run folder: locked by the server process as long as it lives."""
PARTING = 5.0
"""Seconds that Flower has to end the server process in its own way."""
LOCK_PATIENCE = 30.0
"""Seconds to wait for the server before this one to be gone."""
FAILED = "failed: "
"""Begins the log line of an error that would come again."""

Log = Callable[[str], None]


def server_app(
    settings: Settings | None = None,
    serve_run: Callable[[Grid, Settings], object] | None = None,
) -> ServerApp:
    """The ServerApp.

    Args:
        settings: of the run; default what Flower's run configuration says.
        serve_run: the run itself; default `serve`.
    """
    app = ServerApp()

    @app.main()
    def main(grid: Grid, context: Context) -> None:
        if settings is None:
            _end_with_parent()
        chosen = settings or Settings.from_run_config(context.run_config)
        (serve_run or serve)(grid, chosen)

    return app


def serve(
    grid: Grid,
    settings: Settings,
    *,
    watch: Callable[[Progress], None] | None = None,
    log: Log | None = None,
    stop: threading.Event | None = None,
) -> Result:
    """Run the experiment over the nodes of ``grid``, or go on with it if its folder has it already.

    Args:
        grid: Flower's way to the nodes.
        settings: of the run.
        watch: told of every round.
        log: told of everything that is noticed about nodes, beside the log file.
        stop: set from outside to give up.

    Raises:
        UsageError: if the folder holds another experiment, or the experiment does not fit its data.
        RunError: if the run cannot be carried out.
    """
    experiment = parsed(settings.experiment)
    out = Path(settings.out) if settings.out else None
    data_dir = Path(settings.data_dir) if settings.data_dir else None
    tell = _logger(out, log)
    kind = FlowerFleet
    if experiment.privacy.secure_aggregation:
        require_privacy()
        kind = SecureFlowerFleet

    def fleet(setup: Setup) -> FlowerFleet:
        return kind(
            grid, setup.federation, identity(experiment), samples_digest(experiment, setup),
            settings, stop or threading.Event(), tell,
            OwnSamples.of(setup.inputs) if setup.inputs.own_data else None,
        )  # fmt: skip

    try:
        with alone_in(out, tell, LOCK, LOCK_PATIENCE) if out is not None else nullcontext():
            begun = out is not None and _begun(out, experiment)
            return run(
                experiment, out=out, resume=begun, data_dir=data_dir, watch=watch, warn=tell,
                fleet=fleet,
            )  # fmt: skip
    except TifedError as error:
        tell(f"{FAILED}{error}")
        raise


def _begun(out: Path, experiment: Experiment) -> bool:
    """Whether the folder holds a run of ``experiment``.

    Raises:
        UsageError: if it holds a run of another one. Before the first checkpoint nothing else would
            tell that its data are others: nodes are only compared with what is run now.
    """
    path = RunFolder(out).experiment
    if not path.exists():
        return False
    kept, given = (
        (identity(one), data_settings(one)) for one in (load_experiment(path), experiment)
    )
    if kept != given:
        raise UsageError(f"{out}: holds a run of another experiment")
    return True


def _logger(out: Path | None, log: Log | None) -> Log:
    """Tells ``log``, or Flower's log if there is none, and the file in the run folder."""
    other = log or logging.getLogger("flwr").info

    def tell(message: str) -> None:
        message = printable(message)  # a node's own words may be in it
        other(message)
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            with (out / LOG).open("a", encoding="utf-8") as file:
                file.write(f"{moment} {message}\n")

    return tell


def _end_with_parent() -> None:
    """End this process when the one that started it has ended.

    Flower means to do so, but its way out can wait for ever for a SuperLink that was killed, and
    this process would hold the run folder.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        time.sleep(PARTING)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def server_lives(out: Path) -> bool:
    """Whether a server process holds the run folder."""
    return is_held(out, LOCK)
