"""What makes a run's result doubtful: said while it runs, and kept with the result."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from tifed.experiment.schema import Experiment
from tifed.federation.robust import FAR
from tifed.rule.integer.rounding import Integers


@dataclass(frozen=True)
class Doubts:
    """Sentences, in the order in which they were added; each is passed on as it comes, once.

    Attributes:
        warn: told of each.
        said: what was added so far.
    """

    warn: Callable[[str], None]
    said: list[str] = field(default_factory=list)

    def add(self, sentences: Iterator[str] | Sequence[str]) -> None:
        """Take in those that were not said yet."""
        for sentence in sentences:
            if sentence not in self.said:
                self.said.append(sentence)
                self.warn(sentence)


@dataclass(frozen=True)
class Scores:
    """How a model does on held-out samples.

    Attributes:
        accuracy: share of them that it classifies rightly.
        balanced_accuracy: mean over the classes that occur of the share of their samples that it
            classifies rightly; 1 / classes for a model that always gives the same answer.
        commonest_class_share: share of the samples that are of the commonest class: the accuracy
            of a model that always answers that one.
    """

    accuracy: float
    balanced_accuracy: float
    commonest_class_share: float


def scores(confusion: Integers) -> Scores:
    """The scores of a confusion matrix (classes, classes): rows are true, columns are answers.

    >>> scores(np.array([[6, 2], [2, 0]]))
    Scores(accuracy=0.6, balanced_accuracy=0.375, commonest_class_share=0.8)
    """
    samples, right = confusion.sum(axis=1), np.diagonal(confusion)
    occur = samples > 0
    return Scores(
        float(right.sum() / samples.sum()),
        float(np.mean(right[occur] / samples[occur])),
        float(samples.max() / samples.sum()),
    )


def before_the_run(experiment: Experiment) -> Iterator[str]:
    """What the settings alone say."""
    if experiment.batch > experiment.buffer:
        yield (
            f"batch: {experiment.batch} is more than the {experiment.buffer} samples of a buffer, "
            f"so a mini-batch has {experiment.buffer}; set batch to {experiment.buffer} or less, "
            f"or buffer to {experiment.batch} or more"
        )


def no_exchange_counted(exchanges: int) -> Iterator[str]:
    """What the number of ``exchanges`` that changed the model says."""
    if exchanges == 0:
        yield (
            "no exchange counted: no device's update was ever averaged, so the model is the one "
            "that the run began with; see the column answered of metrics.csv, and the setting "
            "minimum_devices"
        )


def worse_than_guessing(accuracy: float, commonest: float, held_out: str) -> Iterator[str]:
    """What the end says.

    Args:
        accuracy: of the published model.
        commonest: that of always answering the commonest class.
        held_out: what both were measured on.
    """
    if accuracy <= commonest:
        relation = "below" if accuracy < commonest else "no more than"
        yield (
            f"the accuracy of {accuracy:.4f} is {relation} that of always answering the "
            f"commonest class of the {held_out} samples, {commonest:.4f}: the "
            "model may have learnt nothing"
        )


def far_out(far: Integers | None, exchanges: int) -> list[str]:
    """Devices that sent updates far longer than the others'.

    Args:
        far: int64 (devices,), in how many exchanges each of them did; None if nobody looked.
        exchanges: of the run.
    """
    if far is None:
        return []
    return [
        f"device {device} sent updates more than {FAR} times as long as is usual in "
        f"{far[device]} of {exchanges} exchanges; each was scaled down to the bound, but see "
        "whether the device is faulty or its samples are wrong"
        for device in np.flatnonzero(far).tolist()
    ]
