import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tifed.rule.integer import Rounding, divide, isqrt, saturate, shift_right

values = st.integers(-(2**31), 2**31 - 1)
divisors = st.integers(1, 2**24)


@given(values, divisors)
def test_each_rounding_is_what_exact_fractions_say(value: int, divisor: int) -> None:
    exact = Fraction(value, divisor)
    number = np.array([value])
    assert divide(number, divisor, Rounding.FLOOR)[0] == math.floor(exact)
    assert divide(number, divisor, Rounding.TOWARD_ZERO)[0] == math.trunc(exact)
    nearest = math.floor(exact + Fraction(divisor // 2, divisor))
    assert divide(number, divisor, Rounding.NEAREST)[0] == nearest


@given(values, st.integers(0, 24))
def test_a_shift_divides_by_its_power_of_two(value: int, shift: int) -> None:
    number = np.array([value])
    for rounding in (Rounding.FLOOR, Rounding.NEAREST, Rounding.TOWARD_ZERO):
        assert shift_right(number, shift, rounding) == divide(number, 1 << shift, rounding)


@given(values, st.integers(0, 16), st.integers(0, 2**32 - 1))
def test_stochastic_rounding_gives_a_neighbour_and_uses_the_low_bits(
    value: int, shift: int, bits: int
) -> None:
    number, random_bits = np.array([value]), np.array([bits], np.uint32)
    rounded = int(shift_right(number, shift, Rounding.STOCHASTIC, random_bits)[0])
    fraction = value & ((1 << shift) - 1)
    up = fraction + (bits & ((1 << shift) - 1)) >= 1 << shift
    assert rounded == (value >> shift) + up


def test_stochastic_rounding_is_unbiased() -> None:
    bits = np.arange(1 << 10, dtype=np.uint32)
    rounded = shift_right(np.full(1 << 10, -333), 10, Rounding.STOCHASTIC, bits)
    assert int(rounded.sum()) == -333


def test_stochastic_rounding_asks_for_random_bits() -> None:
    with pytest.raises(ValueError, match="random_bits"):
        shift_right(np.array([1]), 1, Rounding.STOCHASTIC)
    with pytest.raises(ValueError, match="shift_right"):
        divide(np.array([1]), 2, Rounding.STOCHASTIC)


@given(st.lists(values, min_size=1), st.integers(0, 2**31 - 1))
def test_saturation_limits_and_counts(numbers: list[int], bound: int) -> None:
    limited, changed = saturate(np.array(numbers, np.int64), bound)
    assert limited.tolist() == [max(-bound, min(bound, number)) for number in numbers]
    assert changed == sum(abs(number) > bound for number in numbers)


@given(st.integers(0, 2**32 - 1))
def test_isqrt(value: int) -> None:
    root = isqrt(value)
    assert root * root <= value < (root + 1) ** 2
