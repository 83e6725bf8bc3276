"""The field of shares, against its definition: bit by bit, and by its laws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tifed.secure_aggregation.field import data_of, element, inverse, inverses, small, times

elements = st.binary(min_size=16, max_size=16)
MODULUS = 1 << 128 | 0b10000111


def slowly(one: int, other: int) -> int:
    """Shift, add, and take off the modulus wherever it is exceeded."""
    result = 0
    for bit in range(128):
        if other >> bit & 1:
            result ^= one
        one <<= 1
        if one >> 128:
            one ^= MODULUS
    return result


@given(one=elements, other=elements)
def test_a_product_is_that_of_the_polynomials_modulo_the_fields(one: bytes, other: bytes) -> None:
    whole = slowly(int.from_bytes(one, "big"), int.from_bytes(other, "big"))
    assert data_of(times(element(one), element(other))) == whole.to_bytes(16, "big")


def test_the_largest_elements_do_not_carry() -> None:
    ones = b"\xff" * 16
    whole = int.from_bytes(ones, "big")
    assert data_of(times(element(ones), element(ones))) == slowly(whole, whole).to_bytes(16, "big")
    assert data_of(element(ones)) == ones


@given(values=st.lists(elements.filter(any), max_size=5))
def test_inverses_give_one(values: list[bytes]) -> None:
    found = inverses([element(value) for value in values])
    assert [times(element(v), i) for v, i in zip(values, found, strict=True)] == [1] * len(values)


@pytest.mark.parametrize("number", [1, 2, 255, (1 << 128) - 1])
def test_an_inverse_alone(number: int) -> None:
    assert times(small(number), inverse(small(number))) == 1
