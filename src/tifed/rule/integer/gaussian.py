"""Discrete Gaussian noise, exactly: whole numbers and comparisons alone (SPEC, section 22.2).

The value x comes with probability proportional to exp(-x**2 / (2 sigma**2)), for every integer x.
The method is that of Karney ("Sampling exactly from the normal distribution", 2016, algorithm D
with a mean of 0); its coins that fall with probability exp(-a / b) are those of Canonne, Kamath and
Steinke ("The Discrete Gaussian for Differential Privacy", 2020, algorithm 1).
"""

import numpy as np
from numpy.typing import NDArray

from tifed.rule.integer.rounding import Integers
from tifed.rule.integer.secret_words import Words

LARGEST_SIGMA = 1 << 24
"""Up to it no product leaves 64 bits."""

BEYOND = 64
"""So many standard deviations from 0 is a value that nobody will ever see: p < 2**-2900."""

_WORD = 1 << 64

Flags = NDArray[np.bool_]


def discrete_gaussian(words: Words, sigma: int, count: int) -> Integers:
    """Independent values around 0.

    Args:
        words: where randomness comes from.
        sigma: the parameter of the distribution, 1..`LARGEST_SIGMA`; its standard deviation to far
            more digits than anybody needs.
        count: how many.

    Returns:
        int64 (count,).

    Raises:
        ValueError: if sigma is out of range.
    """
    if not 1 <= sigma <= LARGEST_SIGMA:
        raise ValueError(f"sigma: {sigma} is not in 1..{LARGEST_SIGMA}")
    found = [np.zeros(0, np.int64)]
    missing = count
    while missing > 0:
        # Nearly half of all attempts succeed.
        values = _attempts(words, sigma, 2 * missing + 16)[:missing]
        found.append(values)
        missing -= len(values)
    return np.concatenate(found)


def _attempts(words: Words, sigma: int, count: int) -> Integers:
    """The values that ``count`` attempts give, in their order."""
    # A multiple k of sigma with probability proportional to exp(-k**2 / 2), ...
    k = _geometric(words, count)
    k = k[exponential_coins(words, k * (k - 1), np.full_like(k, 2))]
    # ... and a place j behind it, which is kept with what is still missing of the exponent.
    drawn = below_limits(words, np.full_like(k, 2 * sigma))
    j, negative = drawn >> 1, drawn & 1 == 1
    kept = ~(negative & (k == 0) & (j == 0))  # 0 has one sign only
    k, j, negative = k[kept], j[kept], negative[kept]
    variance = np.full_like(k, 2 * sigma * sigma)
    kept = exponential_coins(words, j * (2 * k * sigma + j), variance)
    values = k[kept] * sigma + j[kept]
    signed: Integers = np.where(negative[kept], -values, values)
    return signed


def _geometric(words: Words, count: int) -> Integers:
    """How often in succession a coin falls that does so with probability exp(-1/2)."""
    heads = np.zeros(count, np.int64)
    going = np.arange(count)
    while len(going):
        fell = exponential_coins(words, np.ones_like(going), np.full_like(going, 2))
        going = going[fell]
        heads[going] += 1
    return heads


def exponential_coins(words: Words, numerator: Integers, denominator: Integers) -> Flags:
    """True with probability exp(-numerator / denominator), exactly.

    Args:
        words: where randomness comes from.
        numerator: int64 (n,), 0 or more.
        denominator: int64 (n,), 1..2**52.
    """
    whole, rest = numerator // denominator, numerator % denominator
    falls = _coins_below_one(words, rest, denominator)
    # exp(-1) for each whole one: coins that have to fall as well.
    going = np.flatnonzero(falls & (whole > 0))
    done = 0
    while len(going):
        ones = np.ones_like(going)
        fell = _coins_below_one(words, ones, ones)
        falls[going[~fell]] = False
        done += 1
        going = going[fell]
        going = going[whole[going] > done]
    return falls


def _coins_below_one(words: Words, numerator: Integers, denominator: Integers) -> Flags:
    """The same for numerators that are at most their denominators, by the alternating series."""
    odd = np.ones(len(numerator), bool)
    going = np.arange(len(numerator))
    terms = 1
    while len(going):
        drawn = below_limits(words, denominator[going] * terms)
        going = going[drawn < numerator[going]]
        odd[going] ^= True
        terms += 1
    return odd


def below_limits(words: Words, limits: Integers) -> Integers:
    """Uniform integers in 0..limit-1, without the least bias: words that would give one are left.

    Args:
        words: where randomness comes from.
        limits: int64 (n,), each 1..2**63 - 1.
    """
    limit = limits.astype(np.uint64)
    drawn = words.take(len(limit))
    # The largest multiple of the limit in 2**64, minus 1; 2**64 itself is no 64-bit number.
    last = np.uint64(_WORD - 1) - (np.uint64(_WORD - 1) % limit + np.uint64(1)) % limit
    (again,) = np.nonzero(drawn > last)
    while len(again):
        drawn[again] = words.take(len(again))
        again = again[drawn[again] > last[again]]
    return (drawn % limit).astype(np.int64)
