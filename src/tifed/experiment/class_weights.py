"""An experiment's class weights: a device meets its samples of rare classes more often."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tifed.data import Dataset
from tifed.data.partition import Partition
from tifed.errors import UsageError
from tifed.experiment.schema import MOST_REPETITIONS, Experiment
from tifed.rule.integer.rounding import Integers

_PLACES = int(np.lcm.reduce(np.arange(1, MOST_REPETITIONS + 1)))
"""Between two neighbours of a stream, so that every number of repetitions divides it."""


def stream_orders(
    experiment: Experiment, partition: Partition, dataset: Dataset
) -> tuple[NDArray[np.int64], ...]:
    """Per device which training samples its stream has, and when: int64 (n,).

    Raises:
        UsageError: if the class weights are not one for each class of the data.
    """
    weights = experiment.class_weights
    if weights is None:
        return partition.indices
    if weights != "balanced" and len(weights) != dataset.classes:
        raise UsageError(
            f"class_weights: {len(weights)} numbers, but {dataset.name!r} has {dataset.classes} "
            "classes; give one number for each class, or write 'balanced'"
        )
    labels = dataset.train.labels
    return tuple(
        owned[repeated(repetitions(weights, labels[owned], dataset.classes)[labels[owned]])]
        for owned in partition.indices
    )


def repetitions(
    weights: Literal["balanced"] | tuple[int, ...], labels: NDArray[np.int32], classes: int
) -> Integers:
    """How often one device meets each of its samples, by class (SPEC, 6).

    Args:
        weights: of the experiment.
        labels: int32 (n,), the classes of the device's own samples.
        classes: C.

    Returns:
        int64 (C,), each 1..`MOST_REPETITIONS`; 1 for a class that the device does not have.

    >>> repetitions("balanced", np.array([0, 0, 0, 0, 0, 1, 1], np.int32), 3).tolist()
    [1, 3, 1]
    """
    if weights != "balanced":
        return np.array(weights, np.int64)
    counts = np.bincount(labels, minlength=classes).astype(np.int64)
    divisor = np.maximum(counts, 1)
    found = np.minimum((counts.max() + divisor // 2) // divisor, MOST_REPETITIONS)
    return np.where(counts > 0, found, 1)


def repeated(times: Integers) -> NDArray[np.int64]:
    """The order of a stream in which sample i stands ``times[i]`` times, evenly spread (SPEC, 6).

    Args:
        times: int64 (n,), each 1..`MOST_REPETITIONS`.

    Returns:
        int64 (sum of ``times``,), entries 0..n-1.

    >>> repeated(np.array([1, 2, 1, 1])).tolist()
    [0, 1, 2, 3, 1]
    """
    count = len(times)
    sample = np.repeat(np.arange(count), times)
    copy = np.arange(len(sample)) - np.repeat(np.cumsum(times) - times, times)
    place = (_PLACES * sample + copy * (_PLACES // times[sample]) * count) % (_PLACES * count)
    return sample[np.lexsort((copy, place))]
