"""The server's end of a link to one device: requests, answers, patience."""

import itertools
import os
import struct
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tifed.link import answers
from tifed.link.answers import MOST_SAID, Capabilities, DeviceState, DeviceStatus, OwnCounts
from tifed.link.errors import (
    DeviceAnswerError,
    DeviceGoneError,
    DeviceRefusedError,
    DeviceRestartedError,
    LineNotOpenedError,
)
from tifed.link.frame import ANSWER, VERSION, Frame, FrameReader, Kind, encode
from tifed.link.transport import Opener, Transport, TransportClosedError
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Layer, Tensor, bias_dtype, weight_dtype

SESSION, UNCONFIGURED, BUSY, ORDER, FORMAT = 66, 67, 68, 69, 70
"""Codes by which a device says that it is not where the server thinks it is."""

CODES = {
    1: "its network is out of range",
    2: "a sum could overflow",
    3: "too little memory",
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
}
_REOPEN_SECONDS = 0.2
_SMALLEST_PIECE = 40
_STREAK = 20
_SHORTEST_WAIT = 0.005
_LOST = 4
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


class Client:
    """One device at the other end of a line.

    A request is sent until it is answered; a device carries out a repeated one only once. The
    device forgets its session when it restarts, and that is how the restart is noticed.
    """

    def __init__(self, name: str, opener: Opener, patience: Patience | None = None) -> None:
        """Name the device and say how to reach it; nothing is opened yet."""
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
        self._pieces = _PieceSize(_SMALLEST_PIECE)
        self._quickness = _Quickness()
        self._stopped = False
        self._own_data = False
        self._trouble: str | None = None
        self.resent = 0

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

    # --- requests --------------------------------------------------------------------------------

    def open_session(self, silence: float | None = None) -> Capabilities:
        """Begin anew: whatever the device was doing or knew is over.

        Args:
            silence: seconds until the device counts as gone, if other than usual.

        Raises:
            DeviceError: if it does not answer, or not as a device does.
        """
        self._next_session = self._next_session % 0xFFFF + 1
        self._session = self._next_session
        found = self._ask(Kind.HELLO, b"", answers.capabilities, silence)
        self._pieces = _PieceSize(found.payload)
        self._own_data = found.own_data
        return found

    def configure(self, layers: tuple[int, ...], seed: int) -> None:
        """Lay out the device's memory to train ``layers``; parameters and samples are gone."""
        mask = sum(1 << layer for layer in layers)
        self._order(Kind.CONFIGURE, struct.pack("<IQ", mask, seed))

    def put_centre(self, centre: NDArray[np.int8]) -> None:
        """Send the input's centre, int8 (features,)."""
        for first, piece in self._split(centre.tobytes(), 4):
            self._order(Kind.PUT_CENTRE, struct.pack("<I", first) + piece)

    def put_layer(self, number: int, weight: Tensor, bias: Tensor) -> None:
        """Send one layer's weights (fan_in, fan_out) and biases (fan_out,)."""
        for start, array in ((0, weight), (weight.size, bias)):
            size = array.itemsize
            wire = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
            for first, piece in self._split(wire, 8, size):
                head = struct.pack("<II", number, start + first // size)
                self._order(Kind.PUT_PARAMETERS, head + piece)

    def get_layer(self, number: int, layer: Layer) -> tuple[Tensor, Tensor]:
        """Fetch one layer's weights (fan_in, fan_out) and biases (fan_out,)."""
        count = layer.fan_in * layer.fan_out
        weight = self._get(number, 0, count, weight_dtype(layer), layer.weight_bound)
        bias = self._get(number, count, layer.fan_out, bias_dtype(layer), layer.bias_bound)
        return weight.reshape(layer.fan_in, layer.fan_out), bias

    def _get(
        self, layer: int, start: int, count: int, dtype: np.dtype[np.signedinteger], bound: int
    ) -> Tensor:
        pieces = []
        first, end = start, start + count
        while first < end:
            length = min(self._pieces.room(1) // dtype.itemsize, end - first)
            pieces.append(
                self._ask(
                    Kind.GET_PARAMETERS, struct.pack("<III", layer, first, length),
                    partial(answers.parameters, count=length, dtype=dtype, bound=bound),
                )
            )  # fmt: skip
            first += length
        return np.concatenate(pieces)

    def clear(self) -> None:
        """Empty the buffer and the calibration sums."""
        self._order(Kind.CLEAR)

    def add_samples(self, samples: NDArray[np.int8], labels: NDArray[np.int32]) -> None:
        """Send samples (N, D) with labels (N,) into the buffer."""
        for sample, label in zip(samples, labels, strict=True):
            self._put_sample(0, sample, int(label))

    def calibrate(self, samples: NDArray[np.int8], features: int) -> tuple[Integers, int, int]:
        """Have the device sum the features of samples (N, D).

        ``features`` is D unless the device makes them of raw samples.

        Returns:
            Sums int64 (features,), the sum of all their squares, and the number of samples.

        Raises:
            DeviceAnswerError: if the device names one sum of squares and then another.
        """
        self.clear()
        for sample in samples:
            self._put_sample(1, sample, 0)
        return self._sums(features, range(len(samples), len(samples) + 1))

    def _sums(self, features: int, samples: range) -> tuple[Integers, int, int]:
        """Fetch what a device has summed, which is over one of these numbers of samples."""
        pieces, told = [np.zeros(0, np.int64)], set[tuple[int, int]]()
        first = 0
        while first < features:
            length = min(self._pieces.room(13) // 4, features - first)
            counted, squares, piece = self._ask(
                Kind.GET_SUMS, struct.pack("<II", first, length),
                partial(answers.sums, count=length, samples=samples),
            )  # fmt: skip
            told.add((counted, squares))
            pieces.append(piece)
            first += length
        if len(told) > 1:
            raise DeviceAnswerError(
                f"{self.name}: says that squares sum to {sorted(squares for _, squares in told)}"
            )
        counted, squares = max(told, default=(samples[0], 0))
        return np.concatenate(pieces), squares, counted

    def classify(self, samples: NDArray[np.int8]) -> NDArray[np.int32]:
        """The class of each sample (N, D), int32 (N,); the device has to be configured."""
        return np.array([self._put_sample(2, sample, 0) for sample in samples], np.int32)

    def _put_sample(self, purpose: int, sample: NDArray[np.int8], label: int) -> int:
        value = 0
        for first, piece in self._split(sample.tobytes(), 8):
            head = struct.pack("<BxHI", purpose, label, first)
            value = self._order(Kind.PUT_SAMPLE, head + piece)
        return value

    def train(
        self,
        first_step: int,
        steps: int,
        extra_shift: int,
        device: int,
        exchange: int,
        energy_shift: int = 0,
    ) -> DeviceStatus:
        """Have the device train, and wait until it has.

        Returns:
            What it says when it is done: it is trained, and its next step is the one behind the
            last of these.

        Raises:
            DeviceGoneError: if it stops answering, or answers and gets no further.
            DeviceAnswerError: if it says that it has done something else.
        """
        self._order(
            Kind.TRAIN,
            struct.pack("<5Ii", first_step, steps, extra_shift, device, exchange, energy_shift),
        )
        status = self._finished(DeviceState.TRAINING, first_step, first_step + steps)
        if status.state is DeviceState.TRAINED and status.step == first_step + steps:
            return status
        raise DeviceAnswerError(
            f"{self.name}: is {status.state.name.lower()} in step {status.step} after an "
            f"order to train steps {first_step} to {first_step + steps - 1}"
        )

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

    def status(self, silence: float | None = None) -> DeviceStatus:
        """How far the device is.

        Args:
            silence: seconds until the device counts as gone, if other than usual.
        """
        return self._ask(Kind.STATUS, b"", self._status, silence)

    def _status(self, answer: bytes) -> DeviceStatus:
        return answers.status(answer, self._own_data)

    # --- of a device that has its samples itself --------------------------------------------------

    def counts(self) -> OwnCounts:
        """How many samples of its own the device has, and what its owner asks for."""
        return self._ask(Kind.COUNTS, b"", answers.own_counts)

    def take(self, position: int, count: int) -> None:
        """Have the buffer filled with ``count`` training samples of the device's own.

        Args:
            position: of the first in an endless stream, modulo 2**32; the device takes it modulo
                the number of its training samples.
            count: at most as many as the buffer holds.
        """
        self._work(Kind.TAKE, struct.pack("<II", position, count))

    def calibrate_own(self, most: int, seed: int, features: int) -> tuple[Integers, int, int]:
        """Have the device sum the features of its own first training samples.

        Args:
            most: samples; all that there are if these are fewer.
            seed: of the experiment: a device does this for one alone, and once.
            features: that a sample has.

        Returns:
            Sums int64 (features,), the sum of all their squares, and the number of samples.
        """
        samples = self._work(Kind.CALIBRATE, struct.pack("<IQ", most, seed))
        return self._sums(features, range(max(1, samples.start), min(most + 1, samples.stop)))

    def evaluate(self, classes: int = 0) -> tuple[int, int, tuple[tuple[int, int], ...]]:
        """Have the device score its parameters on its own held-out samples.

        Args:
            classes: that there are, for a score of each; 0 for none.

        Returns:
            How many samples were right, of how many, and per class the same; empty if the device's
            owner does not let that be asked.

        Raises:
            DeviceAnswerError: if classes do not add up to all.
        """
        if classes and not self.counts().by_class:
            classes = 0
        samples = self._work(Kind.EVALUATE)
        told, by_class = set[tuple[int, int]](), list[tuple[int, int]]()
        while len(by_class) < classes or not told:
            length = min((self._pieces.room(1) - 8) // 8, classes - len(by_class))
            correct, counted, piece = self._ask(
                Kind.SCORE, struct.pack("<II", len(by_class), length),
                partial(answers.score, classes=length, samples=samples),
            )  # fmt: skip
            told.add((correct, counted))
            by_class += piece
        if classes:
            told.add((sum(right for right, _ in by_class), sum(all_of for _, all_of in by_class)))
        if len(told) > 1:
            raise DeviceAnswerError(
                f"{self.name}: says that {' and '.join(f'{a} of {b}' for a, b in sorted(told))} "
                "of its samples are right"
            )
        return *told.pop(), tuple(by_class)

    def keep(self, number: int, energy_shift: int) -> None:
        """Have the parameters kept as the model that stays on the device.

        Args:
            number: rounds that went into it.
            energy_shift: of the experiment.
        """
        self._work(Kind.KEEP, struct.pack("<Ii", number, energy_shift))

    def personalise(
        self,
        layers: tuple[int, ...],
        rounds: int,
        steps: int,
        extra_shift: int,
        device: int,
        exchange: int,
        energy_shift: int = 0,
    ) -> tuple[int, int, int]:
        """Have the device go on alone from the model that it keeps, and keep what is better.

        Args:
            layers: to train.
            rounds: how many.
            steps: mini-batches in each.
            extra_shift: added to every update shift.
            device: its number.
            exchange: number of the first round's.
            energy_shift: added to the first layer's update shift.

        Returns:
            How many held-out samples are right by the model before, by that after, and of how many.
        """
        mask = sum(1 << layer for layer in layers)
        samples = self._work(
            Kind.PERSONALISE,
            struct.pack("<6Ii", mask, rounds, steps, extra_shift, device, exchange, energy_shift),
        )
        return self._ask(Kind.PERSONAL_SCORE, b"", partial(answers.personal_score, samples=samples))

    def _work(self, kind: Kind, payload: bytes = b"") -> range:
        """Have work done on the device's own samples; on how many that may be.

        Raises:
            DeviceRefusedError: if it could not be done, at once or later.
        """
        said = self._order(kind, payload)
        status = self._finished(DeviceState.WORKING, 0, 0xFFFFFFFF)
        if status.outcome:
            raise self._refused(status.outcome)
        return range(said, said + 1) if said < MOST_SAID else range(said, 1 << 32)

    def reset(self) -> None:
        """Have the device start anew; its answer may not arrive."""
        self._send(Frame(Kind.RESET, self._session, self._following()))

    def _split(self, data: bytes, head: int, unit: int = 1) -> Iterator[tuple[int, bytes]]:
        """``data`` in pieces of whole units that fit beside ``head`` bytes, with their places."""
        first = 0
        while first < len(data):
            size = self._pieces.room(head) // unit * unit
            yield first, data[first : first + size]
            first += size

    # --- frames ----------------------------------------------------------------------------------

    def _following(self) -> int:
        self._sequence = self._sequence % 0xFFFF + 1
        return self._sequence

    def _order(self, kind: Kind, payload: bytes = b"") -> int:
        """Have something done; the value in the answer."""
        return self._ask(kind, payload, answers.value)

    def _ask(
        self,
        kind: Kind,
        payload: bytes,
        read: Callable[[bytes], Answer],
        silence: float | None = None,
    ) -> Answer:
        """Send a request until it is answered; what ``read`` makes of the answer after its code.

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
            until = now + self._quickness.wait(tries - 1, self.patience.answer)
            while (frame := self._next_frame(until)) is not None:
                if frame.kind == Kind.READY and kind is not Kind.HELLO:
                    raise DeviceRestartedError(f"{self.name}: restarted")
                if frame.kind == kind | ANSWER and frame.sequence == request.sequence:
                    if not self._of_this_session(frame):
                        self._trouble = f"an answer of session {frame.session} came"
                        continue
                    self._pieces.went(tries == 1)
                    if tries == 1:  # else nobody knows which of the requests it answers
                        self._quickness.took(time.monotonic() - now)
                    return self._taken_apart(kind.name, frame, read)
        if self._line is None and self._trouble is not None:
            raise DeviceGoneError(f"{self.name}: {self._trouble} (tried for {limit:g} s)")
        also = "" if self._trouble is None else f" ({self._trouble})"
        raise DeviceGoneError(f"{self.name}: no answer to {kind.name} within {limit:g} s{also}")

    def _of_this_session(self, answer: Frame) -> bool:
        """Whether an answer belongs to what is asked now, and not to an earlier session.

        A device that is in another session, or speaks another version, says so with its own.
        """
        lost = answer.payload[:1] in (bytes([SESSION]), bytes([FORMAT]))
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
            self.open_line().write(encode(frame))
        except LineNotOpenedError as error:
            self._trouble = f"cannot be opened: {error.reason}"
            return False
        except TransportClosedError as error:
            self._lose(error)
            return False
        return True

    def _next_frame(self, deadline: float) -> Frame | None:
        """The next frame, or None if none comes before ``deadline`` or the line is down."""
        while not self._frames:
            seconds = deadline - time.monotonic()
            if seconds <= 0 or self._line is None:
                return None
            try:
                self._frames.extend(self._reader.feed(self._line.read(seconds)))
            except TransportClosedError as error:
                self._lose(error)
        return self._frames.popleft()

    def _lose(self, error: TransportClosedError) -> None:
        """The line is down."""
        self._trouble = f"the line is down: {error}"
        self.close()


class _PieceSize:
    """How much to put into a frame: less where frames get lost, for short ones get through."""

    def __init__(self, most: int) -> None:
        self._most = self._now = most
        self._streak = 0

    def room(self, head: int) -> int:
        """Bytes beside ``head`` that a payload has."""
        return self._now - head

    def went(self, at_once: bool) -> None:
        """Learn from a request, and whether it was answered without a repeat."""
        self._streak = self._streak + 1 if at_once else 0
        if not at_once:
            self._now = max(min(_SMALLEST_PIECE, self._most), self._now // 2)
        elif self._streak == _STREAK:
            self._now, self._streak = min(self._most, 2 * self._now), 0


class _Quickness:
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
