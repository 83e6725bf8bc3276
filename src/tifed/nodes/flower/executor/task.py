"""One task of a SuperNode: a message, and what a ClientApp answers."""

import logging
from collections.abc import Callable

from flwr.app import Context, Error, Message
from flwr.cli.install import install_from_fab
from flwr.clientapp import ClientApp
from flwr.clientapp.utils import get_load_client_app_fn
from flwr.common.constant import ErrorCode, SubStatus
from flwr.supercore.fab import Fab
from flwr.supercore.run import Run
from flwr.supercore.runtime import RuntimeHttpClient
from flwr.supernode.runtime.run_clientapp import push_message, push_task_output

from tifed.nodes.flower.executor.runtime import RuntimeApi

log = logging.getLogger("flwr")


def answer(
    client: RuntimeHttpClient, app: Callable[[], ClientApp], message: Message, context: Context
) -> None:
    """Give the SuperNode the reply of ``app``, or its error."""
    status, details = SubStatus.COMPLETED, ""
    try:
        reply = app()(message, context)
    except Exception as error:
        log.exception("the ClientApp raised an exception")
        status, details = SubStatus.FAILED, f"{type(error).__name__}: {error}"
        reply = failure(details, message)
    push_message(client, reply, context)
    push_task_output(client, context, status, details)


def failure(reason: str, message: Message) -> Message:
    """In place of a reply to ``message``."""
    return Message(Error(ErrorCode.CLIENT_APP_RAISED_EXCEPTION, reason), reply_to=message)


def refuse(client: RuntimeHttpClient, reason: str, message: Message, context: Context) -> None:
    """Give the SuperNode ``reason`` in place of a reply."""
    push_message(client, failure(reason, message), context)
    push_task_output(client, context, SubStatus.FAILED, reason)


def answer_by_app(
    api: RuntimeApi, token: str, message: Message, context: Context, run: Run, fab: Fab
) -> None:
    """Load the app that the run brings along, and have it answer; for a process of its own."""

    def app() -> ClientApp:
        install_from_fab(fab.content, skip_prompt=True)
        load = get_load_client_app_fn(default_app_ref="", app_path=None, multi_app=True)
        return load(run.fab_id, run.fab_version, fab.hash_str)

    with api.for_task(token) as client:
        answer(client, app, message, context)
