"""What is asked of a device that has its samples itself (SPEC, 12.7); none is sent."""

import struct
from functools import partial

import numpy as np

from tifed.link import answers
from tifed.link.answers import MOST_SAID, DeviceState, OwnCounts
from tifed.link.conversation import Conversation
from tifed.link.errors import DeviceAnswerError
from tifed.link.frame import Kind
from tifed.rule.integer.rounding import Integers

_FEW = 255
"""Samples whose sums fit 16 bits."""


class OwnSamples(Conversation):
    """The requests that are about a device's own samples."""

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
        samples = self.sum_own(most, seed)
        return self._sums(features, range(max(1, samples.start), min(most + 1, samples.stop)))

    def sum_own(self, most: int, seed: int) -> range:
        """The same, but the sums stay on the device; how many samples they may be over."""
        return self._work(Kind.CALIBRATE, struct.pack("<IQ", most, seed))

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

    def _sums(self, features: int, samples: range) -> tuple[Integers, int, int]:
        """Fetch what a device has summed, which is over one of these numbers of samples."""
        pieces, told = [np.zeros(0, np.int64)], set[tuple[int, int]]()
        first = 0
        width = 2 if self._short and samples[-1] <= _FEW else 4
        asked = bytes([width]) if width == 2 else b""
        while first < features:
            length = min(self._pieces.room(13) // width, features - first)
            counted, squares, piece = self._ask(
                Kind.GET_SUMS, struct.pack("<II", first, length) + asked,
                partial(answers.sums, count=length, samples=samples, width=width),
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
