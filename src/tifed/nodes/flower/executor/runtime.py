"""A SuperNode's interface for ClientApps, which Flower calls its Runtime API."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from flwr.proto.runtime_pb2 import SendTaskHeartbeatRequest
from flwr.supercore.interceptors import (
    RuntimeTokenHttpInterceptor,
    RuntimeVersionHttpInterceptor,
    SuperExecAuthHttpInterceptor,
)
from flwr.supercore.retry import RetryInvoker, exponential
from flwr.supercore.runtime import RuntimeHttpClient

ACQUIRE = "/flwr.proto.Runtime/AcquireTask"
HEARTBEAT_EVERY = 20.0
"""Seconds; a SuperNode gives a task up a minute after the last one."""
TRIES = 5


@dataclass(frozen=True)
class RuntimeApi:
    """Where it is, and what it takes to be let in.

    Attributes:
        address: host and port.
        certificates: PEM of the authority of its certificate; None if it speaks no TLS.
        secret: which the SuperNode has as well; None if it lets in everybody.
    """

    address: str
    certificates: bytes | None = None
    secret: bytes | None = None

    def for_tasks(self) -> RuntimeHttpClient:
        """A client that may take tasks."""
        proofs = []
        if self.secret is not None:
            proofs.append(
                SuperExecAuthHttpInterceptor(
                    master_secret=self.secret, protected_methods=frozenset({ACQUIRE})
                )
            )
        return RuntimeHttpClient.from_server_address(
            self.address, self.certificates is None, self.certificates,
            [RuntimeVersionHttpInterceptor(component_name="SuperExec"), *proofs],
        )  # fmt: skip

    @contextmanager
    def for_task(self, token: str) -> Iterator[RuntimeHttpClient]:
        """A client for the one task that has ``token``."""
        # Flower's own programs never give up, and end themselves when a task is wanted no more.
        patience = RetryInvoker(lambda: exponential(max_delay=1), httpx.TransportError, TRIES, None)
        version = RuntimeVersionHttpInterceptor(component_name="flwr-clientapp")
        client = RuntimeHttpClient.from_server_address(
            self.address, self.certificates is None, self.certificates,
            [version, RuntimeTokenHttpInterceptor(token)], retry_invoker=patience,
        )  # fmt: skip
        try:
            yield client
        finally:
            client.close()


@contextmanager
def alive(client: RuntimeHttpClient) -> Iterator[None]:
    """Meanwhile the SuperNode is told that its task is being worked on."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(HEARTBEAT_EVERY):
            try:
                client.SendTaskHeartbeat(SendTaskHeartbeatRequest())
            except httpx.HTTPError:
                # The SuperNode has gone, or wants the task no more: the reply will show it.
                continue

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
