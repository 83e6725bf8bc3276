"""The configuration of a mosquitto broker for a federation.

Nothing that passes through the broker is written to its disk: when it dies, server and nodes send
again what was under way. So there is no persistence to configure, and none to keep secret.
"""

from pathlib import Path

from tifed.nodes.mqtt.pieces import PACKET

PORT = 8883
"""MQTT by TLS, as registered."""
CONFIGURATION, ACCESS = "mosquitto.conf", "acl"
CERTIFICATE, KEY = "broker.crt", "broker.key"

_TEXT = """\
# Written by tifed mqtt keys.
listener {port}{address}

# TLS 1.3 with certificates on both sides. The name in a certificate is the user's and the client's,
# so nobody can pose as another, or end another's session.
cafile {folder}/ca.crt
certfile {folder}/{certificate}
keyfile {folder}/{key}
tls_version tlsv1.3
require_certificate true
use_identity_as_username true
use_username_as_clientid true
allow_anonymous false
acl_file {folder}/{access}

# What one client can make the broker hold.
max_packet_size {packet}
max_inflight_messages 100
max_queued_messages 20000
max_queued_bytes {queued}
persistent_client_expiration 1d
max_keepalive 600

persistence false
set_tcp_nodelay true
log_type error
log_type warning
log_type notice
connection_messages true
"""

QUEUED = 1 << 29
"""Bytes that may wait for one client: twice the longest message."""


def broker_configuration(
    folder: Path, port: int = PORT, address: str = "", packet: int = PACKET, user: str = ""
) -> str:
    """``mosquitto.conf``.

    Args:
        folder: where the broker finds certificate, key and access list; absolute.
        port: on which it listens.
        address: of the interface on which it listens; empty for all.
        packet: bytes of the longest packet that it takes.
        user: whose rights it has if it is started by root; empty for the system's own for it.
    """
    text = _TEXT.format(
        folder=folder, port=port, address=f" {address}" if address else "", packet=packet,
        certificate=CERTIFICATE, key=KEY, access=ACCESS, queued=QUEUED,
    )  # fmt: skip
    return text + (f"user {user}\n" if user else "")
