"""The gateway's process: takes requests one after the other, and looks after its boards between."""

import logging
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from typing import Any

import numpy as np

from tifed.errors import TifedError, UsageError
from tifed.nodes.answer import answer
from tifed.nodes.context import DeviceSelection
from tifed.nodes.gateway.board_pool import BoardPool, HeldError
from tifed.nodes.gateway.tls import names_of
from tifed.nodes.gateway.visitors import MOST_CONNECTIONS, Visitor, Visitors
from tifed.nodes.gateway.wire import WireError, receive, send
from tifed.nodes.messages.content import Content, MessageError, check_head
from tifed.nodes.messages.masked import MASKED_FIT
from tifed.printable import printable

log = logging.getLogger("tifed.nodes.gateway")

BEAT = 2.0
"""Seconds between two signs of life to somebody who waits for an answer."""
REQUEST_SECONDS = 30.0
"""In which a request has to have come, and an answer to have gone."""
FIRST_SECONDS = 5.0
"""In which its first bytes have to have come, and TLS to be agreed on."""

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Admission:
    """Who may connect to a gateway at a TCP address.

    Attributes:
        context: for TLS, with the gateway's certificate.
        peers: names in the certificates of nodes.
    """

    context: ssl.SSLContext
    peers: tuple[str, ...]


class Gateway:
    """Serves a pool of boards on a socket."""

    def __init__(
        self, pool: BoardPool, look_every: float = 10.0, admission: Admission | None = None
    ) -> None:
        """Nothing is opened yet.

        Args:
            pool: the boards.
            look_every: seconds between two looks at boards that have no work.
            admission: who may connect; None at a Unix socket, where the system sees to that.
        """
        self._pool, self._look_every, self._admission = pool, look_every, admission
        # One worker: boards do one thing at a time, and the pool is used by nobody else.
        self._worker = ThreadPoolExecutor(1, "tifed-gateway")
        self._visitors = Visitors()
        self._at_work: Visitor | None = None
        self._lock = threading.Lock()

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
                visitor = self._visitors.enter(connection)
                if visitor is None:
                    log.warning("more than %d at once want something; one is sent away",
                                MOST_CONNECTIONS)  # fmt: skip
                    connection.close()
                    continue
                threading.Thread(target=self._attend, args=(visitor,), daemon=True).start()
        finally:
            self._worker.shutdown(wait=False, cancel_futures=True)
            self._pool.close()

    def _look(self) -> None:
        """Look after the boards; nothing that goes wrong there ends the looking."""
        try:
            self._pool.look()
        except Exception:
            log.exception("a look at the boards failed")

    def _attend(self, visitor: Visitor) -> None:
        """One connection: a request, signs of life, the answer."""
        try:
            try:
                stranger = self._secure(visitor)
                head, arrays = receive(
                    visitor.connection, REQUEST_SECONDS, FIRST_SECONDS,
                    lambda count: self._visitors.took(visitor, count),
                )  # fmt: skip
                self._visitors.asked(visitor)
                if stranger is not None:
                    told = f"this gateway has no --peer {stranger}"
                    send(visitor.connection, {"refused": told}, {}, REQUEST_SECONDS)
                    raise WireError(f"is not let in: it is {stranger}, who is no --peer")
                self._reply(visitor, head, arrays)
            finally:
                visitor.connection.close()
        except WireError as error:
            log.warning("whoever asked %s", error)
        except Exception:
            log.exception("a request failed")
        finally:
            self._visitors.leave(visitor)

    def _secure(self, visitor: Visitor) -> str | None:
        """At a TCP address agree on TLS; whose certificate it is, if it is not a peer's.

        Raises:
            WireError: if there is no certificate of the authority's.
        """
        if self._admission is None:
            return None
        visitor.connection.settimeout(FIRST_SECONDS)
        try:
            secure = visitor.connection = self._admission.context.wrap_socket(
                visitor.connection, server_side=True, do_handshake_on_connect=False
            )
            secure.do_handshake()
        except OSError as error:
            raise WireError(f"is not let in: {error}") from error
        names = names_of(secure)
        return None if set(names) & set(self._admission.peers) else printable(", ".join(names))

    def _reply(self, visitor: Visitor, head: Mapping[str, Any], arrays: Arrays) -> None:
        """Have the boards do what is asked, and answer; whoever leaves before gives it up."""
        work = self._worker.submit(self._answer, visitor, head, arrays)
        connection = visitor.connection
        try:
            while True:
                try:
                    content = work.result(BEAT)
                except NotYet:
                    send(connection, {"working": True}, {}, REQUEST_SECONDS)
                    continue
                except HeldError as error:
                    send(connection, {"busy": str(error)}, {}, REQUEST_SECONDS)
                    return
                except (TifedError, MessageError) as error:
                    log.warning("refused: %s", error)
                    send(connection, {"refused": str(error)}, {}, REQUEST_SECONDS)
                    return
                reply = {"message": dict(content.values)}
                send(connection, reply, content.arrays, REQUEST_SECONDS)
                return
        finally:
            self._give_up(visitor, work)

    def _give_up(self, visitor: Visitor, work: Future[Content]) -> None:
        """Do no more for ``visitor``; nothing to do if all is done."""
        visitor.turned_away = True
        work.cancel()
        with self._lock:
            if self._at_work is visitor:
                log.warning("whoever asked is gone: the work is given up")
                self._pool.give_up()

    def _answer(self, visitor: Visitor, head: Mapping[str, Any], arrays: Arrays) -> Content:
        """What the boards answer.

        Raises:
            TifedError: if the experiment cannot be carried out here.
            MessageError: if the request is not one, or nobody waits for the answer.
        """
        values, text, selection = (head.get(name) for name in ("message", "experiment", "place"))
        if not (isinstance(values, dict) and isinstance(text, str) and isinstance(selection, dict)):
            raise MessageError("a request has an experiment, a place and a message")
        node = self._pool.context(text, _selection(selection))
        kind = check_head(values, None, node.experiment)
        with self._lock:
            if visitor.turned_away:
                raise MessageError("whoever asked is gone")
            self._at_work = visitor
        try:
            content = answer(node, Content(kind, values, dict(arrays)))
        finally:
            with self._lock:
                self._at_work = None
        self._pool.answered(content.kind)
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
