"""Light nodes in one process, for `superlink_scale.py`: Flower's connection, and prepared sums.

    python -m benchmarks.superlink_light ADDRESS CA_CERTIFICATE EXPERIMENT.toml FIRST COUNT

Each is the site of one device, ``light-N``, with a key of its own that is registered here. It asks
the SuperLink as Flower's SuperNode does: every 3 s while there is nothing to do, and at once after
an answer. Every second a line says how many requests there have been, and how long half of those
for messages took in that second.
"""

import itertools
import statistics
import sys
import threading
import time
from pathlib import Path
from typing import Any, cast

from benchmarks.light_answers import LightAnswers

from tifed.nodes.flower import prepare_environment

prepare_environment()

# After the environment: Flower reads it when it is imported.
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402
from flwr.app import Message, RecordDict  # noqa: E402
from flwr.cli.flower_config import read_superlink_connection  # noqa: E402
from flwr.cli.utils import init_http_client_from_connection  # noqa: E402
from flwr.proto.control_pb2 import RegisterNodeRequest  # noqa: E402
from flwr.supercore.inflatable.inflatable_object import (  # noqa: E402
    get_all_nested_objects,
    get_object_tree,
    iterate_object_tree,
)
from flwr.supercore.inflatable.inflatable_utils import (  # noqa: E402
    inflate_object_from_contents,
)
from flwr.supercore.primitives.asymmetric import public_key_to_bytes  # noqa: E402
from flwr.supercore.task_identity import TaskIdentity  # noqa: E402
from flwr.supernode.fleet_http_client import FleetHttpClient  # noqa: E402
from flwr.supernode.fleet_http_connection import http_request_response  # noqa: E402

from tifed.nodes.flower.deployment import CONNECTION  # noqa: E402
from tifed.nodes.flower.format import pack, unpack  # noqa: E402

IDLE = 3.0
"""Seconds between two looks for a message; fixed in Flower's SuperNode."""


class Counted(FleetHttpClient):
    """Flower's client, whose requests are counted."""

    requests = itertools.count()
    pulls: list[float] = []  # noqa: RUF012

    def _unary_unary(self, **about: Any) -> Any:
        began = time.perf_counter()
        said = super()._unary_unary(**about)
        next(Counted.requests)
        if about["path"].endswith("pull-messages"):
            Counted.pulls.append(time.perf_counter() - began)
        return said


def serve(address: str, authority: str, device: int, key: Any, answers: LightAnswers) -> None:
    """One node, until this process is ended."""
    keys = (key, key.public_key())
    name = answers.context.experiment
    with http_request_response(address, False, authority, keys) as connection:
        _, receive, send, _, _, pull, push, confirm = connection
        while True:
            received = receive()
            if received is None:
                time.sleep(IDLE)
                continue
            asked, tree = received
            run = asked.metadata.run_id
            found = {one.object_id: pull(run, one.object_id) for one in iterate_object_tree(tree)}
            confirm(run, asked.metadata.message_id)
            whole = cast("Message", inflate_object_from_contents(asked.metadata.message_id, found))
            content = unpack(whole.content, None, name)
            records: RecordDict = pack(answers.say(device, content))
            reply = Message(records, reply_to=asked)
            reply.metadata.__dict__["_message_id"] = reply.object_id
            objects = get_all_nested_objects(reply)
            wanted, session = send(reply, get_object_tree(reply), 0.0)
            for one in wanted:
                push(run, session, one, objects[one].deflate())


def main() -> None:
    """Register the nodes, start them, and count."""
    address, authority, experiment = sys.argv[1], sys.argv[2], Path(sys.argv[3]).read_text()
    first, count = int(sys.argv[4]), int(sys.argv[5])
    for part in ("_task_id", "_run_id", "_node_id"):  # messages can be made by a task alone
        setattr(TaskIdentity, part, 1)
    sys.modules["flwr.supernode.fleet_http_connection"].FleetHttpClient = Counted  # type: ignore[attr-defined]
    answers = LightAnswers.of(experiment)
    control = init_http_client_from_connection(read_superlink_connection(CONNECTION))
    keys = [ec.generate_private_key(ec.SECP384R1()) for _ in range(count)]
    for device, key in enumerate(keys, first):
        public = public_key_to_bytes(key.public_key())
        control.RegisterNode(RegisterNodeRequest(public_key=public, name=f"light-{device}"))
    control.close()
    for device, key in enumerate(keys, first):
        arguments = (address, authority, device, key, answers)
        threading.Thread(target=serve, args=arguments, daemon=True).start()
    for looks in itertools.count():
        time.sleep(1.0)
        pulls, Counted.pulls = Counted.pulls, []
        done = next(Counted.requests) - looks  # each look counts as one
        median = statistics.median(pulls) if pulls else 0.0
        print(f"{time.time():.3f} {done} {median:.4f}", flush=True)


if __name__ == "__main__":
    main()
