"""What a device has to be built for, and what to say of one that is not."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from tifed.errors import UsageError
from tifed.fleets.inputs import FleetInputs
from tifed.link import Capabilities
from tifed.rule.front_end import CHANNELS, EDGE_FRONT_ENDS, FrontEnd

NO_COPIES = (
    "pixel_shifts: boards make moved copies of pixels and of what a front end of TIFeD makes of "
    "them, not of what an extractor does; leave extractor out, use a front end of TIFeD, or set "
    "pixel_shifts = false"
)
"""Why boards cannot take part."""


def fingerprint_of(inputs: FleetInputs) -> int:
    """The fingerprint of firmware for ``inputs``."""
    return _with_front_end(inputs, inputs.front_end)


def misfit(inputs: FleetInputs, found: int) -> str:
    """Why a device whose firmware has the fingerprint ``found`` cannot take part, as a sentence."""
    wanted = inputs.front_end
    if inputs.signal_digest is not None and found == fingerprint_of(replace(inputs, signal=None)):
        return (
            "its firmware makes its samples of readings by no signal front end of TIFeD, but this "
            "experiment has one; build it for this experiment and flash it"
        )
    if inputs.shifts is not None and found == fingerprint_of(replace(inputs, shifts=None)):
        return (
            "its firmware makes no moved copies of pictures, but this experiment has pixel_shifts; "
            "build it for this experiment and flash it"
        )
    if wanted is not None:
        for other in _others(wanted):
            if found == _with_front_end(inputs, other):
                return (
                    f"its firmware computes {_named(other)}, but this experiment has "
                    f"{_named(wanted)}; build it for this experiment and flash it"
                )
    return (
        "its firmware was built for another network, recipe, buffer or mini-batch, or for another "
        "front end, extractor, signal front end or pixel_shifts; build it for this experiment, "
        "which has "
        f"{_named(wanted)}, and flash it"
    )


def other_data(inputs: FleetInputs, found: Capabilities) -> str | None:
    """Why a device cannot take part whose samples are not where they are to be, or None."""
    if found.own_data and not inputs.own_data:
        return (
            "it has its samples itself and takes none from a server, but this experiment sends "
            "samples; set own_data = true, or flash firmware that takes samples from the server"
        )
    if inputs.own_data and not found.own_data:
        return (
            "its firmware has no samples of its own, but this experiment has own_data = true and "
            "sends none; flash firmware with a store of samples (docs/link.md), or set own_data = "
            "false"
        )
    if inputs.own_data and found.held_out_every != inputs.held_out_every:
        return (
            f"it holds out every {found.held_out_every}-th of its samples, but this experiment has "
            f"held_out_every = {inputs.held_out_every}; set held_out_every = "
            f"{found.held_out_every}, or flash firmware whose store is made for this experiment"
        )
    return None


def other_masks(inputs: FleetInputs, found: Capabilities) -> str | None:
    """Why a device cannot take part that has masks where it is to have none, or none, or None."""
    if inputs.device_masks and not found.mask_peers:
        return (
            "its firmware has no masks, but this experiment has privacy.device_masks = true; build "
            "it for this experiment and flash it"
        )
    if found.mask_peers and not inputs.device_masks:
        return (
            "what it has learnt leaves it under masks alone; set privacy.device_masks = true, or "
            "flash firmware without masks"
        )
    return None


def no_residuals(inputs: FleetInputs, found: Capabilities) -> str | None:
    """Why a device cannot take part that keeps nothing of its changes where it is to, or None."""
    if inputs.federation.upload.residual and not found.residuals:
        return (
            "its firmware keeps nothing of its changes, but this experiment has "
            "compression.residual = true; build it for this experiment and flash it"
        )
    return None


def require_copies_on_devices(inputs: FleetInputs) -> None:
    """Make sure that devices train on copies of samples if a simulation would.

    Raises:
        UsageError: if the firmware cannot make them.
    """
    if inputs.streams[0].copies is not None and inputs.shifts is None:
        raise UsageError(NO_COPIES)


def _with_front_end(inputs: FleetInputs, front_end: FrontEnd | None) -> int:
    """The fingerprint of firmware that differs in nothing but its front end."""
    # Late: a simulated run needs a sentence of this file, and nothing of firmware.
    from tifed.board.firmware.header import fingerprint

    federation = inputs.federation
    return fingerprint(
        inputs.network,
        federation.buffer,
        federation.batch,
        inputs.extractor,
        front_end,
        inputs.shifts,
        inputs.signal_digest,
    )


def _others(front_end: FrontEnd) -> Iterator[FrontEnd | None]:
    """No front end, and every other one that gives as many features of pictures of this size."""
    yield None
    height, width, _ = front_end.input_shape
    for name, channels in product(EDGE_FRONT_ENDS, CHANNELS):
        other = FrontEnd(name, (height, width, channels))
        if other.digest != front_end.digest and other.features == front_end.features:
            yield other


def _named(front_end: FrontEnd | None) -> str:
    """A front end in words."""
    if front_end is None:
        return "no front end"
    shape = "x".join(map(str, front_end.input_shape))
    return f"the front end {front_end.name!r} of samples of {shape} values"
