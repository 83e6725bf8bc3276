"""A kind of lines: a program that carries bytes, such as ssh to the machine that has the board.

For example ``exec:ssh workshop socat - /dev/ttyACM0,raw,echo=0,b115200``.
"""

import shlex
import shutil
import socket
import subprocess

from tifed.link import Scheme, Transport, TransportClosedError
from tifed.link.transport import SocketTransport


class Program(SocketTransport):
    """A running program: what is written goes to its input, what is read comes from its output."""

    def __init__(self, words: list[str]) -> None:
        """Start it."""
        ours, theirs = socket.socketpair()
        super().__init__(ours)
        with theirs:
            try:
                self._program = subprocess.Popen(
                    words, stdin=theirs.fileno(), stdout=theirs.fileno()
                )
            except OSError as error:
                ours.close()
                raise TransportClosedError(f"{words[0]}: {error.strerror}") from error

    def close(self) -> None:
        """End the program; calling it again does nothing."""
        super().close()
        self._program.terminate()
        self._program.wait()


class Exec(Scheme):
    """``exec:COMMAND``: a program whose input and output are the line."""

    form = "exec:command"

    def sound(self, place: str) -> bool:
        """Words as a shell would split them, the first a program that is there."""
        try:
            words = shlex.split(place)
        except ValueError:
            return False
        return bool(words) and shutil.which(words[0]) is not None

    def exposed(self, place: str) -> bool:
        """Not by itself: what the program connects to is for whoever names it to know."""
        del place
        return False

    def open(self, place: str, baud: int, seconds: float) -> Transport:
        """Start the program; it knows its own speed and patience."""
        del baud, seconds
        return Program(shlex.split(place))
