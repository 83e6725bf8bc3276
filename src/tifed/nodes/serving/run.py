"""A run over nodes: begun, or gone on with, alone in its folder, with a log of what is noticed."""

import threading
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from tifed.errors import TifedError, UsageError
from tifed.experiment import Experiment, Progress, Result, RunFolder, Setup, load_experiment, run
from tifed.experiment.folder_lock import alone_in, is_held
from tifed.experiment.identity import data_settings, identity
from tifed.nodes.context import parsed, samples_digest
from tifed.nodes.messages.own_check import OwnSamples
from tifed.nodes.serving.fleet import NodeFleet
from tifed.nodes.serving.secure_fleet import SecureNodeFleet
from tifed.nodes.serving.settings import Settings
from tifed.nodes.serving.transport import Transport
from tifed.printable import printable
from tifed.secure_aggregation import require_privacy

LOCK = ".server"
"""In the run folder: locked by the server process as long as it lives."""
LOCK_PATIENCE = 30.0
"""Seconds to wait for the server before this one to be gone."""
FAILED = "failed: "
"""Begins the log line of an error that would come again."""

Log = Callable[[str], None]


def serve(
    transport: Transport,
    settings: Settings,
    log_file: str,
    log: Log,
    *,
    watch: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> Result:
    """Run the experiment over nodes, or go on with it if its folder has it already.

    Args:
        transport: the way to the nodes.
        settings: of the run.
        log_file: name of the log in the run folder: nodes that came and went, replies dropped,
            devices lost.
        log: told of the same.
        watch: told of every round.
        stop: set from outside to give up.

    Raises:
        UsageError: if the folder holds another experiment, or the experiment does not fit its data.
        RunError: if the run cannot be carried out.
    """
    experiment = parsed(settings.experiment)
    out = Path(settings.out) if settings.out else None
    data_dir = Path(settings.data_dir) if settings.data_dir else None
    tell = _logger(None if out is None else out / log_file, log)
    kind = NodeFleet
    if experiment.privacy.secure_aggregation:
        require_privacy()
        kind = SecureNodeFleet

    def fleet(setup: Setup) -> NodeFleet:
        return kind(
            transport, setup.federation, identity(experiment), samples_digest(experiment, setup),
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


def server_lives(out: Path) -> bool:
    """Whether a server process holds the run folder."""
    return is_held(out, LOCK)


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
        raise UsageError(f"{out}: holds a run of another experiment; choose another folder")
    return True


def _logger(path: Path | None, log: Log) -> Log:
    """Tells ``log``, and the file at ``path`` if there is one."""

    def tell(message: str) -> None:
        message = printable(message)  # a node's own words may be in it
        log(message)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{moment} {message}\n")

    return tell
