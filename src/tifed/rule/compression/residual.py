"""What of a change was too small to go up, kept for the next time (SPEC, section 25.8)."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tifed.rule.integer import Rounding, saturate, shift_right
from tifed.rule.integer.rounding import Integers

if TYPE_CHECKING:
    from tifed.rule.compression.change import Change

AnyIntegers = NDArray[np.integer[Any]]

RESIDUAL_TOP = 127
"""Largest magnitude of a residual."""

_BITS = 7


def unit_for(shift: int) -> int:
    """The bits by which a residual is coarser than a weight, with shifts up to ``shift``.

    >>> [unit_for(shift) for shift in (0, 7, 8, 14)]
    [0, 0, 1, 7]
    """
    return max(0, shift - _BITS)


def with_residual(
    sent: AnyIntegers, trained: AnyIntegers, residual: AnyIntegers, change: "Change"
) -> tuple[Integers, NDArray[np.int8]]:
    """The short number of each weight, and what is left of its change for the next time.

    Args:
        sent: what the device was sent, any shape.
        trained: what it has made of that, of the same shape.
        residual: what it had left, up to 127 in magnitude, in units of 2 to the ``change.unit``.
        change: how it goes up; its ``top`` is not 0, and its ``unit`` not None.

    Returns:
        q, int64, up to ``change.top`` in magnitude, and the residual, int8, up to 127.

    Raises:
        ValueError: if ``change`` keeps no residual.
    """
    if change.unit is None:
        raise ValueError("change: has no unit for residuals")
    wanted = trained.astype(np.int64) - sent + (residual.astype(np.int64) << change.unit)
    q, _ = saturate(shift_right(wanted, change.shift, Rounding.TOWARD_ZERO), change.top)
    left = shift_right(wanted - (q << change.shift), change.unit, Rounding.TOWARD_ZERO)
    kept, _ = saturate(left, RESIDUAL_TOP)
    return q, kept.astype(np.int8)
