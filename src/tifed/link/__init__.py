"""The link between a server and its devices: frames, requests, lines (docs/link.md)."""

from tifed.link.client import Capabilities, Client, DeviceState, DeviceStatus, Patience
from tifed.link.errors import DeviceGoneError, DeviceRefusedError, DeviceRestartedError
from tifed.link.frame import PAYLOAD, VERSION, Frame, FrameReader, Kind, encode
from tifed.link.transport import Transport, TransportClosedError, address_opener, open_transport

__all__ = [
    "PAYLOAD",
    "VERSION",
    "Capabilities",
    "Client",
    "DeviceGoneError",
    "DeviceRefusedError",
    "DeviceRestartedError",
    "DeviceState",
    "DeviceStatus",
    "Frame",
    "FrameReader",
    "Kind",
    "Patience",
    "Transport",
    "TransportClosedError",
    "address_opener",
    "encode",
    "open_transport",
]
