"""The field GF(2**128) with the polynomial x**128 + x**7 + x**2 + x + 1, in whole numbers.

A polynomial over GF(2) is a whole number with one byte for each coefficient, 0 or 1. A product of
such numbers has in each byte how many pairs of coefficients meet there. That is at most 128 if one
of both has no more coefficients, so no byte carries into the next, and its lowest bit is the
coefficient of the product. Python multiplies numbers of so many bits far faster than it could
shift and add them bit by bit.
"""

from collections.abc import Iterable, Sequence
from functools import reduce

DEGREE = 128
BYTES = DEGREE // 8
"""Of an element."""
_FOLD = (0, 8, 16, 56)
"""By how many bits what is beyond the field is added again: x**128 is 1 + x + x**2 + x**7."""
_LOW = (1 << 8 * DEGREE) - 1
_ONES = int.from_bytes(b"\1" * 2 * DEGREE, "little")
"""The lowest bit of each byte of a product."""


def element(data: bytes) -> int:
    """The element that ``data`` is, 16 bytes whose last bit is the coefficient of 1."""
    bits = f"{int.from_bytes(data, 'big'):0128b}"
    return int.from_bytes(bytes.fromhex("".join("0" + bit for bit in bits)), "big")


def small(number: int) -> int:
    """The element whose coefficients are the bits of ``number`` < 2**128."""
    return element(number.to_bytes(BYTES, "big"))


def data_of(value: int) -> bytes:
    """The 16 bytes of an element."""
    bits = value.to_bytes(DEGREE, "big").translate(bytes(range(48, 50)) + bytes(254))
    return int(bits, 2).to_bytes(BYTES, "big")


def times(one: int, other: int) -> int:
    """The product of two elements."""
    product = one * other & _ONES
    while high := product >> 8 * DEGREE:
        product &= _LOW
        for bits in _FOLD:
            product ^= high << bits
    return product


def product(values: Iterable[int]) -> int:
    """The product of elements; 1 of none."""
    return reduce(times, values, 1)


def inverse(value: int) -> int:
    """What gives 1 times ``value``, which is not 0: its power of 2**128 - 2."""
    result, power = 1, value
    for _ in range(DEGREE - 1):
        power = times(power, power)
        result = times(result, power)
    return result


def inverses(values: Sequence[int]) -> list[int]:
    """The inverses of elements, for little more than that of one (Montgomery's trick)."""
    before = [1]
    for value in values:
        before.append(times(before[-1], value))
    left, found = inverse(before.pop()), list[int]()
    for value in reversed(values):
        found.append(times(left, before.pop()))
        left = times(left, value)
    return found[::-1]
