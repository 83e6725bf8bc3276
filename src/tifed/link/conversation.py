"""One line to a device: a request is sent until it is answered, and no wait is for ever."""

import itertools
import os
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tifed.link import answers
from tifed.link.answers import DeviceState, DeviceStatus
from tifed.link.errors import (
    DeviceAnswerError,
    DeviceGoneError,
    DeviceMissedError,
    DeviceRefusedError,
    DeviceRestartedError,
    LineNotOpenedError,
)
from tifed.link.frame import ANSWER, SILENT, VERSION, Frame, FrameReader, Kind, encode
from tifed.link.seal import NO_KEY, SEALED_ONLY, Seal
from tifed.link.transport import Opener, Transport, TransportClosedError

MEMORY = 3
SESSION, UNCONFIGURED, BUSY, ORDER, FORMAT = 66, 67, 68, 69, 70
"""Codes by which a device says that it is not where the server thinks it is."""
MISSED, OTHER_RESIDUAL = 80, 81

CODES = {
    1: "its network is out of range",
    2: "a sum could overflow",
    MEMORY: "too little memory",
    4: "no such layer",
    5: "parameters past the end of the layer",
    6: "a parameter beyond its bound",
    7: "a label that is not a class",
    8: "its buffer is full",
    9: "nothing to train on",
    64: "unknown request",
    65: "a request of another length than its type has",
    SESSION: "another session",
    UNCONFIGURED: "not configured",
    BUSY: "busy with training",
    ORDER: "out of order",
    FORMAT: "another version of the link",
    71: "has fewer samples of its own than its owner asks for before it does this, or none",
    72: "its owner does not allow it",
    73: "it cannot read a sample of its own, or its label",
    74: "it has no place for a model to stay, or could not write there",
    SEALED_ONLY: "it has a key and takes sealed frames alone; name the file of its key (link.keys)",
    NO_KEY: "it has no key, or no fresh nonce",
    77: "the model is of an earlier round than the one that it keeps",
    78: "a sum of so few devices would not hide what it has learnt",
    79: "its work is in a sum with other devices already; both sums would tell their difference",
    MISSED: "an order before this one has not come",
    OTHER_RESIDUAL: "what it has left of its changes is not of the exchange that the server names, "
    "for it has restarted or has worked for somebody else since; it begins again with nothing left",
}
_REOPEN_SECONDS = 0.2
_SMALLEST_PIECE = 40
_STREAK = 20
_SHORTEST_WAIT = 0.005
_LOST = 4
_BEHIND = 2
_WITHOUT_ANSWER = (
    Kind.PUT_CENTRE, Kind.PUT_PARAMETERS, Kind.PUT_SAMPLE, Kind.CLEAR, Kind.PUT_CHANGES,
    Kind.PUT_START,
)  # fmt: skip
_UNKNOWN = 0.03

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Patience:
    """How long to wait for a device.

    Attributes:
        answer: seconds until a request is sent again, at most; it is sooner once the line is
            known to be quick.
        silence: seconds without any answer until the device counts as gone.
        training: seconds between two looks at a device that trains, at most.
    """

    answer: float = 1.0
    silence: float = 30.0
    training: float = 1.0


class Conversation:
    """One device at the other end of a line.

    A request is sent until it is answered; a device carries out a repeated one only once. The
    device forgets its session when it restarts, and that is how the restart is noticed.

    Attributes:
        name: for messages.
        patience: how long to wait for the device.
        resent: requests that were sent again.
        bytes_sent: over the line, frames and what encloses them included.
        bytes_received: the same the other way.
    """

    def __init__(
        self,
        name: str,
        opener: Opener,
        patience: Patience | None = None,
        key: bytes | None = None,
        steady: bool = False,
    ) -> None:
        """Name the device and say how to reach it; nothing is opened yet.

        Args:
            name: for messages.
            opener: of the line to it.
            patience: how long to wait for it.
            key: of the device, 32 bytes; None if its line is not sealed.
            steady: whether frames stay as long as they are where some get lost, as on a line that
                loses short and long ones alike.

        Raises:
            UsageError: if it has a key, and a package is missing.
        """
        self.name = name
        self.patience = patience or Patience()
        self._opener = opener
        self._line: Transport | None = None
        self._reader = FrameReader()
        self._frames: deque[Frame] = deque()
        self._session = 0
        # Not 0, not the last run's: a device that was left in a session must see a new one.
        self._next_session = int.from_bytes(os.urandom(2), "little")
        self._sequence = 0
        self._pieces = PieceSize(_SMALLEST_PIECE)
        self._quickness = Quickness()
        self._stopped = False
        self._own_data = False
        self._short = self._coder = False
        self._starts: dict[tuple[Kind, int], int] = {}
        self._seal = None if key is None else Seal(key)
        self._trouble: str | None = None
        self._unanswered: list[Frame] = []
        self._behind, self._silent = 0, False
        self._steady = steady
        self.resent = 0
        self.bytes_sent = self.bytes_received = 0

    @property
    def session(self) -> int:
        """The number of the session that was opened last; 0 before the first."""
        return self._session

    def stop(self) -> None:
        """Have a request that another thread waits for fail soon, and every later one at once."""
        self._stopped = True

    def open_line(self) -> Transport:
        """The line, which is opened unless it is open; the first request would do it otherwise.

        Raises:
            LineNotOpenedError: if it cannot be opened now.
        """
        if self._line is not None:
            return self._line
        self._reader = FrameReader()
        self._frames.clear()
        try:
            self._line = self._opener()
        except TransportClosedError as error:
            raise LineNotOpenedError(self.name, str(error), error.lasting) from error
        return self._line

    def close(self) -> None:
        """Give the line back; the next request would open it again."""
        if self._line is not None:
            self._line.close()
        self._line = None

    def status(self, silence: float | None = None) -> DeviceStatus:
        """How far the device is.

        Args:
            silence: seconds until the device counts as gone, if other than usual.
        """
        return self._ask(Kind.STATUS, b"", self._status, silence)

    def _status(self, answer: bytes) -> DeviceStatus:
        return answers.status(answer, self._own_data)

    def _finished(self, under_way: DeviceState, step: int, most: int) -> DeviceStatus:
        """Wait until the order that was just given is no longer under way.

        Args:
            under_way: the state in which it is.
            step: where it begins.
            most: where it ends; one that is behind that is not waited for.

        Raises:
            DeviceGoneError: if the device stops answering, or answers and gets no further.
        """
        asked, moved = self._sequence, time.monotonic()
        for look in itertools.count():
            # Told when it is done, or asked now and then in case that was lost.
            wait = self._quickness.wait(look, self.patience.training)
            status = self._told(asked, time.monotonic() + wait) or self.status()
            if status.state is not under_way or status.step > most:
                return status
            # Only forward counts: one that went round in circles would be waited for for ever.
            if status.step > step:
                step, moved = status.step, time.monotonic()
            elif time.monotonic() - moved > self.patience.silence:
                break
        raise DeviceGoneError(f"{self.name}: stands still in step {step}")

    def _told(self, order: int, deadline: float) -> DeviceStatus | None:
        """What the device says unasked when it has carried out ``order``, before ``deadline``."""
        while (frame := self._next_frame(deadline)) is not None:
            if frame.kind == Kind.READY:
                raise DeviceRestartedError(f"{self.name}: restarted")
            if (frame.kind, frame.session, frame.sequence) == (Kind.DONE, self._session, order):
                return self._taken_apart("DONE", frame, self._status)
        return None

    def _following(self) -> int:
        self._sequence = self._sequence % 0xFFFF + 1
        return self._sequence

    def _order(self, kind: Kind, payload: bytes = b"") -> int:
        """Have something done; the value in the answer, or 0 where there is none."""
        if self._silent and kind in _WITHOUT_ANSWER:
            behind = self._unanswered[-1].sequence if self._unanswered else self._behind
            data = struct.pack("<H", behind) + payload
            frame = Frame(kind | SILENT, self._session, self._following(), data)
            self._unanswered.append(frame)
            self._send(frame)
            return 0
        value = self._ask(kind, payload, answers.value)
        self._behind = self._sequence
        return value

    def _ask(
        self,
        kind: Kind,
        payload: bytes,
        read: Callable[[bytes], Answer],
        silence: float | None = None,
        patient: bool = False,
    ) -> Answer:
        """Send a request until it is answered; what ``read`` makes of the answer after its code.

        A ``patient`` one takes as long as training does.

        Raises:
            DeviceGoneError: after ``silence`` seconds without an answer.
            DeviceRestartedError: if the device has forgotten the session.
            DeviceRefusedError: if it answers with an error.
            DeviceAnswerError: if ``read`` finds that it is no answer to this.
        """
        request = Frame(kind, self._session, self._following(), payload)
        limit = self.patience.silence if silence is None else silence
        deadline = time.monotonic() + limit
        tries = 0
        self._trouble = None
        while not self._stopped and ((now := time.monotonic()) < deadline or tries == 0):
            tries += 1
            self.resent += tries > 1
            if not self._send(request):
                time.sleep(min(_REOPEN_SECONDS, max(0.0, deadline - now)))
                continue
            wait = self._quickness.wait(tries - 1, self.patience.answer)
            until = now + (self.patience.training if patient else wait)
            while (frame := self._next_frame(until)) is not None:
                if frame.kind == Kind.READY and kind is not Kind.HELLO:
                    raise DeviceRestartedError(f"{self.name}: restarted")
                if frame.kind == kind | ANSWER and frame.sequence == request.sequence:
                    if not self._of_this_session(frame):
                        self._trouble = f"an answer of session {frame.session} came"
                        continue
                    self._pieces.went(tries == 1)
                    # Of several requests nobody knows which one it answers.
                    if tries == 1 and not patient:
                        self._quickness.took(time.monotonic() - now)
                    return self._taken_apart(kind.name, frame, read)
        if self._line is None and self._trouble is not None:
            raise DeviceGoneError(f"{self.name}: {self._trouble} (tried for {limit:g} s)")
        if self._seal is not None and self._seal.trouble is not None:
            self._trouble = self._seal.trouble
        also = "" if self._trouble is None else f" ({self._trouble})"
        raise DeviceGoneError(f"{self.name}: no answer to {kind.name} within {limit:g} s{also}")

    def _of_this_session(self, answer: Frame) -> bool:
        """Whether an answer belongs to what is asked now, and not to an earlier session.

        A device that is in another session, speaks another version or takes sealed frames alone
        says so with its own.
        """
        lost = answer.payload[:1] in (bytes([SESSION]), bytes([FORMAT]), bytes([SEALED_ONLY]))
        return answer.session == self._session or answer.version != VERSION or lost

    def _taken_apart(self, kind: str, answer: Frame, read: Callable[[bytes], Answer]) -> Answer:
        """What an answer says; every word of a device that means anything comes through here."""
        if answer.version != VERSION:
            raise DeviceRefusedError(
                f"{self.name}: speaks version {answer.version} of the link, not {VERSION}", FORMAT
            )
        code = answer.payload[0] if answer.payload else -1
        if code == SESSION:
            raise DeviceRestartedError(f"{self.name}: restarted")
        if code == MISSED:
            raise DeviceMissedError(
                f"{self.name}: {CODES[code]}", answers.value(answer.payload[1:])
            )
        if code > 0:
            raise self._refused(code)
        try:
            if code < 0:
                raise ValueError("is empty")
            return read(answer.payload[1:])
        except ValueError as error:
            raise DeviceAnswerError(f"{self.name}: its answer to {kind} {error}") from error

    def _refused(self, code: int) -> DeviceRefusedError:
        return DeviceRefusedError(f"{self.name}: {CODES.get(code, f'error {code}')}", code)

    def _send(self, frame: Frame) -> bool:
        """Write to the line, which is opened if need be; whether that worked."""
        try:
            # Sealed anew each time, for no device takes a counter twice.
            sealed = frame if self._seal is None else self._seal.seal(frame)
            if sealed is None:
                raise DeviceRestartedError(f"{self.name}: there is no sealed session")
            data = encode(sealed)
            self.open_line().write(data)
            self.bytes_sent += len(data)
        except LineNotOpenedError as error:
            self._trouble = f"cannot be opened: {error.reason}"
            return False
        except TransportClosedError as error:
            self._lose(error)
            return False
        return True

    def _next_frame(self, deadline: float) -> Frame | None:
        """The next frame, or None if none comes before ``deadline`` or the line is down."""
        while True:
            while not self._frames:
                seconds = deadline - time.monotonic()
                if seconds <= 0 or self._line is None:
                    return None
                try:
                    data = self._line.read(seconds)
                    self.bytes_received += len(data)
                    self._frames.extend(self._reader.feed(data))
                except TransportClosedError as error:
                    self._lose(error)
            frame: Frame | None = self._frames.popleft()
            if self._seal is not None and frame is not None:
                frame = self._seal.open(frame)
            if frame is not None:
                return frame

    def _lose(self, error: TransportClosedError) -> None:
        """The line is down."""
        self._trouble = f"the line is down: {error}"
        self.close()


class PieceSize:
    """How much to put into a frame: less where frames get lost, for short ones get through."""

    def __init__(self, most: int, steady: bool = False) -> None:
        self._most = self._now = most - _BEHIND * steady
        self._steady = steady
        self._streak = 0

    def room(self, head: int) -> int:
        """Bytes beside ``head`` that a payload has."""
        return self._now - head

    def went(self, at_once: bool) -> None:
        """Learn from a request, and whether it was answered without a repeat."""
        if self._steady:
            return
        self._streak = self._streak + 1 if at_once else 0
        if not at_once:
            self._now = max(min(_SMALLEST_PIECE, self._most), self._now // 2)
        elif self._streak == _STREAK:
            self._now, self._streak = min(self._most, 2 * self._now), 0


class Quickness:
    """How long an answer takes on this line."""

    def __init__(self) -> None:
        self._usual: float | None = None

    def took(self, seconds: float) -> None:
        """Learn from an answer."""
        self._usual = seconds if self._usual is None else (7 * self._usual + seconds) / 8

    def wait(self, tries: int, most: float) -> float:
        """How long to wait for an answer after ``tries`` in vain.

        A lost frame is soon sent again; a device that is busy or away is asked ever less often.
        """
        usual = _UNKNOWN if self._usual is None else self._usual
        return min(most, max(_SHORTEST_WAIT, 4 * usual) * 2.0 ** min(max(0, tries - _LOST), 16))
