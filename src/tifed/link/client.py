"""The server's end of a link to one device: requests, answers, patience."""

import struct
from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tifed.link import answers
from tifed.link.answers import Capabilities, DeviceState, DeviceStatus
from tifed.link.conversation import PieceSize
from tifed.link.errors import DeviceAnswerError
from tifed.link.frame import Frame, Kind
from tifed.link.masking import Masking
from tifed.link.quiet import Quiet
from tifed.link.short_updates import Kept, kept_words
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Layer, Tensor, bias_dtype, weight_dtype


class Client(Masking, Quiet):
    """One device at the other end of a line.

    A request is sent until it is answered; a device carries out a repeated one only once. The
    device forgets its session when it restarts, and that is how the restart is noticed.
    """

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
        nonce = b"" if self._seal is None else self._seal.hello()
        found = self._ask(Kind.HELLO, nonce, answers.capabilities, silence)
        self._behind, self._silent = 0, False
        self._pieces = PieceSize(found.payload, self._steady)
        self._own_data = found.own_data
        self._short, self._coder = found.short_updates, found.coder
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

    def put_biases(self, number: int, weights: int, bias: Tensor) -> None:
        """Send the biases (fan_out,) of a layer that has so many ``weights``."""
        for first, piece in self._split(bias.astype("<i2").tobytes(), 8, 2):
            head = struct.pack("<II", number, weights + first // 2)
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
        self.put_for_sums(samples)
        return self._sums(features, range(len(samples), len(samples) + 1))

    def put_for_sums(self, samples: NDArray[np.int8]) -> None:
        """Have the device sum the features of samples (N, D), and keep the sums."""
        self.clear()
        for sample in samples:
            self._put_sample(1, sample, 0)

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
        kept: Kept | None = None,
    ) -> DeviceStatus:
        """Have the device train, and wait until it has.

        Args:
            first_step: the first mini-batch.
            steps: how many.
            extra_shift: added to every update shift.
            device: its number.
            exchange: number of the exchange.
            energy_shift: added to the first layer's update shift.
            kept: what it is to have left of its changes; None if it keeps nothing.

        Returns:
            What it says when it is done: it is trained, and its next step is the one behind the
            last of these.

        Raises:
            DeviceGoneError: if it stops answering, or answers and gets no further.
            DeviceAnswerError: if it says that it has done something else.
            DeviceRefusedError: with the code for it if what it has left is of another exchange.
        """
        self._order(
            Kind.TRAIN,
            struct.pack("<5Ii", first_step, steps, extra_shift, device, exchange, energy_shift)
            + (b"" if kept is None else kept_words(kept)),
        )
        status = self._finished(DeviceState.TRAINING, first_step, first_step + steps)
        if status.state is DeviceState.TRAINED and status.step == first_step + steps:
            return status
        raise DeviceAnswerError(
            f"{self.name}: is {status.state.name.lower()} in step {status.step} after an "
            f"order to train steps {first_step} to {first_step + steps - 1}"
        )

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
