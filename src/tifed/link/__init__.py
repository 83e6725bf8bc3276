"""The link between a server and its devices: frames, requests, lines (docs/link.md)."""

from tifed.link.answers import Capabilities, DeviceState, DeviceStatus
from tifed.link.client import Client
from tifed.link.conversation import Patience
from tifed.link.errors import (
    DeviceAnswerError,
    DeviceError,
    DeviceGoneError,
    DeviceRefusedError,
    DeviceRestartedError,
    LineNotOpenedError,
)
from tifed.link.frame import PAYLOAD, VERSION, Frame, FrameReader, Kind, encode
from tifed.link.opening import address_opener, open_transport
from tifed.link.scheme import TRANSPORTS, Scheme
from tifed.link.transport import Transport, TransportClosedError

__all__ = [
    "PAYLOAD",
    "TRANSPORTS",
    "VERSION",
    "Capabilities",
    "Client",
    "DeviceAnswerError",
    "DeviceError",
    "DeviceGoneError",
    "DeviceRefusedError",
    "DeviceRestartedError",
    "DeviceState",
    "DeviceStatus",
    "Frame",
    "FrameReader",
    "Kind",
    "LineNotOpenedError",
    "Patience",
    "Scheme",
    "Transport",
    "TransportClosedError",
    "address_opener",
    "encode",
    "open_transport",
]
