"""What emulated boards with own data have in their flash before they start."""

import numpy as np

from tifed.board.firmware.build import Firmware
from tifed.board.firmware.emulated_boards import EmulatedBoard
from tifed.board.firmware.own_header import FLASH_END, STORE_SYMBOL
from tifed.board.firmware.signal_header import has_signal
from tifed.errors import UsageError
from tifed.fleets.inputs import FleetInputs
from tifed.fleets.recordings import recordings_image
from tifed.rule.signal import SignalFrontEnd
from tifed.rule.store import StoreShape, format_store, records_for, store_image

_INDEX = 8
"""Bytes of RAM for each record of a store, beside those of the store itself."""


def played_signal(inputs: FleetInputs) -> SignalFrontEnd | None:
    """The signal front end by which boards make their samples themselves, of readings in flash.

    None if samples are no front end's, the readings are not known here, or the firmware has no such
    front end: then the samples are in flash as they are.
    """
    known = inputs.own_data and inputs.recorded is not None and has_signal(inputs.signal)
    return inputs.signal if known else None


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
            f"({error}); {_fewer(inputs)}"
        ) from error


def require_ram(inputs: FleetInputs, board: EmulatedBoard) -> None:
    """Make sure that boards that make their samples themselves have RAM for a store of them.

    Raises:
        UsageError: if not.
    """
    shape = store_shape(inputs)
    needed = shape.bytes + _INDEX * (shape.records + 1)
    if played_signal(inputs) is not None and needed > board.ram:
        raise UsageError(
            f"devices: a device's store of {shape.records} samples of {shape.inputs} values takes "
            f"{needed} bytes of RAM, and {board.name} has {board.ram}; {_fewer(inputs)}"
        )


def flash_contents(inputs: FleetInputs, firmware: Firmware) -> list[bytes] | None:
    """Per device what is in its flash behind ``firmware`` before it starts; None for nothing.

    Those are the readings of its recordings where it makes its samples itself, else its store.

    Raises:
        UsageError: if there is no room for it.
    """
    if not inputs.own_data:
        return None
    from tifed.board.firmware.elf import read_image  # which only emulators have a use for

    symbols = read_image(firmware.elf).symbols
    room = symbols[FLASH_END] - symbols[STORE_SYMBOL]
    recorded = None if played_signal(inputs) is None else inputs.recorded
    if recorded is None:
        shape = store_shape(inputs)
        # Before any of them is made, which takes long where there is too much.
        what = f"store of {shape.records} samples of {shape.inputs} values takes"
        _require_room(inputs, firmware, what, shape.bytes, room)
        return [_store(inputs, shape, device) for device in range(len(inputs.stored))]
    contents = [
        recordings_image(recorded.take(stream.order), stream.labels[stream.order])
        for stream in inputs.stored
    ]
    largest = max(range(len(contents)), key=lambda device: len(contents[device]))
    samples = len(inputs.stored[largest])
    what = f"readings of {samples} samples of {store_shape(inputs).inputs} values take"
    _require_room(inputs, firmware, what, len(contents[largest]), room)
    return contents


def _require_room(
    inputs: FleetInputs, firmware: Firmware, what: str, needed: int, room: int
) -> None:
    """Raise UsageError unless ``needed`` bytes fit into ``room`` bytes of flash."""
    if needed > room:
        raise UsageError(
            f"devices: a device's {what} {needed} bytes, and {firmware.board.name} has {room} "
            f"bytes of flash beside the firmware; {_fewer(inputs)}"
        )


def _fewer(inputs: FleetInputs) -> str:
    """What helps where there is too much: more devices with any partition, a limit with one."""
    return (
        f"take more devices than {len(inputs.stored)}, or, where partition.kind is iid, set "
        "partition.limit_per_device"
    )


def _store(inputs: FleetInputs, shape: StoreShape, device: int) -> bytes:
    stream = inputs.stored[device]
    if not len(stream):
        return bytes(format_store(shape).memory)
    samples, labels = stream.read(0, len(stream))
    return store_image(
        samples, labels.astype(np.int64), shape.classes,
        held_out_every=shape.held_out_every, records=shape.records,
    )  # fmt: skip
