"""What emulated boards with own data have in their flash before they start."""

import numpy as np

from tifed.board.firmware.build import Firmware
from tifed.board.firmware.own_header import FLASH_END, STORE_SYMBOL
from tifed.errors import UsageError
from tifed.fleets.inputs import FleetInputs
from tifed.rule.store import StoreShape, format_store, records_for, store_image


def store_shape(inputs: FleetInputs) -> StoreShape:
    """The shape of every device's store, with room for the most samples that one of them has.

    Raises:
        UsageError: if there are no samples here to put there, or more than a store holds.
    """
    if not any(map(len, inputs.stored)):
        raise UsageError(
            "own_data: emulated boards have no sensors, and this experiment has no samples to put "
            'into their flash; name a dataset, or use fleet = "linked" for boards that have some'
        )
    every = inputs.held_out_every
    most = max(map(len, inputs.stored))
    values = inputs.stored[0].samples.shape[1]
    try:
        return StoreShape(values, max(2, records_for(most, every)), inputs.network.classes, every)
    except ValueError as error:
        raise UsageError(
            f"devices: a device has {most} samples of {values} values, which no store holds "
            f"({error}); take more devices, or partition.limit_per_device"
        ) from error


def stores(inputs: FleetInputs, firmware: Firmware) -> list[bytes] | None:
    """Per device what is in its flash behind ``firmware`` before it starts; None for nothing.

    Raises:
        UsageError: if there is no room for it.
    """
    if not inputs.own_data:
        return None
    from tifed.board.firmware.elf import read_image  # which only emulators have a use for

    shape, symbols = store_shape(inputs), read_image(firmware.elf).symbols
    room = symbols[FLASH_END] - symbols[STORE_SYMBOL]
    if shape.bytes > room:
        raise UsageError(
            f"devices: a device's store of {shape.records} samples of {shape.inputs} values takes "
            f"{shape.bytes} bytes, and {firmware.board.name} has {room} bytes of flash beside the "
            f"firmware; take more devices than {len(inputs.stored)}, or partition.limit_per_device"
        )
    return [_store(inputs, shape, device) for device in range(len(inputs.stored))]


def _store(inputs: FleetInputs, shape: StoreShape, device: int) -> bytes:
    stream = inputs.stored[device]
    if not len(stream):
        return bytes(format_store(shape).memory)
    samples, labels = stream.read(0, len(stream))
    return store_image(
        samples, labels.astype(np.int64), shape.classes,
        held_out_every=shape.held_out_every, records=shape.records,
    )  # fmt: skip
