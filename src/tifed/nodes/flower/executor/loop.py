"""The tasks of a SuperNode, which are answered one after the other."""

import hashlib
import logging
import multiprocessing
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from threading import Lock, Thread

import httpx
from flwr.proto.runtime_pb2 import AcquireTaskRequest
from flwr.supercore.constant import TaskType
from flwr.supercore.runtime import RuntimeHttpClient
from flwr.supernode.runtime.run_clientapp import pull_task_input

from tifed.nodes.flower.client import client_app
from tifed.nodes.flower.executor.own_app import is_own
from tifed.nodes.flower.executor.runtime import RuntimeApi, alive
from tifed.nodes.flower.executor.task import answer, answer_by_app, refuse

log = logging.getLogger("flwr")
TASK = "task of a SuperNode"
"""Name of a thread."""
FOREIGN = (
    "refused: the app has code of its own, and this node answers with the installed tifed only; "
    "make the app by tifed flower bundle"
)


@dataclass
class Executor:
    """Answers each message with the installed package, in this process.

    An app with code of its own, such as one that adds mods or one of another project, gets a
    process of its own for each message. That is a copy of one that has imported Flower already.

    Attributes:
        api: the SuperNode's.
        installed_only: whether apps with code of their own are refused.
        wait: for the time to look for a task.
        came: told when there is one.
        replied: told when it has been answered.
    """

    api: RuntimeApi
    installed_only: bool
    wait: Callable[[], None]
    came: Callable[[], None] = lambda: None
    replied: Callable[[], None] = lambda: None
    _own: dict[str, bool] = field(default_factory=dict)
    _one: Lock = field(default_factory=Lock)

    def serve(self) -> None:
        """Work for ever."""
        with closing(self.api.for_tasks()) as tasks:
            told = ""
            while True:
                self.wait()
                told = self._look(tasks, told)

    def _look(self, tasks: RuntimeHttpClient, told: str) -> str:
        """Do a task if there is one; why the SuperNode gives none, which is not ``told`` again."""
        request = AcquireTaskRequest(supported_task_types=[TaskType.CLIENT_APP])
        try:
            token = tasks.AcquireTask(request).token
        except httpx.HTTPError as error:
            # The same again at each look would fill the log.
            if (why := f"{type(error).__name__}: {error}") != told:
                log.warning("no tasks from the SuperNode at %s: %s", self.api.address, why)
            return why
        if token:
            # A task of a run that ended while its message came waits for hours for the rest of it.
            Thread(target=self._task, args=(token,), name=TASK, daemon=True).start()
        return ""

    def _task(self, token: str) -> None:
        self.came()
        try:
            self._work(token)
        except Exception:
            # The SuperNode notices that nobody works on the task any more.
            log.exception("a task of the SuperNode failed")
        self.replied()

    def _work(self, token: str) -> None:
        with self.api.for_task(token) as client, alive(client):
            message, context, run, fab = pull_task_input(client)
            if self._is_own(fab.content):
                with self._one:
                    answer(client, client_app, message, context)
            elif self.installed_only:
                refuse(client, FOREIGN, message, context)
            else:
                start = multiprocessing.get_context("forkserver")
                start.set_forkserver_preload(["tifed.nodes.flower.executor.task"])
                work = (self.api, token, message, context, run, fab)
                process = start.Process(target=answer_by_app, args=work, daemon=True)
                process.start()
                process.join()
                if process.exitcode:
                    reason = f"the ClientApp's process ended with {process.exitcode}"
                    refuse(client, reason, message, context)

    def _is_own(self, app: bytes) -> bool:
        """As `is_own`, which is the same for all messages of a run."""
        name = hashlib.sha256(app).hexdigest()
        if name not in self._own:
            self._own = {name: is_own(app)}
        return self._own[name]
