"""How a run's model is judged: on a split of the data set, or on what devices hold out."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, Protocol

import numpy as np

from tifed.data import Dataset
from tifed.experiment.doubts import scores, worse_than_guessing
from tifed.experiment.own_result import OwnData, OwnDevice
from tifed.experiment.result import DeviceAccuracy, HeldOut
from tifed.experiment.setup import Setup
from tifed.federation import Costs, DeviceScore
from tifed.federation.plan import SeenT, StateT
from tifed.federation.training import Training


@dataclass(frozen=True)
class Judgement:
    """What the published model of the last round is worth.

    Attributes:
        accuracy: share of the held-out samples that it classifies rightly.
        balanced_accuracy: see `tifed.experiment.result.Result`; None where it cannot be known.
        commonest_class_share: see there.
        held_out: what accuracy was measured on.
        samples: how many samples that is.
        confusion: true classes by answers; empty where it cannot be known.
        devices: how it does on each device's samples; asked for when it is read, once.
        doubts: what makes the result doubtful.
        costs: of finding out, and of what devices did after the last round.
        own: what came of a run with own data.
        own_devices: with own data a line for each device.
        test_accuracy: of the test split, where accuracy was measured on something else.
    """

    accuracy: float
    balanced_accuracy: float | None
    commonest_class_share: float | None
    held_out: HeldOut
    samples: int
    confusion: tuple[tuple[int, ...], ...]
    devices: Iterable[DeviceAccuracy]
    doubts: tuple[str, ...]
    costs: Costs = field(default_factory=Costs)
    own: OwnData | None = None
    own_devices: tuple[OwnDevice, ...] = ()
    test_accuracy: float | None = None


class Judge(Protocol[SeenT]):
    """Who says how good a model is."""

    def begin(self) -> Iterator[str]:
        """What makes the result doubtful before there is one."""

    def accuracy(self, state: SeenT) -> tuple[float | None, Costs]:
        """Of the published model between two rounds, and the cost of finding out."""

    def finish(self, state: SeenT) -> Judgement:
        """Of the published model after the last round."""


@dataclass(frozen=True)
class SplitJudge(Generic[StateT]):
    """Judges on the data set's split that is not trained on.

    Attributes:
        setup: of the run.
        training: what is judged.
        dataset: with the split.
        held_out: the split's name.
    """

    setup: Setup
    training: Training[StateT]
    dataset: Dataset
    held_out: HeldOut

    def begin(self) -> Iterator[str]:
        """Nothing."""
        yield from ()

    def accuracy(self, state: StateT) -> tuple[float, Costs]:
        """Share of held-out samples that the published model classifies rightly."""
        return split_accuracy(self.training, state, self.dataset), Costs()

    def finish(self, state: StateT) -> Judgement:
        """The same with all that follows from the answers to each sample."""
        labels, classes = self.dataset.test.labels, self.setup.network.classes
        predictions = self.training.classify(state, self.dataset.test.features)
        confusion = np.bincount(labels * classes + predictions, minlength=classes * classes)
        confusion = confusion.reshape(classes, classes)
        found = scores(confusion)
        return Judgement(
            accuracy=found.accuracy,
            balanced_accuracy=found.balanced_accuracy,
            commonest_class_share=found.commonest_class_share,
            held_out=self.held_out,
            samples=len(labels),
            confusion=tuple(map(tuple, confusion.tolist())),
            devices=device_accuracies(lambda: self.training.scores(state)),
            doubts=tuple(
                worse_than_guessing(found.accuracy, found.commonest_class_share, self.held_out)
            ),
        )


def split_accuracy(training: Training[StateT], state: StateT, dataset: Dataset) -> float:
    """Share of the samples of ``dataset.test`` that the published model classifies rightly."""
    test = dataset.test
    return float(np.mean(training.classify(state, test.features) == test.labels))


def device_accuracies(score: Callable[[], Iterable[DeviceScore]]) -> Iterator[DeviceAccuracy]:
    """Scores as a run's folder has them; ``score`` is called when the first one is read."""
    for one in score():
        yield DeviceAccuracy(device=one.device, correct=one.correct, samples=one.samples)
