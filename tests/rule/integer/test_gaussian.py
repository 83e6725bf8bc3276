"""Noise that is exactly what it says: against exact tables, with a fixed seed."""

from decimal import Decimal, getcontext

import numpy as np
import pytest
from scipy.stats import chi2

from tifed.rule.integer.gaussian import (
    BEYOND,
    LARGEST_SIGMA,
    below_limits,
    discrete_gaussian,
    exponential_coins,
)
from tifed.rule.integer.rounding import Integers
from tifed.rule.integer.secret_words import SecretWords, SeededWords

COUNT = 200_000
SURE = 1e-4
"""A right sampler fails with this probability, once: the seed is fixed."""


def exact_table(sigma: int) -> list[tuple[int, Decimal]]:
    """Every value that comes up at all, and its probability to 40 digits."""
    getcontext().prec = 40
    values = range(-12 * sigma, 12 * sigma + 1)
    weights = [(Decimal(-x * x) / (2 * sigma * sigma)).exp() for x in values]
    whole = sum(weights)
    return [(x, weight / whole) for x, weight in zip(values, weights, strict=True)]


def p_value(drawn: Integers, sigma: int) -> float:
    """Of Pearson's test; neighbouring values are put together until fifty are expected."""
    observed, expected = [0.0], [0.0]
    counts = dict(zip(*(x.tolist() for x in np.unique(drawn, return_counts=True)), strict=True))
    for value, probability in exact_table(sigma):
        if expected[-1] >= 50:
            observed.append(0)
            expected.append(0)
        observed[-1] += counts.pop(value, 0)
        expected[-1] += len(drawn) * float(probability)
    assert not counts
    # The last group may be a small one.
    observed[-2:], expected[-2:] = [sum(observed[-2:])], [sum(expected[-2:])]
    distance = sum((o - e) ** 2 / e for o, e in zip(observed, expected, strict=True))
    return float(chi2.sf(distance, len(observed) - 1))


@pytest.mark.parametrize("sigma", [1, 2, 3, 7, 50, 300])
def test_noise_has_the_probabilities_of_an_exact_table(sigma: int) -> None:
    assert p_value(discrete_gaussian(SeededWords(1, sigma), sigma, COUNT), sigma) > SURE


def test_secret_noise_has_them_as_well() -> None:
    """Of 1 and 2, where a table is short; it fails once in ten million times."""
    for sigma in (1, 2):
        assert p_value(discrete_gaussian(SecretWords(), sigma, COUNT), sigma) > 1e-7


@pytest.mark.parametrize(
    ("sigma", "off"),
    [
        (50, lambda drawn: discrete_gaussian(SeededWords(1, 50), 51, COUNT)),  # 2 % wider
        (50, lambda drawn: np.where(drawn == 0, 1, drawn)),  # without 0
        (3, lambda drawn: drawn + (np.arange(len(drawn)) % 10 == 0)),  # one in ten moved by 1
        (2, lambda drawn: np.rint(np.random.default_rng(1).normal(0, 2, len(drawn))).astype(int)),
    ],
)  # fmt: skip
def test_the_test_sees_what_is_nearly_right(sigma: int, off: object) -> None:
    drawn = discrete_gaussian(SeededWords(1, sigma), sigma, COUNT)
    assert p_value(off(drawn), sigma) < SURE  # type: ignore[operator]


@pytest.mark.parametrize(
    ("numerator", "denominator"), [(0, 7), (1, 2), (1, 1), (3, 4), (7, 3), (20, 4)]
)
def test_coins_fall_as_often_as_they_say(numerator: int, denominator: int) -> None:
    words = SeededWords(2, numerator, denominator)
    above, below = np.full(COUNT, numerator), np.full(COUNT, denominator)
    fell = int(exponential_coins(words, above, below).sum())
    p = float((Decimal(-numerator) / denominator).exp())
    assert abs(fell - COUNT * p) <= 4 * (COUNT * p * (1 - p)) ** 0.5


def test_no_value_comes_more_often_because_of_the_words_that_are_left_over() -> None:
    """Plain remainders would give the lower two thirds three times for two of the others."""
    limit = 3 << 61
    drawn = below_limits(SeededWords(3), np.full(COUNT, limit))
    low = int((drawn < limit // 3).sum())
    assert drawn.min() >= 0
    assert drawn.max() < limit
    assert abs(low - COUNT / 3) <= 4 * (COUNT * 2 / 9) ** 0.5


def test_the_widest_noise_stays_in_64_bits() -> None:
    drawn = discrete_gaussian(SeededWords(4), LARGEST_SIGMA, COUNT)
    assert abs(drawn.std() / LARGEST_SIGMA - 1) < 0.01
    assert abs(drawn).max() < BEYOND * LARGEST_SIGMA
    for wrong in (0, LARGEST_SIGMA + 1):
        with pytest.raises(ValueError, match=f"sigma: {wrong} is not in"):
            discrete_gaussian(SeededWords(4), wrong, 1)


def test_secret_words_never_come_again_and_seeded_ones_do() -> None:
    secret, seeded = SecretWords(), SeededWords(5, 6)
    assert not np.array_equal(secret.take(4), secret.take(4))
    first, second = seeded.take(4), seeded.take(4)
    assert not np.array_equal(first, second)
    again = SeededWords(5, 6)
    assert np.array_equal(first, again.take(4))
    assert np.array_equal(second, again.take(4))
    assert not np.array_equal(first, SeededWords(5, 7).take(4))


def test_no_noise_is_no_work() -> None:
    assert discrete_gaussian(SecretWords(), 5, 0).shape == (0,)
