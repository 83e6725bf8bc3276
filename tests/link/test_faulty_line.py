"""Faults on a line are those that were asked for, and the same each time."""

import time

import pytest

from tifed.link import Transport
from tifed.link.faults import FaultyLine, faulty

DATA = bytes(range(256)) * 20


class Wire:
    """A line that gives back what it is given."""

    def __init__(self) -> None:
        self.data, self.open = b"", True

    def write(self, data: bytes) -> None:
        self.data += data

    def read(self, seconds: float) -> bytes:
        data, self.data = self.data, b""
        return data

    def close(self) -> None:
        self.open = False


def test_a_sound_line() -> None:
    wire = Wire()
    line = FaultyLine(wire, 0.0, 1)
    line.write(DATA)
    assert line.read(0) == DATA
    assert line.faults == 0
    line.close()
    assert not wire.open


def test_each_fault_is_a_flipped_bit_a_lost_byte_or_a_byte_twice() -> None:
    line, kinds = FaultyLine(Wire(), 1.0, 1), []
    for byte in DATA:
        line.write(bytes([byte]))
        kinds.append(line._line.read(0))
    twice = sum(kind == bytes([byte] * 2) for kind, byte in zip(kinds, DATA, strict=True))
    lost = sum(kind == b"" for kind in kinds)
    flips = [kind[0] ^ byte for kind, byte in zip(kinds, DATA, strict=True) if len(kind) == 1]
    assert set(flips) == {1 << bit for bit in range(8)}
    assert twice + lost + len(flips) == len(DATA) == line.faults
    assert min(twice, lost, len(flips)) > len(DATA) // 4


def test_as_many_faults_as_asked_in_both_directions() -> None:
    wire = Wire()
    line = FaultyLine(wire, 0.1, 3)
    line.write(DATA)
    written = line.faults
    assert 0.07 < written / len(DATA) < 0.13
    # As many bytes are lost as stand twice.
    assert 0.95 < len(wire.data) / len(DATA) < 1.05
    wire.data = DATA
    assert line.read(0) != DATA
    assert 0.07 < (line.faults - written) / len(DATA) < 0.13


def test_faults_follow_from_the_seed() -> None:
    def spoilt(seed: int) -> bytes:
        wire = Wire()
        FaultyLine(wire, 0.1, seed).write(DATA)
        return wire.data

    assert spoilt(1) == spoilt(1) != spoilt(2)


def test_nothing_gets_through_a_pulled_plug() -> None:
    wire = Wire()
    lines: list[FaultyLine] = []

    def opener() -> Transport:
        return wire

    line = faulty(opener, 0.0, 1, lines.append)()
    assert lines == [line]
    assert isinstance(line, FaultyLine)
    line.pull(3600)
    line.write(b"abc")
    wire.data = b"defg"
    assert line.read(0) == b""
    assert (wire.data, line.faults) == (b"", 7)
    line.pull(0.0)
    time.sleep(0.001)
    line.write(b"abc")
    assert wire.data == b"abc"


def test_each_line_has_its_share_and_seed() -> None:
    wires = []

    def opener() -> Transport:
        wires.append(Wire())
        return wires[-1]

    for _ in range(2):
        faulty(opener, 0.1, 5)().write(DATA)
    direct = Wire()
    FaultyLine(direct, 0.1, 5).write(DATA)
    assert wires[0].data == wires[1].data == direct.data != DATA


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_nothing_becomes_nothing(share: float) -> None:
    line = FaultyLine(Wire(), share, 1)
    line.write(b"")
    assert line.read(0) == b""
