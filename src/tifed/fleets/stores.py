"""What emulated boards with own data have in their flash before they start."""

import numpy as np

from tifed.board.firmware.emulated_boards import EmulatedBoard
from tifed.errors import UsageError
from tifed.fleets.inputs import FleetInputs
from tifed.rule.store import StoreShape, format_store, records_for, store_image


def store_shape(inputs: FleetInputs, board: EmulatedBoard) -> StoreShape:
    """The shape of every device's store, with room for the most samples that one of them has.

    Raises:
        UsageError: if there are no samples here to put there, or the board has no room for them.
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
        shape = StoreShape(values, max(2, records_for(most, every)), inputs.network.classes, every)
    except ValueError as error:
        raise UsageError(
            f"devices: a device has {most} samples of {values} values, which no store holds "
            f"({error}); take more devices, or partition.limit_per_device"
        ) from error
    if shape.bytes > board.flash:
        raise UsageError(
            f"devices: a device's {most} samples of {values} values take {shape.bytes} bytes in "
            f"its store, and {board.name} has {board.flash} bytes of flash, the firmware included; "
            f"take more devices than {len(inputs.stored)}, or partition.limit_per_device"
        )
    return shape


def stores(inputs: FleetInputs, shape: StoreShape) -> list[bytes]:
    """Per device the bytes of its store."""
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
