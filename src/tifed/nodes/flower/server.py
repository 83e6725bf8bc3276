"""The server's half: a ServerApp that serves the project's own run."""

import logging
import os
import threading
import time
from collections.abc import Callable

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

from tifed.experiment import Progress, Result
from tifed.nodes.flower.grid import GridTransport
from tifed.nodes.flower.settings import from_run_config
from tifed.nodes.serving import run
from tifed.nodes.serving.settings import Settings

LOG = "flower.log"
"""In the run folder: nodes that came and went, replies dropped, devices lost."""
PARTING = 1.0
"""Seconds that Flower has to end the server process in its own way."""


def server_app(
    settings: Settings | None = None,
    serve_run: Callable[[Grid, Settings], object] | None = None,
) -> ServerApp:
    """The ServerApp.

    Args:
        settings: of the run; default what Flower's run configuration says.
        serve_run: the run itself; default `serve`, with each round in Flower's log.
    """
    app = ServerApp()

    @app.main()
    def main(grid: Grid, context: Context) -> None:
        if settings is None:
            _end_with_parent()
            _look_again_soon()
        chosen = settings or from_run_config(context.run_config)
        (serve_run or _serve_in_log)(grid, chosen)

    return app


def _serve_in_log(grid: Grid, settings: Settings) -> None:
    """`serve`, with each round in Flower's log, where ``flwr log`` finds it."""
    log = logging.getLogger("flwr")

    def watch(done: Progress) -> None:
        answered = f"{len(done.record.answered)}/{len(done.record.asked)}"
        accuracy = "-" if done.accuracy is None else f"{done.accuracy:.4f}"
        log.info(
            "round %d/%d  accuracy %s  answered %s",
            done.record.round + 1, done.rounds, accuracy, answered,
        )  # fmt: skip

    result = serve(grid, settings, watch=watch)
    log.info("accuracy %.4f  digest %s", result.accuracy, result.digest)


def serve(
    grid: Grid,
    settings: Settings,
    *,
    watch: Callable[[Progress], None] | None = None,
    log: Callable[[str], None] | None = None,
    stop: threading.Event | None = None,
) -> Result:
    """`tifed.nodes.serving.run.serve` over the nodes of ``grid``.

    Args:
        grid: Flower's way to the nodes.
        settings: of the run.
        watch: told of every round.
        log: told of everything that is noticed about nodes, beside the log file; default Flower's
            own log.
        stop: set from outside to give up.

    Raises:
        UsageError: if the folder holds another experiment, or the experiment does not fit its data.
        RunError: if the run cannot be carried out.
    """
    tell = log or logging.getLogger("flwr").info
    return run.serve(GridTransport(grid), settings, LOG, tell, watch=watch, stop=stop)


def _look_again_soon() -> None:
    """See `tifed.nodes.flower.pulls`; with another version of Flower rounds only take longer."""
    try:
        from tifed.nodes.flower.pulls import look_again_soon

        look_again_soon()
    except (ImportError, AttributeError) as error:
        logging.getLogger("flwr").info(
            "the content of messages is looked for less often: %s", error
        )


def _end_with_parent() -> None:
    """End this process when the one that started it has ended.

    Flower means to do so, but its way out can wait for ever for a SuperLink that was killed, and
    this process would hold the run folder.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        time.sleep(PARTING)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
