"""Settings of runs in which each device has its samples itself, and what does not go with them."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tifed.data.partition.settings import Iid
from tifed.experiment.fleet_kind import FleetKind
from tifed.rule.integer.rounding import Integers

if TYPE_CHECKING:
    from tifed.experiment.schema import Experiment

ON_DEVICES = "on-devices"
"""The ``dataset`` of an experiment whose samples are on the devices alone."""

HELD_OUT_EVERY = 5
"""One of so many samples is held out where an experiment does not say."""

NO_DATA_HERE = (
    f"dataset: {ON_DEVICES!r} means that the samples are on the devices alone; name a data set to "
    "look at its samples here"
)
"""Why samples cannot be shown or counted."""

NEEDS_DEVICES = (
    f"dataset: {ON_DEVICES!r} means that the samples are on devices that are reached over lines; "
    "use fleet = 'linked' with link.devices, a gateway, or Flower with gateways; or name a data "
    "set, which is then dealt to the devices that are simulated or emulated"
)
"""Why a run without such devices cannot begin."""


def split_orders(
    stored: Sequence[Integers], every: int
) -> tuple[tuple[Integers, ...], tuple[Integers, ...]]:
    """Per device which samples it trains on and which it holds out, of those that it stored.

    The sample that arrived as number i, from 0, is held out if ``i mod every`` is ``every - 1``.

    >>> training, held_out = split_orders([np.array([7, 3, 9, 1])], 2)
    >>> training[0].tolist(), held_out[0].tolist()
    ([7, 9], [3, 1])
    """
    arrived = [np.arange(len(order)) % every == every - 1 for order in stored]
    training = tuple(order[~out] for order, out in zip(stored, arrived, strict=True))
    return training, tuple(order[out] for order, out in zip(stored, arrived, strict=True))


def check_own_data(experiment: "Experiment", kind: FleetKind) -> None:
    """Make sure that the other settings go with ``own_data``, or do without it.

    Raises:
        ValueError: naming the field that does not.
    """
    for problem in _problems(experiment, kind):
        raise ValueError(problem)


def _problems(experiment: "Experiment", kind: FleetKind) -> Iterator[str]:
    """What is wrong, the most general first."""
    personal = experiment.personal
    if not personal.rounds and personal != type(personal)():
        yield "personal: its other settings go with personal.rounds, and only with it"
    if not experiment.own_data:
        yield from _without(experiment)
        return
    if not kind.keeps_data:
        yield (
            f"own_data: the devices of fleet = {experiment.fleet!r} are sent their samples; set "
            "own_data = false, or use fleet = 'simulated', 'emulated' or 'linked'"
        )
    if experiment.at_end != "restart":
        yield (
            "at_end: with own_data the server does not know when a device has used all its "
            "samples; leave at_end = 'restart'"
        )
    if experiment.class_weights is not None:
        yield (
            "class_weights: with own_data a device trains on its samples in the order in which it "
            "has stored them, each as often as any other; leave class_weights out"
        )
    if experiment.held_out != "test":
        yield (
            "held_out: with own_data accuracy is measured on what devices hold out, which is taken "
            "from the training samples; leave held_out = 'test'"
        )
    if experiment.personal.rounds and experiment.baseline is not None:
        yield (
            f"personal.rounds: baseline = {experiment.baseline!r} has no personal rounds; leave "
            "one of them out"
        )
    if experiment.dataset == ON_DEVICES:
        yield from _on_devices(experiment)


def _without(experiment: "Experiment") -> Iterator[str]:
    """What goes with own data, and only with it."""
    for name, given in (
        (f"dataset: {ON_DEVICES!r}", experiment.dataset == ON_DEVICES),
        ("held_out_every:", experiment.held_out_every != HELD_OUT_EVERY),
        ("report_classes:", experiment.report_classes),
        ("personal.rounds:", experiment.personal.rounds > 0),
    ):
        if given:
            yield f"{name} goes with own_data = true, and only with it"


def _on_devices(experiment: "Experiment") -> Iterator[str]:
    """What needs samples where nobody here has any."""
    if experiment.layers is None:
        yield (
            f"layers: with dataset = {ON_DEVICES!r} the network does not follow from data; give "
            "the number of features, the units of each hidden layer and the number of classes, "
            "such as [64, 32, 10]"
        )
    if experiment.baseline is not None:
        yield (
            f"baseline: {experiment.baseline!r} needs the samples here, but dataset = "
            f"{ON_DEVICES!r}; name a data set, or leave baseline out"
        )
    for name, given in (
        ("extractor", experiment.extractor is not None),
        ("pixel_shifts", experiment.pixel_shifts),
        ("partition", experiment.partition != Iid()),
    ):
        if given:
            yield (
                f"{name}: needs to see the samples, but with dataset = {ON_DEVICES!r} they are on "
                f"the devices alone; leave {name} out"
            )
