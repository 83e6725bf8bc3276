"""Flower's SuperNode with the executor in the same process, and with polls that follow need.

The SuperNode is Flower's own; three of its pauses are replaced: those before
it looks for a message again, for a message's content again, and for its ClientApp's answer.
"""

import os
import secrets
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

from flwr.supernode import start_client_internal
from flwr.supernode.cli.flower_supernode import _parse_args_run_supernode, flower_supernode

from tifed.nodes.flower.executor.loop import Executor
from tifed.nodes.flower.executor.polls import Polls
from tifed.nodes.flower.executor.runtime import RuntimeApi
from tifed.nodes.flower.pulls import look_again_soon

ISOLATION, SECRET = "--isolation", "--superexec-auth-secret-file"
IDLE = 3.0
"""Seconds between two looks for a message without a run, as in Flower."""
ANSWER = 1.0
"""A pause of the SuperNode that is shorter than this is one in which it waits for its ClientApp."""

_NAMES = vars(start_client_internal)
"""Of the module with the SuperNode's loop."""
if _NAMES.get("time") is not time:
    raise AttributeError("the SuperNode does not wait by the module time")


class _Pauses:
    """The SuperNode waits in here, and knows at once when there is something."""

    def __init__(self) -> None:
        self._polls = Polls(IDLE)
        self._busy = False
        self._task, self._reply = threading.Event(), threading.Event()

    def sleep(self, seconds: float) -> None:
        """In place of `time.sleep` in the SuperNode's loop."""
        if seconds < ANSWER:
            if not self._busy:
                self._polls.came()
            self._busy = True
            self._task.set()
            self._reply.wait(seconds)
            self._reply.clear()
            return
        if self._busy:
            self._polls.done()
        self._busy = False
        time.sleep(self._polls.pause())

    def await_task(self) -> None:
        """The executor waits here."""
        self._task.wait()
        self._task.clear()

    def replied(self) -> None:
        """The executor has answered."""
        self._reply.set()


def run(arguments: list[str], installed_only: bool) -> None:
    """Be a SuperNode.

    Args:
        arguments: of ``flower-supernode``, without those about the isolation of ClientApps.
        installed_only: whether apps with code of their own are refused.
    """
    chosen = _parse_args_run_supernode().parse_args(arguments)
    secret, certificates = secrets.token_bytes(32), None
    if chosen.ssl_ca_certfile is not None:
        certificates = Path(chosen.ssl_ca_certfile).read_bytes()
    host = f"[{chosen.host}]" if ":" in chosen.host else chosen.host
    reached = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104
    pauses = _Pauses()
    api = RuntimeApi(f"{reached}:{chosen.port}", certificates, secret)
    executor = Executor(api, installed_only, pauses.await_task, replied=pauses.replied)
    look_again_soon()
    _NAMES["time"] = SimpleNamespace(sleep=pauses.sleep)
    threading.Thread(target=executor.serve, daemon=True).start()
    # Nobody else on this machine is to take the node's tasks.
    reading, writing = os.pipe()
    os.write(writing, secret)
    os.close(writing)
    sys.argv = ["flower-supernode", *arguments, ISOLATION, "process", SECRET, f"/dev/fd/{reading}"]
    flower_supernode()
