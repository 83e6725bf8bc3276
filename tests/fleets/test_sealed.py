"""Sealed lines: the digest of plain ones, and nothing on them that anybody could read."""

from collections.abc import Callable

import numpy as np
import pytest

from tifed.board.emulators.start import RunningBoard
from tifed.experiment import Experiment
from tifed.experiment.setup import build
from tifed.fleets.emulated import EmulatedFleet
from tifed.link import FrameReader, Transport
from tifed.link.frame import SEALED
from tifed.link.transport import Opener

from .conftest import Runner

pytestmark = pytest.mark.slow(20)

SMALL = {"dataset": "digits", "devices": 2, "rounds": 2}
PIECE = 12
"""Bytes in a row of a sample or a layer that are looked for."""


class Recorded:
    """A line of which every frame is kept, from both sides."""

    def __init__(self, line: Transport, content: list[bytes], versions: set[int]) -> None:
        self._line, self._content, self._versions = line, content, versions
        self._readers = FrameReader(), FrameReader()
        self.close = line.close

    def _keep(self, reader: FrameReader, data: bytes) -> bytes:
        for frame in reader.feed(data):
            self._content.append(frame.payload)
            self._versions.add(frame.version)
        return data

    def read(self, seconds: float) -> bytes:
        return self._keep(self._readers[0], self._line.read(seconds))

    def write(self, data: bytes) -> None:
        self._line.write(self._keep(self._readers[1], data))


def sealing(sealed: bool, content: list[bytes], versions: set[int]) -> Callable[..., None]:
    """Seals a fleet's lines, and records them."""

    def change(fleet: EmulatedFleet) -> None:
        fleet.sealed = sealed

        def wire(device: int, board: RunningBoard, opener: Opener) -> Opener:
            del device, board
            return lambda: Recorded(opener(), content, versions)

        fleet.wire = wire

    return change


def readable(content: list[bytes], secrets: list[bytes]) -> int:
    """How many pieces of ``secrets`` stand in what went over the lines."""
    line = b"|".join(content)
    pieces = {
        secret[at : at + PIECE] for secret in secrets for at in range(0, len(secret) - PIECE, PIECE)
    }
    telling = {piece for piece in pieces if len(set(piece)) > PIECE // 3}
    assert len(telling) > 50
    return sum(piece in line for piece in telling)


@pytest.mark.parametrize(
    ("board", "emulator"),
    [("cortex-m0", "qemu"), ("cortex-m4", "unicorn"), ("cortex-m7", "qemu"), ("riscv32", "qemu")],
)
def test_one_digest_sealed_or_not(
    simulated: Runner, emulated: Runner, board: str, emulator: str
) -> None:
    content, versions = list[bytes](), set[int]()
    run = emulated(sealing(True, content, versions), board=board, emulator=emulator, **SMALL)
    assert run == simulated(**SMALL)
    assert any(version & SEALED for version in versions)


@pytest.mark.parametrize("sealed", [True, False])
def test_no_sample_and_no_parameter_can_be_read_on_a_sealed_line(
    emulated: Runner, sealed: bool
) -> None:
    setup = build(Experiment(**SMALL))
    samples = [stream.read(0, 20)[0].astype(np.int8).tobytes() for stream in setup.inputs.sent]
    layers = [
        np.ascontiguousarray(weight).astype(weight.dtype.newbyteorder("<")).tobytes()
        for weight in setup.start.weights
    ]
    content, versions = list[bytes](), set[int]()
    emulated(sealing(sealed, content, versions), **SMALL)
    for secrets in (samples, layers):
        if sealed:
            assert readable(content, secrets) == 0
        else:
            assert readable(content, secrets) > 50


def test_a_model_of_an_earlier_round_is_not_kept_in_the_place_of_a_later_one() -> None:
    setup = build(Experiment(fleet="emulated", own_data=True, **SMALL))
    fleet = setup.fleet
    assert isinstance(fleet, EmulatedFleet)
    for sealed in (True, False):
        fleet = EmulatedFleet(setup.inputs, fleet.emulation, sealed=sealed)
        try:
            for number, refused in ((3, False), (3, False), (2, sealed), (4, False)):
                # Other parameters each time, of which the fleet does not know that they are there.
                fleet.linked._devices[0].kept = fleet.linked._devices[1].kept = None
                fleet.keep(setup.start, number)
                left_out = fleet.linked.left_out
                assert len(left_out) == (2 if refused else 0)
                assert all("earlier round" in reason for reason in left_out.values())
        finally:
            fleet.close()
