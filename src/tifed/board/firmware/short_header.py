"""A device with short updates (SPEC, section 25), as constants in C."""

from collections.abc import Collection

from tifed.rule.network import Network
from tifed.rule.network.memory import residual_bytes

SHORT_SWITCH = "TIFED_DEVICE_SHORT"
"""What ``device.h`` is compiled with where a device sends and takes short updates."""

CODER_SWITCH = "TIFED_DEVICE_CODER"
"""The same where it codes their numbers as well."""

QUIET_SWITCH = "TIFED_DEVICE_QUIET"
"""The same where it answers an exchange as a whole."""

RESIDUAL_SWITCH = "TIFED_RESIDUALS"
"""What the core is compiled with as well where a device keeps what was too small to go up."""


def residual_constants(network: Network, layers: Collection[int]) -> str:
    """Of which layers a device keeps what was too small to go up, and in how many bytes."""
    mask = sum(1 << layer for layer in layers)
    count = sum(residual_bytes(network, layer) for layer in layers)
    return f"""\
#define {RESIDUAL_SWITCH} 1
#define TIFED_RESIDUAL_LAYERS 0x{mask:X}u
#define TIFED_RESIDUAL_BYTES {count}u
#define TIFED_RESIDUAL_DEPTH {network.depth}u
"""
