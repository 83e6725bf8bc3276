"""What a network must be for the core to hold it."""

from tifed.errors import UsageError
from tifed.rule.network import Network

WIDEST_WEIGHT = 16
"""Bits of a weight that the core knows."""

DEEPEST = 32
"""Layers that the core knows (TIFED_MAX_DEPTH)."""


def check_for_devices(network: Network) -> None:
    """Make sure that the core can hold ``network``.

    Raises:
        UsageError: if it has weights of 32 bits, or too many layers.
    """
    widest = max(layer.weight_bits for layer in network.layers)
    if widest > WIDEST_WEIGHT:
        raise UsageError(
            f"recipe_settings.weight_bits: {widest} is for simulations; devices hold 8 or 16"
        )
    if network.depth > DEEPEST:
        raise UsageError(f"layers: {network.depth} of weights; a device holds {DEEPEST}")
