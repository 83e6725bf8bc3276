"""The executor at the Runtime API of a SuperNode, which is Flower's own, in this process."""

import hashlib
import secrets
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flwr", reason="needs Flower: pip install 'tifed[flower]'")

import uvicorn
from flwr.app import Context, Message, RecordDict
from flwr.common.config import flatten_dict
from flwr.supercore.constant import TaskType
from flwr.supercore.fab import Fab
from flwr.supercore.inflatable.inflatable_utils import pull_and_inflate_object_from_tree
from flwr.supercore.object_store import ObjectStoreFactory
from flwr.supercore.run import Run
from flwr.supercore.task_identity import TaskIdentity
from flwr.supernode.main import create_app
from flwr.supernode.nodestate import NodeStateFactory
from flwr.supernode.start_client_internal import _insert_message

from tifed.experiment import load_experiment, to_toml
from tifed.experiment.identity import identity
from tifed.nodes.flower.bundle import write_bundle
from tifed.nodes.flower.executor.loop import Executor
from tifed.nodes.flower.executor.runtime import RuntimeApi
from tifed.nodes.flower.format import pack, unpack
from tifed.nodes.flower.settings import to_run_config
from tifed.nodes.local.ports import free_ports
from tifed.nodes.messages import message
from tifed.nodes.serving.settings import Settings

EXPERIMENT = load_experiment(overrides=["rounds=2"])
SETTINGS = Settings(to_toml(EXPERIMENT))
RUN, NODE = 7, 9


class Enough(Exception):
    """Ends the executor."""


@dataclass
class SuperNode:
    """What is behind the Runtime API."""

    api: RuntimeApi
    state: Any
    store: Any

    def has(self, app: bytes, request: RecordDict) -> None:
        """A message of a run of ``app`` is there."""
        name = hashlib.sha256(app).hexdigest()
        config = flatten_dict(to_run_config(SETTINGS))
        hosts: Any = {"partition-id": 1, "num-partitions": 2}
        self.state.set_run_series_context(0, Context(RUN, NODE, hosts, RecordDict(), config))
        self.state.store_run(replace(Run.create_empty(RUN), fab_hash=name))
        self.state.store_fab(Fab(name, app, {}))
        self.state.create_task(task_type=TaskType.CLIENT_APP, run_id=RUN, fab_hash=name)
        _insert_message(Message(request, NODE, "query"), self.state, self.store)

    def reply(self) -> Message:
        """The one that has come."""
        (message,) = self.state.get_messages_legacy(is_reply=True)
        tree = self.store.get_object_tree(message.metadata.message_id)
        return pull_and_inflate_object_from_tree(
            tree, self.store.get, lambda name: None, return_type=Message
        )

    def served(
        self, *, tasks: int = 1, installed_only: bool = False, secret: bytes | None = None
    ) -> None:
        """The executor has looked for a task twice, and does nothing that it can do any more."""
        looks = iter([True, True])

        def wait() -> None:
            if not next(looks, False):
                raise Enough

        done = threading.Semaphore(0)
        api = self.api if secret is None else replace(self.api, secret=secret)
        with pytest.raises(Enough):
            Executor(api, installed_only, wait, replied=done.release).serve()
        for _ in range(tasks):
            assert done.acquire(timeout=300)


@pytest.fixture
def supernode(monkeypatch: pytest.MonkeyPatch) -> Iterator[SuperNode]:
    """A SuperNode without a SuperLink."""
    for name in ("_run_id", "_node_id", "_task_id"):
        monkeypatch.setattr(TaskIdentity, name, RUN)
    objects = ObjectStoreFactory()
    states, (port,) = NodeStateFactory(objects), free_ports(1)
    secret = secrets.token_bytes(32)
    app = create_app(states, secret)
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", ws="none")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.01)
    state = states.state()
    state.set_node_id(NODE)
    yield SuperNode(RuntimeApi(f"127.0.0.1:{port}", secret=secret), state, objects.store())
    server.should_exit = True
    thread.join()


def archive(folder: Path, more: str = "") -> bytes:
    """The app, with ``more`` at the end of its client, as Flower sends it to nodes."""
    write_bundle(folder, SETTINGS)
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for path in folder.rglob("*.*"):
            text = path.read_text() + (more if path.name == "client.py" else "")
            file.writestr(str(path.relative_to(folder)), text)
    return packed.getvalue()


HELLO = pack(message("hello", identity(EXPERIMENT), {}))


def test_a_message_is_answered_in_this_process(tmp_path: Path, supernode: SuperNode) -> None:
    supernode.has(archive(tmp_path), HELLO)
    supernode.served(installed_only=True)
    content = unpack(supernode.reply().content, "hello", identity(EXPERIMENT))
    assert content.array("devices", "int64", (1, 2)).tolist() == [[4, 4]]
    (task,) = supernode.state.get_tasks()
    assert task.status.sub_status == "completed"
    # Nothing more to do is no reason to stop.
    supernode.served(tasks=0)


def test_a_message_that_never_comes_whole_holds_up_no_other(
    tmp_path: Path, supernode: SuperNode
) -> None:
    """So Flower leaves it when a run ends while the message is on its way."""
    app = archive(tmp_path)
    supernode.has(app, HELLO)
    (first,) = supernode.state.msg_store.values()
    tree = supernode.store.get_object_tree(first.message.metadata.message_id)
    supernode.store.delete(tree.object_id)
    supernode.store.preregister(RUN, tree)
    supernode.has(app, HELLO)
    supernode.served()
    replied = supernode.reply().metadata.reply_to_message_id
    assert replied
    assert replied != first.message.metadata.message_id


def test_who_is_wary_runs_no_code_of_an_app(tmp_path: Path, supernode: SuperNode) -> None:
    supernode.has(archive(tmp_path, "raise SystemExit\n"), HELLO)
    supernode.served(installed_only=True)
    reason = supernode.reply().error.reason
    assert reason is not None
    assert reason.startswith("refused: the app has code of its own")
    (task,) = supernode.state.get_tasks()
    assert task.status.sub_status == "failed"


def test_tasks_are_for_those_who_know_the_secret(
    tmp_path: Path, supernode: SuperNode, caplog: pytest.LogCaptureFixture
) -> None:
    supernode.has(archive(tmp_path), HELLO)
    supernode.served(tasks=0, secret=b"guessed")
    (task,) = supernode.state.get_tasks()
    assert task.status.status == "pending"
    assert not supernode.state.get_messages_legacy(is_reply=True)
    assert "401 Unauthorized" in caplog.text
