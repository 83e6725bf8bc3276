"""Kinds of lines to devices, by the word before the colon of an address: serial, tcp, unix, ..."""

from abc import ABC, abstractmethod
from typing import ClassVar

from tifed.link.transport import Transport
from tifed.registry import Registry, subclass_of


class Scheme(ABC):
    """How addresses of one kind are read, and their lines opened; a place follows the colon."""

    form: ClassVar[str]
    """How an address looks, for messages: ``tcp:host:port``."""

    def sound(self, place: str) -> bool:
        """Whether there may be such a place; nothing is opened to find out."""
        return bool(place)

    def line(self, place: str) -> str:
        """The same text for every place that is the same line, so that none is used twice."""
        return place

    def exposed(self, place: str) -> bool:
        """Whether others than those who have the device can reach the line: radio, a network.

        Then keys are asked for. A kind of line is taken for exposed until it says otherwise.
        """
        del place
        return True

    def lacking(self) -> str:
        """What has to be installed before a line can be opened, in words; empty if nothing has."""
        return ""

    @abstractmethod
    def open(self, place: str, baud: int, seconds: float) -> Transport:
        """Open the line, at first or again after it went down.

        Args:
            place: one that is sound.
            baud: bits per second, for lines that have such a thing.
            seconds: longest time to wait for a connection.

        Raises:
            TransportClosedError: if there is nothing at the other end.
        """


TRANSPORTS: Registry[type[Scheme]] = Registry(
    "transport",
    "tifed.transports",
    {
        "serial": "tifed.link.schemes:Serial",
        "tcp": "tifed.link.schemes:Tcp",
        "unix": "tifed.link.schemes:Unix",
    },
    subclass_of(Scheme),
    "a subclass of tifed.link.Scheme",
)
"""Every kind of line by the word that its addresses begin with."""


def forms() -> str:
    """How addresses look, for a message."""
    own = [TRANSPORTS[name].form for name in TRANSPORTS.built_in]
    others = [f"{name}:…" for name in TRANSPORTS if name not in TRANSPORTS.built_in]
    *first, last = [*own, *others]
    return f"{', '.join(first)} or {last}"
