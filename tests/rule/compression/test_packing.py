"""Short numbers in bytes, and answers with them that no device gives."""

import struct

import numpy as np
import pytest

from tifed.link import answers
from tifed.rule.compression.coder import START, encode
from tifed.rule.compression.packing import pack, packed_size, unpack


@pytest.mark.parametrize("top", [1, 2, 7, 8, 127])
@pytest.mark.parametrize("count", [0, 1, 4, 5, 6, 63])
def test_what_was_packed_is_unpacked(top: int, count: int) -> None:
    numbers = np.random.default_rng(count).integers(-top, top + 1, count)
    data = pack(numbers, top)
    assert len(data) == packed_size(count, top)
    np.testing.assert_array_equal(unpack(data, count, top), numbers)


@pytest.mark.parametrize(
    ("data", "count", "top"),
    [
        (b"\xf3", 5, 1),  # 243 is no five digits in base 3
        (b"\x1b", 3, 1),  # a digit that is left over
        (b"\x08", 2, 7),  # -8
        (b"\x80", 1, 127),  # -128
        (b"\x06", 1, 5),
        (b"\x00\x00", 5, 1),
        (b"", 1, 7),
    ],
)
def test_what_is_not_packed_like_that_is_refused(data: bytes, count: int, top: int) -> None:
    with pytest.raises(ValueError, match=rf"not those of {count} numbers up to {top}"):
        unpack(data, count, top)


def said(count: int, data: bytes, *biases: int) -> bytes:
    return struct.pack("<H", count) + data + struct.pack(f"<{len(biases)}h", *biases)


def test_numbers_and_biases_behind_them() -> None:
    numbers, biases, _ = answers.changes(said(3, b"\x07", -3, 4), 1, 2, 7, 32767)
    assert (numbers.tolist(), biases.tolist()) == ([7], [-3, 4])


def test_coded_numbers_and_biases_behind_them() -> None:
    sent = np.random.default_rng(1).integers(-1, 2, 60)
    frame, after = encode(sent, 1, START, 60)
    answer = said(61, frame.data, 9)
    numbers, biases, start = answers.changes(answer, 60, 3, 1, 32767, START)
    np.testing.assert_array_equal(numbers, sent)
    assert (biases.tolist(), start) == ([9], after)
    for spoilt in (answer[:-3], answer + b"\0", said(61, b"\xff" * 9, 9)):
        with pytest.raises(ValueError, match="frame"):
            answers.changes(spoilt, 60, 3, 1, 32767, START)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"\x01", "has 1 bytes, not 2 or more"),
        (said(0, b""), "has 0 numbers, not 1 to 5"),
        (said(6, b"\x00\x00", 1, 2, 3, 4), "has 6 numbers, not 1 to 5"),
        (said(2, b""), "not those of 2 numbers up to 7"),
        (said(2, b"\x11", 5), "has 2 bytes, not 0"),
        (said(4, b"\x11\x00", -32768), "a magnitude of 32768, which passes the bound 32767"),
        (said(5, b"\x11\x00", 1, 2, 3), "has 6 bytes, not 4"),
    ],
)
def test_an_answer_that_no_device_gives_is_refused(answer: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        answers.changes(answer, 3, 2, 7, 32767)
