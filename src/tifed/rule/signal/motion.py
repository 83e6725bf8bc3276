"""The front end of a motion sensor: what a window of its axes looks like."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.rule.network.value_ranges import Range
from tifed.rule.signal.base import SignalFrontEnd

VERSION = 1
"""The version of the arithmetic, which digests contain (SPEC, section 18)."""

LEAST_WINDOW, LARGEST_WINDOW = 16, 256
MOST_AXES = 12
OF_A_CHANNEL = ("mean", "low", "middle", "high", "spread", "change", "above", "below", "skew")
"""Features of each channel, in their order."""
OF_A_PAIR = ("together", "lead", "changes")
"""Features of each two axes, in their order."""


@dataclass(frozen=True)
class MotionFrontEnd(SignalFrontEnd):
    """A fixed integer map from a window of motion readings to features (SPEC, section 18).

    Attributes:
        axes: readings at a time, 1..12. Of each three in a row (an accelerometer's, a gyroscope's)
            the length of the vector is a channel too.
        window: how many times are a window, 16..256.
        mirrored: axes, counted from 0, whose sign a device turns round that is worn on the other
            side of the body.
        axis_names: one for each axis, or none.
        scale: readings per unit of each axis, a fact about the sensor that no arithmetic here
            depends on; or none.
        hop: times between the beginnings of two windows, which decides how often a window is due
            and no feature.
        mirror_side: what the training data call the side on which signs are turned round; or "".

    Raises:
        UsageError: naming the argument that is out of range.
    """

    axes: int
    window: int
    mirrored: tuple[int, ...] = ()
    axis_names: tuple[str, ...] = ()
    scale: tuple[float, ...] = ()
    hop: int = 0
    mirror_side: str = ""
    name = "motion"

    def __post_init__(self) -> None:
        if not 1 <= self.axes <= MOST_AXES:
            raise UsageError(f"axes: {self.axes} is not in 1..{MOST_AXES}")
        if not LEAST_WINDOW <= self.window <= LARGEST_WINDOW:
            raise UsageError(
                f"window: {self.window} readings of each axis are not in "
                f"{LEAST_WINDOW}..{LARGEST_WINDOW}"
            )
        object.__setattr__(self, "mirrored", tuple(sorted(set(self.mirrored))))
        if any(not 0 <= axis < self.axes for axis in self.mirrored):
            raise UsageError(f"mirrored: {self.mirrored} are not all in 0..{self.axes - 1}")
        object.__setattr__(self, "hop", self.hop or self.window)
        if not 1 <= self.hop <= 65535:
            raise UsageError(f"hop: {self.hop} is not in 1..65535")
        for field in ("axis_names", "scale"):
            if len(given := getattr(self, field)) not in (0, self.axes):
                raise UsageError(f"{field}: {len(given)} for {self.axes} axes; give one each")

    @property
    def magnitudes(self) -> int:
        """Channels that are the length of three axes' vector."""
        return self.axes // 3

    @property
    def channels(self) -> int:
        """Axes and magnitudes."""
        return self.axes + self.magnitudes

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Each two axes, in their order."""
        return tuple(combinations(range(self.axes), 2))

    @property
    def blocks(self) -> int:
        """Means of eight readings in a row, of which the quantiles are taken."""
        return self.window // 8

    @property
    def output_shape(self) -> tuple[int]:
        """As many values as the features have."""
        return (len(OF_A_CHANNEL) * self.channels + len(OF_A_PAIR) * len(self.pairs),)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Such as ``mean(ax)`` and ``together(ax, ay)``."""
        axes = self.axis_names or tuple(f"axis {number}" for number in range(self.axes))
        lengths = (f"|{', '.join(axes[3 * i : 3 * i + 3])}|" for i in range(self.magnitudes))
        channels = (*axes, *lengths)
        of_channels = [f"{what}({channel})" for what in OF_A_CHANNEL for channel in channels]
        of_pairs = [f"{what}({axes[i]}, {axes[j]})" for what in OF_A_PAIR for i, j in self.pairs]
        return (*of_channels, *of_pairs)

    @property
    def description(self) -> str:
        """The text that its digest is of (SPEC, section 18.5)."""
        mirrored = ",".join(map(str, self.mirrored)) or "none"
        return (
            f"tifed-motion/{VERSION}\naxes {self.axes} window {self.window} mirrored {mirrored}\n"
        )

    @property
    def memory(self) -> int:
        """What ``tifed_motion_memory`` says (SPEC, section 18.4)."""
        ring, scaled = 2 * self.channels * self.window, self.axes * self.window
        return (ring + scaled + 3) // 4 * 4

    def mirror(self, readings: NDArray[np.int16]) -> NDArray[np.int16]:
        """Readings int16 (..., axes) as a device worn on the other side of the body has them."""
        turned = readings.astype(np.int32)
        turned[..., list(self.mirrored)] *= -1
        return np.minimum(turned, 32767).astype(np.int16)

    def compute(self, readings: NDArray[np.int16]) -> NDArray[np.int8]:
        """Features int8 (F,) of the readings int16 (window, axes) of one window.

        Raises:
            UsageError: if the readings have another type or shape.
        """
        if readings.ndim != 2:
            raise UsageError(f"readings: {readings.shape}; one window is (times, axes)")
        found: NDArray[np.int8] = self.compute_all(readings[np.newaxis])[0]
        return found

    def compute_all(self, windows: NDArray[np.int16]) -> NDArray[np.int8]:
        """Features int8 (N, F) of windows int16 (N, window, axes), by the oracle.

        Raises:
            UsageError: if the readings have another type or shape.
        """
        from tifed.rule.signal.motion_oracle import features

        self.check(windows)
        return features(self, windows)

    def check(self, windows: NDArray[np.int16]) -> None:
        """Make sure that these are windows that it takes.

        Raises:
            UsageError: if not.
        """
        expected = (self.window, self.axes)
        if windows.dtype != np.int16 or windows.ndim != 3 or windows.shape[1:] != expected:
            raise UsageError(
                f"readings: {windows.dtype} {windows.shape}; the front end 'motion' takes int16 "
                f"windows of {self.window} times and {self.axes} axes"
            )

    def ranges(self) -> tuple[Range, ...]:
        """The proven worst case of every value (SPEC, section 18.3)."""
        from tifed.rule.signal.motion_ranges import motion_ranges

        return motion_ranges(self)
