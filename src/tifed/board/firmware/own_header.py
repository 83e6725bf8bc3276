"""A device's own samples and the model that stays on it, as constants in C."""

from tifed.rule.network import Network
from tifed.rule.network.memory import held_bytes
from tifed.rule.store import StoreShape

OWN_SWITCH = "TIFED_DEVICE_OWN"
"""What ``device.h`` is compiled with where a device has its samples itself."""

STORE_SYMBOL = "own_samples"
"""Where a device's store, or what it makes one of, is put before it starts (``sections.ld``)."""

FLASH_END = "flash_end"
"""Where its flash ends."""

_SLOT, _WORDS, _IN_FLASH = 44, 80, 4


def own_constants(shape: StoreShape, kept_bytes: int) -> str:
    """The shape of a device's store, and bytes of RAM for the model that stays; 0 for none."""
    return f"""\
#define {OWN_SWITCH} 1
#define TIFED_OWN_RECORDS {shape.records}u
#define TIFED_OWN_EVERY {shape.held_out_every}u
#define TIFED_KEPT_BYTES {kept_bytes}u
"""


def kept_bytes(network: Network, in_flash: tuple[int, ...]) -> int:
    """Bytes in which a model stays on a device, in two slots (SPEC, section 17).

    Args:
        network: every constant of it.
        in_flash: layers whose parameters do not change.
    """
    slot = _SLOT + (network.features if network.centred else 0)
    for number in range(network.depth):
        slot += _IN_FLASH if number in in_flash else held_bytes(network, number)
    return _WORDS + 2 * slot
