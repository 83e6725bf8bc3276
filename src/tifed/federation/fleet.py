"""What the loop asks of a fleet; who does the work, and where, is the fleet's affair."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from tifed.errors import UsageError
from tifed.federation.plan import Plan
from tifed.federation.update import Update
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Parameters


@dataclass(frozen=True)
class FeatureSums:
    """Sums over samples, for the calibration round; all that leaves a device then.

    Attributes:
        total: int64 (features,), sum of each feature.
        squares: sum of the squares of all features of all samples.
        samples: how many samples are in it.
        devices: int64 (n,), whose samples.
    """

    total: Integers
    squares: int
    samples: int
    devices: Integers


@dataclass(frozen=True)
class DeviceScore:
    """How a model does on one device's own samples.

    Attributes:
        device: its number.
        correct: samples it classifies rightly.
        samples: samples it classified.
        by_class: per class how many of its samples were classified rightly, and how many there
            are; empty unless an experiment with own data asks for it, and the device tells it.
    """

    device: int
    correct: int
    samples: int
    by_class: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class DeviceCounts:
    """How many samples of its own a device has, and the fewest that its owner lets it work on.

    Attributes:
        device: its number.
        training: samples that it trains on.
        held_out: samples that it never trains on, and scores models by.
        least_training: with fewer training samples it sends no update.
        least_calibration: a calibration over fewer samples than this it refuses.
        least_held_out: with fewer held-out samples it sends no score.
    """

    device: int
    training: int
    held_out: int
    least_training: int = 1
    least_calibration: int = 1
    least_held_out: int = 1


@dataclass(frozen=True)
class PersonalWork:
    """The rounds that each device goes on with alone, from the published model (SPEC, section 17).

    Personal round p = 0.. is an exchange like any other, that nobody averages: `Federation.buffer`
    samples from position ``p * buffer``, modulo the device's own number of training samples, and
    all steps of ``local_epochs`` passes over them, with exchange number ``exchange + p``.

    Attributes:
        rounds: how many, 1..65535.
        layers: the layers that are trained, ascending.
        extra_shift: added to every update shift, in each of them.
        exchange: the number of the first: as many as the run had exchanges.
        energy_shift: added to the first layer's update shift, as in the run.
    """

    rounds: int
    layers: tuple[int, ...]
    extra_shift: int
    exchange: int
    energy_shift: int = 0


@dataclass(frozen=True)
class PersonalScore:
    """What personal rounds gave one device; all of it that leaves the device.

    Attributes:
        device: its number.
        before: held-out samples that the published model classifies rightly.
        after: held-out samples that the model after the personal rounds classifies rightly. If it
            is less than ``before``, the device has gone back to the published model.
        samples: held-out samples, 1 or more.
    """

    device: int
    before: int
    after: int
    samples: int

    @property
    def kept(self) -> int:
        """Held-out samples that the model which the device keeps classifies rightly."""
        return max(self.before, self.after)


class Fleet(Protocol):
    """Devices, wherever they are."""

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterable[FeatureSums]:
        """Feature sums over the first ``samples`` samples of each device's stream."""

    def fit(self, plan: Plan, parameters: Parameters) -> Iterable[Update]:
        """The updates of those devices in ``plan`` that answer, in any order."""

    def evaluate(self, parameters: Parameters) -> Iterable[DeviceScore]:
        """How ``parameters`` do on each device's own samples."""

    def close(self) -> None:
        """Give back what the fleet holds; calling it again does nothing."""


@runtime_checkable
class OwnDataFleet(Fleet, Protocol):
    """Devices that have their samples themselves; nobody sends them any.

    In a run with own data positions of jobs are not reduced: a device takes them modulo its own
    number of training samples, which the server does not know. `calibrate` sums the device's first
    training samples, and `evaluate` is on its held-out samples, on the device. A device that
    cannot do what it is asked, because it has too few samples for it or does not answer, is left
    out of what `calibrate`, `counts`, `evaluate` and `personalise` give, and is named with the
    reason in `Update.absent` by `fit`; the others go on.
    """

    def counts(self) -> Iterable[DeviceCounts]:
        """How many samples each device that answers has now, in any order."""

    def keep(self, parameters: Parameters, number: int) -> None:
        """Give the model that round ``number`` ended with to the devices, which keep it.

        ``number`` counts rounds that are finished, as the device's kept model has it.
        """

    def personalise(self, parameters: Parameters, work: PersonalWork) -> Iterable[PersonalScore]:
        """Let each device go on alone from ``parameters``, and say what that gave it.

        A device that has no training sample or no held-out sample, or fewer than its owner asks
        for, is left out, and keeps ``parameters``.
        """


@runtime_checkable
class InsistentFleet(Fleet, Protocol):
    """Devices behind sites that are asked again, within an exchange, if no answer comes.

    Attributes:
        again: told of the devices whose site is asked for their update once more, before it is:
            perhaps it has answered before, and has forgotten it.
    """

    again: Callable[[int, Integers], None]
    """Of a round, from 0, and devices, ascending."""


def with_own_data(fleet: Fleet) -> OwnDataFleet:
    """``fleet`` itself, if its devices can have samples of their own.

    Raises:
        UsageError: if they cannot.
    """
    if not isinstance(fleet, OwnDataFleet):
        raise UsageError(
            f"own_data: the devices of {type(fleet).__name__} are sent their samples; set own_data "
            "= false, or use a fleet that is a tifed.federation.OwnDataFleet (docs/extending.md)"
        )
    return fleet
