"""Parameters over a line in few bytes: which form, and what the device has already (SPEC, 25)."""

from dataclasses import dataclass

import numpy as np

from tifed.federation import Federation, Job, Plan
from tifed.link import Client, DeviceRefusedError
from tifed.link.conversation import MEMORY
from tifed.link.quiet import Asked
from tifed.link.short_updates import Kept
from tifed.rule.compression import Change
from tifed.rule.compression.change import LARGEST_SHIFT
from tifed.rule.compression.packing import LARGEST, packed_size, width_of
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Parameters, Tensor

NO_ROOM = (
    "too little memory to keep what it is given beside what it makes of that, which "
    "compression.residual needs; set compression.residual = false, or flash firmware with more room"
)
"""Why a device cannot take part that is to keep a residual."""

_BEHIND = 3
"""Frames are not counted, but one that asks for a start is: it takes about so many words."""


@dataclass(frozen=True)
class Start:
    """First parameters that a device can make itself.

    Attributes:
        limits: per layer the largest magnitude of a weight.
        biases: per layer what all biases are.
        parameters: that it makes of them.
    """

    limits: tuple[int, ...]
    biases: tuple[int, ...]
    parameters: Parameters


def start_of(federation: Federation) -> Start | None:
    """What devices start with if the experiment's recipe says so; None if it names none."""
    recipe, network = federation.recipe, federation.network
    if recipe is None:
        return None
    return Start(
        recipe.start(network, None),
        recipe.start_biases(network, None),
        recipe.start_parameters(network, federation.seed),
    )


def narrowest(before: Tensor, after: Tensor) -> tuple[Integers, Change] | None:
    """The change from ``before`` to ``after`` as short numbers that lose nothing.

    Returns:
        Numbers like ``before``, and their width and shift; ``top`` is 0 if nothing has changed, and
        None if there are no such numbers.
    """
    difference = after.astype(np.int64) - before
    used = int(np.bitwise_or.reduce(np.abs(difference), axis=None))
    if used == 0:
        return difference, Change(0)
    shift = min((used & -used).bit_length() - 1, LARGEST_SHIFT)
    numbers = difference >> shift
    top = int(np.abs(numbers).max())
    return (numbers, Change(width_of(top), shift)) if top <= LARGEST else None


def configure(
    client: Client, layers: tuple[int, ...], seed: int, stay: bool, residual: bool
) -> tuple[bool, bool]:
    """Configure a device, to keep what it is given for ``layers`` if it has room for that.

    With ``residual`` it has to have it, for what is left is of the change of that.

    Returns:
        Whether it keeps it, and whether it still has the parameters that it had.

    Raises:
        DeviceRefusedError: with the code of too little memory, if it keeps ``residual``.
    """
    for its in (True, False) if stay else (False,):
        try:
            client.configure_short(layers, seed, keep=True, stay=its)
        except DeviceRefusedError as error:
            if error.code != MEMORY:
                raise
            if residual and not its:
                raise DeviceRefusedError(f"{client.name}: {NO_ROOM}", error.code) from error
        else:
            return True, its
    client.configure(layers, seed)
    return False, False


def put_layer(
    client: Client,
    number: int,
    parameters: Parameters,
    before: Parameters | None,
    start: Start | None,
) -> None:
    """Give a device one layer in the form that has the fewest bytes.

    Args:
        client: of the device.
        number: of the layer.
        parameters: that it is to have.
        before: that it has; None if that is not known.
        start: that it can make itself; None if there is none.
    """
    weight, bias = parameters.weights[number], parameters.biases[number]
    best, chosen = weight.nbytes, None
    for base in (before, None if start is None else start.parameters):
        if base is None:
            continue
        found = narrowest(base.weights[number], weight)
        if found is None:
            continue
        again = 4 * _BEHIND * (base is not before)
        size = again + (packed_size(weight.size, found[1].top) if found[1].top else 0)
        if size < best:
            best, chosen = size, (base, *found)
    if chosen is None:
        client.put_layer(number, weight, bias)
        return
    base, numbers, change = chosen
    if start is not None and base is start.parameters and base is not before:
        client.put_start(number, start.limits[number], start.biases[number])
    biases = None if np.array_equal(base.biases[number], bias) else bias
    if change.top:
        client.put_changes(number, numbers, change.top, change.shift, biases)
    elif biases is not None:
        client.put_biases(number, weight.size, biases)


def goes_up_short(plan: Plan, number: int) -> bool:
    """Whether a device can shorten a layer itself: where nobody has to clip it first."""
    return bool(plan.upload) and plan.upload[number].top > 0 and not plan.bounded


def kept(plan: Plan, job: Job) -> Kept | None:
    """What a device is to have left of its changes before ``job``; None if nobody keeps any."""
    if plan.residuals is None:
        return None
    changes = tuple(plan.upload[number] for number in job.layers)
    return Kept(int(plan.residuals.after[job.device]), changes)


def asked(plan: Plan, job: Job, sent: Parameters, federation: Federation) -> dict[int, Asked]:
    """How each layer of a job goes up, all of them short."""
    return {
        number: Asked(
            federation.network.layers[number], plan.upload[number], job.device + plan.round,
            sent.biases[number],
        )
        for number in job.layers
    }  # fmt: skip


def get_layer(
    client: Client, plan: Plan, job: Job, number: int, sent: Parameters, federation: Federation
) -> tuple[Integers, Tensor]:
    """What stands for the weights of a layer that goes up short, int64; and its biases."""
    change = plan.upload[number]
    layer = federation.network.layers[number]
    q, biases = client.get_changes(number, layer, change, job.device + plan.round)
    return stands_for(plan, number, sent, q), biases


def stands_for(plan: Plan, number: int, sent: Parameters, q: Integers) -> Integers:
    """What stands for the weights of a layer that went up as the short numbers ``q``, int64."""
    return sent.weights[number] + (q << plan.upload[number].shift)
