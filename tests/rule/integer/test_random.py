import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tifed.rule.integer import Purpose, below, permutation, random32, stream_key

seeds = st.integers(0, 2**64 - 1)


def mix(x: int) -> int:
    """SPEC 3 in plain Python integers, once more and independently; so are the two below."""
    x ^= x >> 16
    x = x * 0x7FEB352D % 2**32
    x ^= x >> 15
    x = x * 0x846CA68B % 2**32
    return x ^ x >> 16


def key_of(seed: int, *words: int) -> tuple[int, int]:
    low = mix(seed % 2**32)
    high = mix((seed >> 32) ^ low)
    for word in words:
        low = mix((low + word + 0x9E3779B9) % 2**32)
        high = mix(high ^ low)
    return low, high


def number_of(key: tuple[int, int], n: int) -> int:
    low, high = key
    return mix(mix((n + low) % 2**32) ^ high)


def test_the_numbers_are_those_of_the_specification() -> None:
    seed = 0x0123456789ABCDEF
    words = (int(Purpose.ROUNDING), 3, 2**32 - 1)
    counters = [0, 1, 2**31, 2**32 - 1]
    expected = [number_of(key_of(seed, *words), n) for n in counters]
    key = stream_key(seed, Purpose.ROUNDING, 3, 2**32 - 1)
    assert random32(key, np.array(counters)).tolist() == expected


def test_the_words_of_purposes_are_those_of_the_specification() -> None:
    names = [
        "feedback", "start", "partition", "sampling", "fault", "rounding", "baseline", "copy",
        "store",
    ]  # fmt: skip
    assert {it.name.lower(): int(it) for it in Purpose} == dict(
        zip(names, range(1, 10), strict=True)
    )


@pytest.mark.parametrize("length", [0, 1, 2, 3, 40])
def test_a_permutation_swaps_as_the_specification_says(length: int) -> None:
    key = key_of(9, int(Purpose.SAMPLING), 2)
    order = list(range(length))
    for i in range(length - 1, 0, -1):
        j = number_of(key, i) * (i + 1) >> 32
        order[i], order[j] = order[j], order[i]
    found = permutation(stream_key(9, Purpose.SAMPLING, 2), length)
    assert found.tolist() == order
    assert found.dtype == np.int64


@given(seeds, st.integers(0, 2**32 - 1), st.integers(1, 2**32 - 1))
def test_below_is_the_high_word_from_16_bit_products(seed: int, counter: int, limit: int) -> None:
    key = stream_key(seed, Purpose.FEEDBACK)
    number = int(random32(key, counter))
    a, b, c, d = number >> 16, number & 0xFFFF, limit >> 16, limit & 0xFFFF
    middle = a * d + (b * d >> 16)
    high = a * c + (middle >> 16) + ((middle & 0xFFFF) + b * c >> 16)
    assert int(below(key, counter, limit)) == high < limit


@given(seeds, st.integers(0, 50))
def test_a_permutation_holds_each_number_once(seed: int, length: int) -> None:
    order = permutation(stream_key(seed, Purpose.PARTITION), length)
    assert sorted(order.tolist()) == list(range(length))


def test_bits_are_balanced_and_streams_unrelated() -> None:
    count = 1 << 16
    streams = [
        random32(stream_key(seed, purpose, index), np.arange(count))
        for seed in (0, 1)
        for purpose in (Purpose.FEEDBACK, Purpose.START)
        for index in (0, 1)
    ]
    tolerance = 5 * np.sqrt(count) / 2  # five standard deviations
    for number, stream in enumerate(streams):
        for bit in range(32):
            ones = int(np.count_nonzero(stream >> np.uint32(bit) & np.uint32(1)))
            assert abs(ones - count / 2) < tolerance
        for other in streams[:number]:
            differing = np.unpackbits((stream ^ other).view(np.uint8)).sum()
            assert abs(int(differing) - 16 * count) < tolerance * np.sqrt(32)


def test_drawn_integers_are_uniform() -> None:
    drawn = below(stream_key(7, Purpose.FEEDBACK), np.arange(86_000), 86)
    counts = np.bincount(drawn, minlength=86)
    chi_square = float(((counts - 1000) ** 2 / 1000).sum())
    assert 40 < chi_square < 140  # 85 degrees of freedom: beyond 1e-4 on either side


@pytest.mark.parametrize(("seed", "index"), [(-1, 0), (2**64, 0), (0, -1), (0, 2**32)])
def test_what_is_out_of_range_is_refused(seed: int, index: int) -> None:
    with pytest.raises(ValueError, match=r"is not in 0\.\."):
        stream_key(seed, Purpose.FEEDBACK, index)
