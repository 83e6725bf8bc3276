"""Instructions as so much for each kind of operation, fitted to what was measured."""

from collections.abc import Sequence

import numpy as np


def fitted(known: Sequence[tuple[Sequence[int], int]], counts: Sequence[int]) -> float:
    """Instructions of ``counts`` operations by kind.

    Args:
        known: counts that were measured, and their instructions.
        counts: of the same kinds, not all of which need be in ``known``.
    """
    # Relative errors count, so that small cases are not drowned by large ones.
    table = np.array([operations for operations, _ in known], np.float64)
    found = np.array([instructions for _, instructions in known], np.float64)
    cost = np.linalg.lstsq(table / found[:, np.newaxis], np.ones(len(known)), rcond=None)[0]
    return float(np.array(counts, np.float64) @ cost)
