"""An exchange as a whole: orders without answers, and one answer with all of it (SPEC, 12.10)."""

import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass

from tifed.link import answers
from tifed.link.answers import DeviceState, DeviceStatus
from tifed.link.errors import DeviceAnswerError, DeviceGoneError, DeviceMissedError
from tifed.link.frame import Kind
from tifed.link.short_updates import ShortUpdates, after_of, how_of, places_up
from tifed.rule.compression import Change
from tifed.rule.integer.rounding import Integers
from tifed.rule.learning import Statistics
from tifed.rule.network import Layer, Tensor

MOST_LAYERS = 8
"""Layers that a device can be asked for in one exchange."""
_HEAD = struct.Struct("<HH2I5Ii")
_START = struct.Struct("<H")


@dataclass(frozen=True)
class Asked:
    """How a layer is to go up.

    Attributes:
        layer: its shape.
        change: how its weights go up.
        turn: which rows do, as in `ShortUpdates.get_changes`.
        before: int16 (fan_out,), the biases that the device was given.
    """

    layer: Layer
    change: Change
    turn: int
    before: Tensor


class Quiet(ShortUpdates):
    """An exchange that a device answers once."""

    def begin_silence(self) -> None:
        """Give orders without waiting for answers, where they need none, until the exchange."""
        self._unanswered.clear()
        self._silent = True

    def end_silence(self) -> None:
        """Wait for answers again."""
        self._silent = False

    def exchange(
        self,
        take: tuple[int, int],
        steps: tuple[int, int],
        extra_shift: int,
        device: int,
        exchange: int,
        energy_shift: int,
        asked: Mapping[int, Asked],
        after: int | None = None,
    ) -> tuple[DeviceStatus, dict[int, tuple[Integers, Tensor]]]:
        """Have the device train, and say what came of it.

        Args:
            take: position and number of samples of its own that it fills its buffer with first;
                of none, the buffer is as it is.
            steps: the first, and how many.
            extra_shift: added to every update shift.
            device: its number.
            exchange: number of the exchange.
            energy_shift: added to the first layer's update shift.
            asked: every layer that it trains.
            after: number of the exchange behind which what it has left of its changes has to hold,
                -1 if nothing is left; None if it keeps nothing.

        Returns:
            Its counts; per layer what `get_changes` gives.

        Raises:
            DeviceAnswerError: if it says that it has got an order that there was not.
            DeviceGoneError: if orders get lost for as long as it may be silent.
        """
        self.end_silence()
        layers = b"" if after is None else after_of(after)
        for number, one in asked.items():
            layers += how_of(one.change, one.turn % one.change.rows, self._coder)
            layers += _START.pack(self._start(Kind.GET_CHANGES, number))
        until = time.monotonic() + self.patience.silence
        while True:
            behind = self._unanswered[-1].sequence if self._unanswered else self._behind
            head = _HEAD.pack(
                behind, self._pieces.room(0), *take, *steps, extra_shift, device, exchange,
                energy_shift,
            )  # fmt: skip
            try:
                told = self._ask(Kind.EXCHANGE, head + layers, bytes, patient=True)
            except DeviceMissedError as missed:
                self._send_again(missed, until)
                continue
            self._behind = self._sequence
            self._unanswered.clear()
            break
        try:
            return self._taken(told, sum(steps), asked)
        except ValueError as error:
            raise DeviceAnswerError(f"{self.name}: its answer to EXCHANGE {error}") from error

    def _send_again(self, missed: DeviceMissedError, until: float) -> None:
        """What the device has not got of the orders that it does not answer."""
        had = [self._behind, *(frame.sequence for frame in self._unanswered)]
        if missed.last not in had:
            raise DeviceAnswerError(
                f"{self.name}: has {missed.last} for its last order, which is none of {had}"
            )
        if time.monotonic() > until:
            raise DeviceGoneError(f"{self.name}: too many orders get lost")
        for frame in self._unanswered[had.index(missed.last) :]:
            self.resent += 1
            self._send(frame)

    def _taken(
        self, told: bytes, step: int, asked: Mapping[int, Asked]
    ) -> tuple[DeviceStatus, dict[int, tuple[Integers, Tensor]]]:
        """An answer taken apart; what did not fit into it is asked for."""
        (samples, *counts), rest = answers.numbers(told, 5)
        found = {}
        for number, one in asked.items():
            start = self._start(Kind.GET_CHANGES, number) if self._coder else None
            numbers, biases, after, rest = answers.exchanged(
                rest, places_up(one.layer, one.change, one.turn).size, one.before,
                one.change.top, one.layer.bias_bound, start,
            )  # fmt: skip
            if after is not None:
                self._starts[Kind.GET_CHANGES, number] = after
            found[number] = self.get_changes(
                number, one.layer, one.change, one.turn, (numbers, biases)
            )
        if rest:
            raise ValueError(f"has {len(rest)} bytes too many")
        counted = Statistics(*counts)
        return DeviceStatus(DeviceState.TRAINED, samples, step, step, counted, 0, 0), found
