"""The gateway's process: takes requests one after the other, and looks after its boards between."""

import logging
import socket
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import Any

import numpy as np

from tifed.errors import TifedError, UsageError
from tifed.nodes.answer import answer
from tifed.nodes.context import DeviceSelection
from tifed.nodes.gateway.board_pool import BoardPool
from tifed.nodes.gateway.wire import WireError, receive, send
from tifed.nodes.messages.content import Content, MessageError, check_head
from tifed.nodes.messages.masked import MASKED_FIT

log = logging.getLogger("tifed.nodes.gateway")

BEAT = 2.0
"""Seconds between two signs of life to somebody who waits for an answer."""
REQUEST_SECONDS = 30.0
"""In which a request has to have come, and an answer to have gone."""
MOST_CONNECTIONS = 32

Arrays = Mapping[str, np.ndarray]


class Gateway:
    """Serves a pool of boards on a socket."""

    def __init__(self, pool: BoardPool, look_every: float = 10.0) -> None:
        """Nothing is opened yet.

        Args:
            pool: the boards.
            look_every: seconds between two looks at boards that have no work.
        """
        self._pool, self._look_every = pool, look_every
        # One worker: boards do one thing at a time, and the pool is used by nobody else.
        self._worker = ThreadPoolExecutor(1, "tifed-gateway")
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)

    def serve(self, listener: socket.socket, stop: threading.Event) -> None:
        """Answer whoever connects, until ``stop`` is set."""
        listener.settimeout(0.2)
        looked, look = float("-inf"), None
        try:
            while not stop.is_set():
                now = time.monotonic()
                if (look is None or look.done()) and now - looked >= self._look_every:
                    looked, look = now, self._worker.submit(self._look)
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                if not self._places.acquire(blocking=False):
                    log.warning("more than %d at once want something; one is sent away",
                                MOST_CONNECTIONS)  # fmt: skip
                    connection.close()
                    continue
                threading.Thread(target=self._attend, args=(connection,), daemon=True).start()
        finally:
            self._worker.shutdown(wait=False, cancel_futures=True)
            self._pool.close()

    def _look(self) -> None:
        """Look after the boards; nothing that goes wrong there ends the looking."""
        try:
            self._pool.look()
        except Exception:
            log.exception("a look at the boards failed")

    def _attend(self, connection: socket.socket) -> None:
        """One connection: a request, signs of life, the answer."""
        work: Future[Content] | None = None
        try:
            with connection:
                head, arrays = receive(connection, REQUEST_SECONDS)
                work = self._worker.submit(self._answer, head, arrays)
                while True:
                    try:
                        content = work.result(BEAT)
                    except NotYet:
                        send(connection, {"working": True}, {}, REQUEST_SECONDS)
                        continue
                    except (TifedError, MessageError) as error:
                        log.warning("refused: %s", error)
                        send(connection, {"refused": str(error)}, {}, REQUEST_SECONDS)
                        return
                    reply = {"message": dict(content.values)}
                    send(connection, reply, content.arrays, REQUEST_SECONDS)
                    return
        except WireError as error:
            log.warning("whoever asked %s", error)
        except Exception:
            log.exception("a request failed")
        finally:
            if work is not None:
                work.cancel()
            self._places.release()

    def _answer(self, head: Mapping[str, Any], arrays: Arrays) -> Content:
        """What the boards answer.

        Raises:
            TifedError: if the experiment cannot be carried out here.
            MessageError: if the request is not one.
        """
        values, text, selection = (head.get(name) for name in ("message", "experiment", "place"))
        if not (isinstance(values, dict) and isinstance(text, str) and isinstance(selection, dict)):
            raise MessageError("a request has an experiment, a place and a message")
        node = self._pool.context(text, _selection(selection))
        kind = check_head(values, None, node.experiment)
        content = answer(node, Content(kind, values, dict(arrays)))
        if content.kind in ("fit", MASKED_FIT):
            log.info(
                "round %d, exchange %d: %d of %d boards answered", values["round"] + 1,
                values["exchange"], content.arrays["devices"][:, 1].sum(),
                len(node.devices),
            )  # fmt: skip
        return content


def _selection(found: Mapping[str, Any]) -> DeviceSelection:
    """The devices that the "place" of a request selects.

    Raises:
        UsageError: if it is not one.
    """
    first, partition = found.get("first"), found.get("partition")
    if type(first) is int:
        return DeviceSelection(first=first)
    if isinstance(partition, list) and [type(n) for n in partition] == [int, int]:
        return DeviceSelection(partition=(partition[0], partition[1]))
    raise UsageError("place: neither a first device nor a partition")
