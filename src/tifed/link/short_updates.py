"""Short updates of a device that can (SPEC, section 12.9): what changed, in few bits each."""

import struct
from dataclasses import dataclass
from functools import partial

import numpy as np

from tifed.link import answers
from tifed.link.frame import Kind
from tifed.link.own_samples import OwnSamples
from tifed.native.coder import coded_length, encode
from tifed.rule.compression import Change
from tifed.rule.compression.coder import START, bits_of
from tifed.rule.compression.packing import pack, packed_size, per_byte
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Layer, Tensor

KEEP_RECEIVED, STAY = 1, 2
"""Options of a configure order."""
_PUT = struct.Struct("<IIHBB")
_GET = struct.Struct("<IIH")
_HOW = struct.Struct("<4B")
_START = struct.Struct("<H")
CODED = 0x80
"""In a top: numbers are coded."""
_SAID = 3
_MOST = 0xFFFF
_AFTER = struct.Struct("<I")
_NOTHING = 0xFFFFFFFF


@dataclass(frozen=True)
class Kept:
    """What a device is to have left of its changes before an exchange (SPEC, section 25.8).

    Attributes:
        after: number of the exchange behind which that holds; -1 if nothing is left.
        changes: how the weights of each layer that it trains go up, ascending.
    """

    after: int
    changes: tuple[Change, ...]


class ShortUpdates(OwnSamples):
    """The requests that are about short updates."""

    def configure_short(
        self, layers: tuple[int, ...], seed: int, *, keep: bool, stay: bool
    ) -> None:
        """Lay out the device's memory to train ``layers``.

        Args:
            layers: numbers of layers.
            seed: of the experiment.
            keep: whether the device keeps the parameters that it is given for these layers: until
                others come, an order to train begins from them.
            stay: whether it has the parameters still that it was given.

        Raises:
            DeviceRefusedError: with the code of too little memory if there is none for ``keep``;
                with ``stay`` all is as before then.
        """
        mask = sum(1 << layer for layer in layers)
        self._order(
            Kind.CONFIGURE, struct.pack("<IQB", mask, seed, KEEP_RECEIVED * keep + STAY * stay)
        )

    def put_start(self, number: int, limit: int, bias: int) -> None:
        """Have the device make a layer's first parameters itself.

        Args:
            number: of the layer.
            limit: the largest magnitude of a weight.
            bias: what all biases are.
        """
        self._order(Kind.PUT_START, struct.pack("<IIi", number, limit, bias))

    def put_changes(
        self, number: int, numbers: Integers, top: int, shift: int, biases: Tensor | None
    ) -> None:
        """Send what is to be added to one layer's weights, and its biases.

        Args:
            number: of the layer.
            numbers: integers (fan_in, fan_out) up to ``top``; each stands for 2**``shift`` of it.
            top: 1..127.
            shift: 0..14.
            biases: int16 (fan_out,), or None if they are to stay.
        """
        q, place, weights = numbers.ravel(), 0, numbers.size
        tail = np.zeros(0, "<i2") if biases is None else biases.astype("<i2")
        coded = self._coder and top > 0 and self._coded_is_shorter(number, q, top)
        while place < weights + len(tail):
            room = self._pieces.room(_PUT.size + _START.size * coded)
            data, start, taken = b"", b"", 0
            if place < weights and coded:
                frame, after = encode(
                    q[place:][:_MOST], bits_of(top), self._start(Kind.PUT_CHANGES, number), room
                )
                data, taken = frame.data, frame.count
            elif place < weights:
                after, taken = 0, min(room * per_byte(top), _MOST, weights - place)
                data = pack(q[place : place + taken], top)
            if coded:
                start = _START.pack(self._start(Kind.PUT_CHANGES, number))
            first = max(0, place - weights)
            fit = (room - len(data)) // 2 if place + taken >= weights else 0
            more = tail[first : first + fit]
            count = taken + len(more)
            head = _PUT.pack(number, place, count, top | CODED * coded, shift)
            self._order(Kind.PUT_CHANGES, head + start + data + more.tobytes())
            if coded and taken:
                self._starts[Kind.PUT_CHANGES, number] = after
            place += count

    def _start(self, kind: Kind, layer: int) -> int:
        """Where a coded frame starts: with what is known from the last one of that layer."""
        return self._starts.get((kind, layer), START)

    def _coded_is_shorter(self, layer: int, q: Integers, top: int) -> bool:
        capacity = self._pieces.room(_PUT.size + _START.size)
        start = self._start(Kind.PUT_CHANGES, layer)
        length, frames = coded_length(q, bits_of(top), start, capacity)
        return length + _START.size * frames < packed_size(len(q), top)

    def get_changes(
        self,
        number: int,
        layer: Layer,
        change: Change,
        turn: int,
        there: tuple[Integers, Tensor] | None = None,
    ) -> tuple[Integers, Tensor]:
        """Fetch by how much one layer's weights have moved, and its biases.

        Args:
            number: of the layer.
            layer: its shape.
            change: how its weights go up.
            turn: which rows go up: those i for which (i // 2 + turn) % change.rows is 0.
            there: the first numbers and biases, if they have come already.

        Returns:
            int64 (fan_in, fan_out), 0 for a row that does not go up; int16 (fan_out,).
        """
        turn %= change.rows
        q = np.zeros((layer.fan_in, layer.fan_out), np.int64)
        places = places_up(layer, change, turn)
        first_numbers, first_biases = there or (np.zeros(0, np.int64), np.zeros(0, np.int16))
        found, biases = [first_numbers], [first_biases]
        have, end = len(first_numbers) + len(first_biases), len(places) + layer.fan_out
        while have < end:
            first = int(places[have]) if have < len(places) else q.size + have - len(places)
            start = self._start(Kind.GET_CHANGES, number) if self._coder else None
            asked = _GET.pack(
                number, first, self._pieces.room(_SAID)
            ) + how_of(change, turn, self._coder)  # fmt: skip
            numbers, tail, after = self._ask(
                Kind.GET_CHANGES, asked if start is None else asked + _START.pack(start),
                partial(
                    answers.changes, weights=max(0, len(places) - have),
                    biases=min(layer.fan_out, end - have), top=change.top, bound=layer.bias_bound,
                    start=start,
                ),
            )  # fmt: skip
            if after is not None:
                self._starts[Kind.GET_CHANGES, number] = after
            found.append(numbers)
            biases.append(tail)
            have += len(numbers) + len(tail)
        q.ravel()[places] = np.concatenate(found)
        return q, np.concatenate(biases)


def how_of(change: Change, turn: int, coded: bool) -> bytes:
    """How a layer's weights go up, as a device is told it.

    With a residual all rows do, and in place of their turn there is the residual's unit.
    """
    rows, turn = (change.rows, turn) if change.unit is None else (0, change.unit)
    return _HOW.pack(change.top | CODED * coded, change.shift, rows, turn)


def after_of(exchange: int) -> bytes:
    """After which exchange what a device has left has to hold, as it is told it; -1 for none."""
    return _AFTER.pack(exchange % (_NOTHING + 1))


def kept_words(kept: Kept) -> bytes:
    """What stands behind an order to train of a device that keeps something."""
    words, start, whole = after_of(kept.after), _START.pack(0), bytes(_HOW.size)
    for change in kept.changes:
        words += (how_of(change, 0, False) if change.top else whole) + start
    return words


def places_up(layer: Layer, change: Change, turn: int) -> Integers:
    """The numbers of the weights of a layer that go up, int64 (N,)."""
    rows = change.goes_up(np.arange(layer.fan_in), turn, 0)
    return np.flatnonzero(np.repeat(rows, layer.fan_out))
