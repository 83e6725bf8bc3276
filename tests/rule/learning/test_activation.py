import numpy as np
import pytest

from tifed.rule.learning.activation import activate, through_slope
from tifed.rule.network import Activation

# Both sides of each joint of pocket tanh: v, activation, inverse slope.
JOINTS = [
    (-1000, -127, 128),
    (-128, -127, 128),
    (-127, -120, 8),
    (-75, -107, 8),
    (-74, -106, 2),
    (-32, -64, 2),
    (-31, -62, 1),
    (0, 0, 1),
    (31, 62, 1),
    (32, 64, 2),
    (74, 106, 2),
    (75, 106, 8),
    (127, 119, 8),
    (128, 128, 128),
    (1000, 128, 128),
]


@pytest.mark.parametrize(("v", "value", "inverse_slope"), JOINTS)
def test_pocket_tanh_at_its_joints(v: int, value: int, inverse_slope: int) -> None:
    a, g = activate(Activation.POCKET_TANH, np.array([v]))
    assert (int(a[0]), int(g[0])) == (value, inverse_slope)


@pytest.mark.parametrize(
    ("v", "value", "flat"),
    [(-1, 0, True), (0, 0, True), (1, 1, False), (127, 127, False), (128, 127, True)],
)
def test_relu_at_its_joints(v: int, value: int, flat: bool) -> None:
    a, g = activate(Activation.RELU, np.array([v]))
    assert int(a[0]) == value
    assert int(through_slope(np.array([-5]), g)[0]) == (0 if flat else -5)


@pytest.mark.parametrize(
    ("v", "value", "sign"),
    [
        (-(2**31), 127, 0), (-128, 127, 0), (-127, 127, -1), (-1, 1, -1), (0, 0, 0),
        (1, 1, 1), (127, 127, 1), (128, 127, 0), (2**31 - 1, 127, 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("delta", [-32768, -5, 0, 7])
def test_absolute_value_at_its_joints(v: int, value: int, sign: int, delta: int) -> None:
    a, g = activate(Activation.ABSOLUTE, np.array([v]))
    assert int(a[0]) == value
    assert int(through_slope(np.array([delta]), g)[0]) == sign * delta


def test_a_negative_delta_is_divided_towards_minus_infinity() -> None:
    deltas = np.array([-1, -9, -8, 9])
    assert through_slope(deltas, np.array([128, 8, 8, 8])).tolist() == [-1, -2, -1, 1]
