"""A line that goes wrong, from a seed: for tests, and for seeing what a fleet makes of it."""

import random
import time
from collections.abc import Callable

from tifed.link.transport import Opener, Transport


class FaultyLine:
    """Flips, drops or repeats bytes in both directions, and loses all of them for a while."""

    def __init__(self, line: Transport, share: float, seed: int) -> None:
        """Put faults on a line.

        Args:
            line: to the device.
            share: of the bytes that something happens to.
            seed: of the faults.
        """
        self._line = line
        self._share = share
        self._random = random.Random(seed)  # noqa: S311
        self._out_until = 0.0
        self.faults = 0

    def pull(self, seconds: float) -> None:
        """Nothing gets through for ``seconds``."""
        self._out_until = time.monotonic() + seconds

    def read(self, seconds: float) -> bytes:
        """What is left of what arrives."""
        return self._spoilt(self._line.read(seconds))

    def write(self, data: bytes) -> None:
        """Send what is left of ``data``."""
        self._line.write(self._spoilt(data))

    def close(self) -> None:
        """Close the line."""
        self._line.close()

    def _spoilt(self, data: bytes) -> bytes:
        if time.monotonic() < self._out_until:
            self.faults += len(data)
            return b""
        if not self._share:
            return data
        out = bytearray()
        for byte in data:
            if self._random.random() >= self._share:
                out.append(byte)
                continue
            self.faults += 1
            kind = self._random.randrange(3)
            if kind == 0:
                out.append(byte ^ 1 << self._random.randrange(8))
            elif kind == 1:
                out += bytes((byte, byte))
        return bytes(out)


class LossyLine:
    """Loses whole frames in both directions, as radio does."""

    def __init__(self, line: Transport, share: float, seed: int) -> None:
        """Lose frames of a line.

        Args:
            line: to the device.
            share: of the frames that are lost.
            seed: of the losses.
        """
        self._line, self._share = line, share
        self._random = random.Random(seed)  # noqa: S311
        self._rest = b""
        self.lost = self.frames = 0

    def read(self, seconds: float) -> bytes:
        """The frames that arrive, and are not lost."""
        *whole, self._rest = (self._rest + self._line.read(seconds)).split(b"\0")
        return b"".join(b"\0" + frame + b"\0" for frame in whole if frame and self._arrives())

    def write(self, data: bytes) -> None:
        """Send a frame, unless it is lost."""
        if self._arrives():
            self._line.write(data)

    def close(self) -> None:
        """Close the line."""
        self._line.close()

    def _arrives(self) -> bool:
        arrives = self._random.random() >= self._share
        self.frames += 1
        self.lost += not arrives
        return arrives


def faulty(
    opener: Opener, share: float, seed: int, made: Callable[[FaultyLine], None] = lambda line: None
) -> Opener:
    """``opener`` with faults on its line; ``made`` is given every line that is opened."""

    def open_line() -> Transport:
        line = FaultyLine(opener(), share, seed)
        made(line)
        return line

    return open_line
