"""Activations and their slopes (SPEC, section 5.2)."""

import numpy as np

from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Activation


def activate(activation: Activation, v: Integers) -> tuple[Integers, Integers]:
    """Activation and inverse slope of rescaled sums.

    A delta is divided by the inverse slope, floor; where ReLU and absolute value are flat the
    inverse slope is 0, which stands for a delta of 0.

    Args:
        activation: which one.
        v: int64, any shape.

    Returns:
        Activations and inverse slopes, int64, shape of ``v``.

    >>> [row.tolist() for row in activate(Activation.POCKET_TANH, np.array([-128, -127, 0, 128]))]
    [[-127, -120, 0, 128], [128, 8, 1, 128]]
    """
    if activation is Activation.RELU:
        return np.clip(v, 0, 127), ((v > 0) & (v <= 127)).astype(np.int64)
    if activation is Activation.ABSOLUTE:
        return np.minimum(np.abs(v), 127), np.where(np.abs(v) <= 127, np.sign(v), 0)
    if activation is Activation.IDENTITY:
        return v, np.ones_like(v)
    # PocketNN's seven pieces, each up to (not including) its joint; the published constants are
    # 128 above and -127 below.
    joints = [v < -127, v < -74, v < -31, v < 32, v < 75, v < 128]
    values = [np.full_like(v, -127), v // 4 - 88, v - 32, 2 * v, v + 32, v // 4 + 88]
    slopes = [128, 8, 2, 1, 2, 8]
    return np.select(joints, values, 128), np.select(joints, slopes, 128)


def through_slope(delta: Integers, inverse_slope: Integers) -> Integers:
    """``delta // inverse_slope``, and 0 where the inverse slope is 0.

    >>> through_slope(np.array([-5, -5, -5, -5]), np.array([1, 2, 0, -1])).tolist()
    [-5, -3, 0, 5]
    """
    return np.where(inverse_slope != 0, delta // np.where(inverse_slope != 0, inverse_slope, 1), 0)
