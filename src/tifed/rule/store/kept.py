"""The bytes of the model that stays on a device (SPEC, 17.1)."""

import struct
import zlib
from collections.abc import Collection
from dataclasses import dataclass

from tifed.rule.network import Network, Parameters

WORDS = 8
"""How many words of its policy a device keeps beside its model."""

_MAGIC, _VERSION = b"tifk", 1
_HEADER = 44


@dataclass(frozen=True)
class KeptModel:
    """A model that stays, and what is known of it.

    Attributes:
        parameters: the model.
        seed: of the experiment, 0..2**64 - 1.
        round: the last one that went into it, from 0.
        energy_shift: of the experiment.
        frozen: layers that the device has in flash; of them there is but a checksum.
    """

    parameters: Parameters
    seed: int
    round: int
    energy_shift: int = 0
    frozen: Collection[int] = ()


def kept_slot(network: Network, model: KeptModel, sequence: int, fingerprint: int) -> bytes:
    """The slot that holds a model.

    Args:
        network: whose model it is.
        model: what is kept.
        sequence: how many models were kept before it, and 1 more.
        fingerprint: of what the device was built for.
    """
    data = model.parameters.centre.astype("<i1").tobytes() if network.centred else b""
    weights_and_biases = zip(model.parameters.weights, model.parameters.biases, strict=True)
    for number, (weights, biases) in enumerate(weights_and_biases):
        little = weights.dtype.newbyteorder("<")
        wire = weights.astype(little).tobytes() + biases.astype("<i2").tobytes()
        data += struct.pack("<I", zlib.crc32(wire)) if number in model.frozen else wire
    header = _MAGIC + struct.pack(
        "<7Ii", _VERSION, _HEADER + len(data), fingerprint, sequence, model.seed & 0xFFFFFFFF,
        model.seed >> 32, model.round, model.energy_shift,
    )  # fmt: skip
    header += struct.pack("<I", zlib.crc32(header))
    return header + struct.pack("<I", zlib.crc32(header + data)) + data


def kept_words(words: Collection[int], sequence: int) -> bytes:
    """The cell that holds words (8, each 0..2**32 - 1), the ``sequence``-th ones from 1."""
    cell = struct.pack(f"<{1 + WORDS}I", sequence, *words)
    return cell + struct.pack("<I", zlib.crc32(cell))
