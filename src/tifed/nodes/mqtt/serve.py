"""The server's half over a broker."""

import logging
import threading
from collections.abc import Callable

from tifed.experiment import Progress, Result
from tifed.nodes.mqtt.connection import Broker
from tifed.nodes.mqtt.transport import MqttTransport
from tifed.nodes.serving import run
from tifed.nodes.serving.settings import Settings

LOG = "mqtt.log"
"""In the run folder: nodes that came and went, replies dropped, devices lost."""


def serve(
    broker: Broker,
    settings: Settings,
    *,
    watch: Callable[[Progress], None] | None = None,
    log: Callable[[str], None] | None = None,
    stop: threading.Event | None = None,
) -> Result:
    """`tifed.nodes.serving.run.serve` over the nodes that a broker knows.

    Args:
        broker: how to reach it, with the server's certificate.
        settings: of the run.
        watch: told of every round.
        log: told of everything that is noticed about nodes, beside the log file; default the
            package's own log.
        stop: set from outside to give up.

    Raises:
        UsageError: if the folder holds another experiment, the experiment does not fit its data, or
            the private file is of no use.
        RunError: if the run cannot be carried out, or another server takes over.
    """
    tell = log or logging.getLogger("tifed.nodes.mqtt").info
    with MqttTransport(broker, settings.experiment, settings.timeout, tell) as transport:
        return run.serve(transport, settings, LOG, tell, watch=watch, stop=stop)
