"""Instructions as so much for each kind of operation, fitted to what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tifed.plan.figure import Figure, Source


@dataclass(frozen=True)
class Known:
    """Something whose instructions were measured.

    Attributes:
        same: whether it is the very thing that is asked for.
        counts: its operations by kind.
        instructions: that they took.
    """

    same: bool
    counts: Sequence[int]
    instructions: int


def estimated(known: Sequence[Known], counts: Sequence[int], otherwise: float) -> Figure:
    """Instructions of ``counts`` operations by kind.

    Args:
        known: what was measured; what is the same is what it took, else they are fitted.
        counts: of the same kinds, not all of which need be in ``known``.
        otherwise: where nothing was measured.
    """
    for one in known:
        if one.same:
            return Figure(one.instructions, Source.MEASURED)
    if not known:
        return Figure(round(otherwise), Source.MODELLED)
    # Relative errors count, so that small cases are not drowned by large ones.
    table = np.array([one.counts for one in known], np.float64)
    found = np.array([one.instructions for one in known], np.float64)
    cost = np.linalg.lstsq(table / found[:, np.newaxis], np.ones(len(known)), rcond=None)[0]
    return Figure(round(float(np.array(counts, np.float64) @ cost)), Source.MODELLED)
