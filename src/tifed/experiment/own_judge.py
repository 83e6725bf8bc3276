"""Judges a model by what devices hold out of their own data, and lets them keep it in the end."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol

from tifed.baselines.float_costs import WORD
from tifed.errors import RunError
from tifed.experiment.doubts import worse_than_guessing
from tifed.experiment.judge import Judgement, device_accuracies, split_accuracy
from tifed.experiment.own_result import Learnt, OwnData, personal_outcome, worst_tenth
from tifed.experiment.setup import Setup
from tifed.federation import (
    Costs,
    DeviceCounts,
    DeviceScore,
    OwnDataFleet,
    PersonalScore,
    ServerState,
    personal_work,
    published,
    with_own_data,
)
from tifed.federation.costs import (
    download_bytes,
    evaluation_costs,
    keep_costs,
    personal_costs,
)
from tifed.federation.plan import SeenT, StateT
from tifed.federation.training import Training
from tifed.fleets.inputs import device_score

_NAMED = 8
"""Devices that a sentence names; of more it says how many."""


class Asked(Protocol[SeenT]):
    """The devices of a run with own data, as the server asks them."""

    @property
    def model_bytes(self) -> int:
        """Bytes of the model as it is sent."""

    def counts(self) -> Iterable[DeviceCounts]:
        """How many samples each device has that answers."""

    def scores(self, state: SeenT) -> Iterable[DeviceScore]:
        """How the published model does on each device's held-out samples."""

    def end(self, state: SeenT) -> tuple[Sequence[PersonalScore], Costs]:
        """Let the devices keep the published model and make their personal rounds."""


@dataclass(frozen=True)
class AskedDevices:
    """Devices that compute integers.

    Attributes:
        setup: of the run.
    """

    setup: Setup

    @property
    def model_bytes(self) -> int:
        """Bytes of the model as it is sent."""
        return download_bytes(self.setup.network)

    def counts(self) -> Iterable[DeviceCounts]:
        """How many samples each device has that answers."""
        return self._fleet.counts()

    def scores(self, state: ServerState) -> Iterable[DeviceScore]:
        """How the published model does on each device's held-out samples."""
        return self._fleet.evaluate(published(self.setup.federation.server, state))

    def end(self, state: ServerState) -> tuple[Sequence[PersonalScore], Costs]:
        """Let the devices keep the published model and make their personal rounds."""
        federation = self.setup.federation
        model = published(federation.server, state)
        self._fleet.keep(model, state.round)
        costs = keep_costs(federation.network, federation.devices)
        work = personal_work(federation, state)
        if work is None:
            return (), costs
        found = sorted(self._fleet.personalise(model, work), key=lambda score: score.device)
        visited = federation.buffer * federation.local_epochs
        return found, costs + personal_costs(federation.network, visited, work, found)

    @property
    def _fleet(self) -> OwnDataFleet:
        return with_own_data(self.setup.fleet)


@dataclass(frozen=True)
class ComparedDevices(Generic[StateT]):
    """The devices that a baseline only imagines: their samples are here.

    Attributes:
        setup: of the run.
        training: the baseline.
    """

    setup: Setup
    training: Training[StateT]

    @property
    def model_bytes(self) -> int:
        """Bytes of the model in float32."""
        return WORD * self.setup.network.parameter_count

    def counts(self) -> Iterator[DeviceCounts]:
        """How many samples each device has."""
        return self.setup.inputs.counts(range(self.setup.federation.devices))

    def scores(self, state: StateT) -> Iterator[DeviceScore]:
        """How the published model does on each device's held-out samples."""
        for device, stream in enumerate(self.setup.inputs.held_out):
            if len(stream):
                yield device_score(
                    device, *stream.own(), lambda samples: self.training.classify(state, samples)
                )

    def end(self, state: StateT) -> tuple[Sequence[PersonalScore], Costs]:
        """Nothing: nobody keeps a baseline's model."""
        del state
        return (), Costs()


@dataclass
class OwnJudge(Generic[StateT]):
    """Judges on what devices hold out.

    Attributes:
        setup: of the run.
        training: what is judged.
        asked: who is asked.
        evaluate_every: rounds from one evaluation to the next.
    """

    setup: Setup
    training: Training[StateT]
    asked: Asked[StateT]
    evaluate_every: int
    _first: Mapping[int, DeviceCounts] = field(default_factory=dict, init=False)
    _newest: tuple[int, tuple[DeviceScore, ...]] | None = field(default=None, init=False)

    def begin(self) -> Iterator[str]:
        """Ask how many samples there are; who cannot take part, by name."""
        self._first = {counts.device: counts for counts in self.asked.counts()}
        yield from lacking(self._first, self.setup.federation.devices)

    def accuracy(self, state: StateT) -> tuple[float | None, Costs]:
        """Right ones of all held-out samples of the devices that answer; None if nobody does."""
        found, costs = self._scores(state)
        samples = sum(score.samples for score in found)
        return (sum(score.correct for score in found) / samples if samples else None), costs

    def finish(self, state: StateT) -> Judgement:
        """Score the model for the last time, let devices keep it, and let them go on alone.

        Raises:
            RunError: if no device scores it.
        """
        costs = Costs()
        found: tuple[DeviceScore, ...] = ()
        if self._newest is not None and self._newest[0] == state.round:
            found = self._newest[1]
        else:
            found, spent = self._scores(state)
            # A run that goes on after its last round has counted these in that round.
            costs += spent if state.round % self.evaluate_every else Costs()
        samples = sum(score.samples for score in found)
        if not samples:
            raise RunError(
                "no device has scored the model of the last round, so its accuracy is unknown; see "
                "that devices with held-out samples can be reached, and go on with the run"
            )
        personal, spent = self.asked.end(state)
        last = {counts.device: counts for counts in self.asked.counts()}
        learnt = Learnt(
            self._first, last, {one.device: one for one in found},
            {one.device: one for one in personal},
        )  # fmt: skip
        accuracy = sum(score.correct for score in found) / samples
        balanced, commonest = by_class(found, self.setup.network.classes)
        data = self.setup.data
        doubts = () if commonest is None else worse_than_guessing(accuracy, commonest, "held-out")
        return Judgement(
            accuracy=accuracy,
            balanced_accuracy=balanced,
            commonest_class_share=commonest,
            held_out="devices",
            samples=samples,
            confusion=(),
            devices=device_accuracies(lambda: found),
            doubts=tuple(doubts),
            costs=costs + spent,
            own=OwnData(
                on_devices=data is None,
                held_out_every=self.setup.inputs.held_out_every,
                devices_scored=len(found),
                worst_tenth=worst_tenth(found),
                personal=personal_outcome(personal),
            ),
            own_devices=learnt.table(self.setup.federation.devices),
            test_accuracy=(
                None if data is None else split_accuracy(self.training, state, data.dataset)
            ),
        )

    def _scores(self, state: StateT) -> tuple[tuple[DeviceScore, ...], Costs]:
        """The scores of the devices that have any samples to score on, ascending, and the cost."""
        given = (score for score in self.asked.scores(state) if score.samples)
        found = tuple(sorted(given, key=lambda score: score.device))
        self._newest = (state.round, found)
        network, devices = self.setup.network, self.setup.federation.devices
        return found, evaluation_costs(network, devices, self.asked.model_bytes, found)


def by_class(found: Sequence[DeviceScore], classes: int) -> tuple[float | None, float | None]:
    """Balanced accuracy and the commonest class's share, if all devices scored by class.

    >>> by_class([DeviceScore(0, 2, 4, ((1, 1), (1, 3)))], 2)
    (0.6666666666666666, 0.75)
    """
    if any(len(score.by_class) != classes for score in found):
        return None, None
    right = [sum(score.by_class[one][0] for score in found) for one in range(classes)]
    of = [sum(score.by_class[one][1] for score in found) for one in range(classes)]
    shares = [x / y for x, y in zip(right, of, strict=True) if y]
    return sum(shares) / len(shares), max(of) / sum(of)


def lacking(counts: Mapping[int, DeviceCounts], devices: int) -> Iterator[str]:
    """Who cannot take part in what, as sentences.

    >>> list(lacking({0: DeviceCounts(0, 5, 1), 1: DeviceCounts(1, 0, 0)}, 2))[0][:38]
    'device 1 has too few training samples '
    """
    silent = [device for device in range(devices) if device not in counts]
    if silent:
        yield (
            f"{_devices(silent)} did not say how many samples of its own it has, and is left out "
            "until it answers"
        )
    idle = [n for n, its in counts.items() if its.training < max(1, its.least_training)]
    if idle:
        yield (
            f"{_devices(idle)} has too few training samples to train, and is left out until it has "
            "more"
        )
    unscored = [n for n, its in counts.items() if its.held_out < max(1, its.least_held_out)]
    if unscored:
        yield (
            f"{_devices(unscored)} has too few held-out samples to score a model, and is not in "
            "the accuracy"
        )


def _devices(numbers: Sequence[int]) -> str:
    """Devices by name, as the beginning of a sentence about each.

    >>> _devices([3]), _devices([1, 2])
    ('device 3', 'each of the devices 1, 2')
    """
    if len(numbers) == 1:
        return f"device {numbers[0]}"
    named = ", ".join(map(str, sorted(numbers)[:_NAMED]))
    more = len(numbers) - _NAMED
    return f"each of the devices {named}" + (f" and {more} more" if more > 0 else "")
