"""Emulated boards at the end of sockets, as boards at the end of lines."""

import logging
import socket
import threading
from collections.abc import Sequence
from contextlib import ExitStack

from tifed.board.emulators.start import start_board
from tifed.board.firmware.build import Firmware
from tifed.errors import RunError
from tifed.link.listening import listening
from tifed.link.transport import Opener, SocketTransport, Transport, TransportClosedError

log = logging.getLogger("tifed.emulate")

_LOOK = 0.2


def serve_boards(
    firmware: Firmware,
    addresses: Sequence[str],
    stop: threading.Event,
    stores: Sequence[bytes] | None = None,
    keys: Sequence[bytes] | None = None,
) -> None:
    """Emulate one board per address until ``stop`` is set; each keeps running between connections.

    Args:
        firmware: what they run.
        addresses: ``unix:PATH`` or ``tcp:HOST:PORT``.
        stop: set to end it.
        stores: per address what is in the board's flash behind the program; None for nothing.
        keys: per address the key with which the board's line is sealed; None if none is.

    Raises:
        UsageError: if nobody can listen at an address, or the emulator is not installed.
        RunError: if an emulator does not start, or a board's processor stops.
    """
    with ExitStack() as everything:
        failed: list[str] = []
        for place, address in enumerate(addresses):
            listener = everything.enter_context(listening(address, "--listen"))
            store = None if stores is None else stores[place]
            key = None if keys is None else keys[place]
            _, opener = start_board(firmware, everything, store, key)

            def serve(
                address: str = address, listener: socket.socket = listener, opener: Opener = opener
            ) -> None:
                try:
                    _serve(listener, opener(), stop)
                except TransportClosedError as error:
                    failed.append(f"the board at {address}: {error}")
                    stop.set()

            thread = threading.Thread(target=serve, name=address)
            thread.start()
            everything.callback(thread.join)
            # Last in, first out: nobody waits for a thread before it is told to stop.
            everything.callback(stop.set)
            log.info("%s is at %s", firmware.board.name, address)
        stop.wait()
        if failed:
            raise RunError("; ".join(failed))


def _serve(listener: socket.socket, board: Transport, stop: threading.Event) -> None:
    """Connect whoever comes, one after the other, with the board.

    Raises:
        TransportClosedError: if the board has stopped.
    """
    listener.settimeout(_LOOK)
    while not stop.is_set():
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        hung_up = threading.Event()
        # A socket each way: they wait for different times.
        line, other = SocketTransport(connection), SocketTransport(connection.dup())
        inward = threading.Thread(target=_listen, args=(other, board, hung_up, stop))
        inward.start()
        try:
            while not hung_up.is_set() and not stop.is_set():
                said = board.read(_LOOK)
                if said:
                    _say(line, said, hung_up)
        finally:
            hung_up.set()
            inward.join()
            line.close()
            other.close()


def _say(line: SocketTransport, said: bytes, hung_up: threading.Event) -> None:
    try:
        line.write(said)
    except TransportClosedError:
        hung_up.set()


def _listen(
    line: SocketTransport, board: Transport, hung_up: threading.Event, stop: threading.Event
) -> None:
    """Give the board what comes over the line."""
    while not hung_up.is_set() and not stop.is_set():
        try:
            heard = line.read(_LOOK)
            if heard:
                board.write(heard)
        except TransportClosedError:
            hung_up.set()
