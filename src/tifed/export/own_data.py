"""How much memory a device needs for samples of its own, and for the model that stays."""

from tifed.rule.network import Network

LEAST_CALIBRATION, LEAST_EVALUATION = 50, 10
"""Training and held-out samples that the usual policy asks for: TIFED_DEVICE_POLICY."""

_SLOT, _WORDS = 44, 80
_HEAD, _RECORD, _ENTRY = 104, 24, 8


def store_records(held_out_every: int, buffer: int) -> int:
    """Samples that a store has room for, so that the usual policy allows what a run asks for.

    Args:
        held_out_every: every how manieth sample is held out.
        buffer: samples that a round trains on; so many different ones find room as well.

    >>> store_records(5, 20)
    62
    """
    records = LEAST_EVALUATION * held_out_every
    while records - records // held_out_every < max(LEAST_CALIBRATION, buffer):
        records += 1
    return records


def store_bytes(records: int, inputs: int) -> int:
    """Bytes of RAM for that many samples of so many values each, and for their index."""
    return _HEAD + (records + 1) * (_RECORD + inputs + _ENTRY)


def kept_bytes(network: Network) -> int:
    """Bytes of memory in which a model stays: two slots, and what a device has promised."""
    parameters = sum(
        layer.fan_in * layer.fan_out * layer.weight_bits // 8 + 2 * layer.fan_out
        for layer in network.layers
    )
    return 2 * (_SLOT + (network.features if network.centred else 0) + parameters) + _WORDS
