"""The bytes of a store that was filled in advance, for a board's flash."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tifed.rule.store.oracle import format_store
from tifed.rule.store.shape import Policy, StoreShape


def store_image(
    samples: NDArray[np.int8],
    labels: Sequence[int | None] | NDArray[np.integer],
    classes: int,
    *,
    held_out_every: int,
    records: int | None = None,
    policy: Policy = Policy.NEWEST,
    seed: int = 0,
) -> bytes:
    """What a device's memory holds after these samples have arrived in this order.

    Args:
        samples: int8 (N, inputs).
        labels: of each its class, or None for one that nobody has named.
        classes: labels are 0..classes-1.
        held_out_every: every such sample is held out.
        records: samples that the store has room for; as many as make it keep all if not given.
        policy: which samples stay where there are more than that.
        seed: of the choice of `Policy.UNIFORM`.

    Returns:
        As many bytes as `StoreShape.bytes` says.

    Raises:
        ValueError: if there is no sample, or not a label for each, or a number is out of range.

    >>> image = store_image(np.zeros((10, 3), np.int8), [0, 1] * 5, 2, held_out_every=5)
    >>> len(image) == StoreShape(3, 10, 2).bytes
    True
    """
    if samples.ndim != 2 or len(samples) == 0 or len(samples) != len(labels):
        raise ValueError(
            f"labels: {len(labels)} for samples of shape {samples.shape}; a store takes a row of "
            "values and a label for each sample, of which there has to be one"
        )
    if records is None:
        records = records_for(len(samples), held_out_every)
    shape = StoreShape(samples.shape[1], records, classes, held_out_every, policy, seed)
    store = format_store(shape)
    for values, label in zip(samples, labels, strict=True):
        store.add(values, None if label is None else int(label))
    return bytes(store.memory)


def records_for(samples: int, held_out_every: int) -> int:
    """The fewest records with which a store keeps the first ``samples`` that arrive.

    >>> records_for(10, 5), records_for(3, 5)
    (10, 4)
    """
    return samples if samples >= held_out_every else samples + 1
