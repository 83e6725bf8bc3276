"""The layers of a feature extractor: their constants, the planes they give, their proved ranges."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError

Plane = tuple[int, int, int]
"""Height, width and channels of what a layer takes or gives."""

LARGEST_SIDE = 4096
"""Most rows, columns or channels of a plane."""
LARGEST_PLANE = 1 << 24
"""Most values of a plane."""
LARGEST_FAN_IN = 1 << 16
"""Most products in one sum."""
LARGEST_SHIFT = 24
LARGEST_SUM = (1 << 31) - 1


@dataclass(frozen=True, eq=False)
class Convolution:
    """Sums over windows of the plane: ``v = (bias + Σ w·x + 2**(shift - 1)) >> shift``, clamped.

    Attributes:
        weights: int8 (out_channels, kernel_h, kernel_w, in_channels).
        bias: int32 (out_channels,); counts as it is, before the shift.
        shift: uint8 (out_channels,), 0..24: the power of two a channel's sum is divided by.
        stride: pixels from one window to the next, down and across.
        padding: pixels added on each of the four sides, fewer than the kernel has.
        relu: clamp to 0..127; otherwise to -127..127.

    Raises:
        UsageError: if an array has another type or shape, or a number is out of range.
    """

    weights: NDArray[np.int8]
    bias: NDArray[np.int32]
    shift: NDArray[np.uint8]
    stride: int = 1
    padding: int = 0
    relu: bool = True

    def __post_init__(self) -> None:
        _keep_arrays(self, 4)
        if not 1 <= self.stride <= LARGEST_SIDE:
            raise UsageError(f"stride: {self.stride} is not in 1..{LARGEST_SIDE}")
        smallest = min(self.weights.shape[1:3])
        if not 0 <= self.padding < smallest:
            raise UsageError(
                f"padding: {self.padding} is not in 0..{smallest - 1}, "
                "less than the kernel's height and width"
            )

    @property
    def kernel(self) -> tuple[int, int]:
        """Height and width of a window."""
        return self.weights.shape[1], self.weights.shape[2]

    def output(self, plane: Plane) -> Plane:
        """The plane it makes of ``plane``.

        Raises:
            UsageError: if it takes other channels, or its kernel is larger than the padded plane.
        """
        if plane[2] != self.weights.shape[3]:
            raise UsageError(
                f"weights: for {self.weights.shape[3]} channels, but it is given {plane[2]}"
            )
        sides = [side + 2 * self.padding for side in plane[:2]]
        if any(window > side for window, side in zip(self.kernel, sides, strict=True)):
            raise UsageError(
                f"weights: a kernel of {self.kernel[0]}x{self.kernel[1]} does not fit into "
                f"{sides[0]}x{sides[1]} pixels, padding included"
            )
        height, width = (
            (side - window) // self.stride + 1
            for window, side in zip(self.kernel, sides, strict=True)
        )
        return height, width, len(self.weights)


@dataclass(frozen=True)
class MaxPool:
    """The largest value of each channel in square windows; windows that do not fit are left out.

    Attributes:
        size: height and width of a window.
        stride: pixels from one window to the next.

    Raises:
        UsageError: if a number is out of range.
    """

    size: int
    stride: int

    def __post_init__(self) -> None:
        for name in ("size", "stride"):
            value = getattr(self, name)
            if not 1 <= value <= LARGEST_SIDE:
                raise UsageError(f"{name}: {value} is not in 1..{LARGEST_SIDE}")

    def output(self, plane: Plane) -> Plane:
        """The plane it makes of ``plane``.

        Raises:
            UsageError: if the window is larger than the plane.
        """
        height, width, channels = plane
        if self.size > min(height, width):
            raise UsageError(f"size: {self.size} does not fit into {height}x{width} pixels")
        return (
            (height - self.size) // self.stride + 1,
            (width - self.size) // self.stride + 1,
            channels,
        )


@dataclass(frozen=True, eq=False)
class Dense:
    """Sums over the whole plane, flattened by height, width, channel; arithmetic of `Convolution`.

    Attributes:
        weights: int8 (outputs, inputs).
        bias: int32 (outputs,).
        shift: uint8 (outputs,), 0..24.
        relu: clamp to 0..127; otherwise to -127..127.

    Raises:
        UsageError: if an array has another type or shape, or a number is out of range.
    """

    weights: NDArray[np.int8]
    bias: NDArray[np.int32]
    shift: NDArray[np.uint8]
    relu: bool = True

    def __post_init__(self) -> None:
        _keep_arrays(self, 2)

    def output(self, plane: Plane) -> Plane:
        """The plane it makes of ``plane``: one pixel.

        Raises:
            UsageError: if it takes another number of inputs.
        """
        given = plane[0] * plane[1] * plane[2]
        if given != self.weights.shape[1]:
            raise UsageError(
                f"weights: for {self.weights.shape[1]} inputs, but it is given "
                f"{plane[0]}x{plane[1]}x{plane[2]} = {given}"
            )
        return 1, 1, len(self.weights)


Weighted = Convolution | Dense
"""A layer with sums."""
FeatureLayer = Convolution | MaxPool | Dense


def sum_limits(layer: Weighted, input_limit: int) -> NDArray[np.int64]:
    """Largest magnitude (out,) of each unit's sum, partial sums and rounding included (SPEC 13.2).

    Args:
        layer: with its constants.
        input_limit: largest magnitude of an input.
    """
    products = np.abs(layer.weights.reshape(len(layer.weights), -1).astype(np.int64)).sum(axis=1)
    rounding = (np.int64(1) << layer.shift.astype(np.int64)) >> 1
    limits: NDArray[np.int64] = products * input_limit + np.abs(layer.bias.astype(np.int64))
    return limits + rounding


def check_sums(layer: Weighted, input_limit: int) -> None:
    """Make sure that no sum can leave 32 bits, in whatever order it is formed.

    Raises:
        UsageError: naming the unit whose sum could.
    """
    limits = sum_limits(layer, input_limit)
    worst = int(limits.argmax())
    if limits[worst] > LARGEST_SUM:
        raise UsageError(
            f"bias: the sum of unit {worst} can reach {limits[worst]:,}, past 32 bits; "
            "a smaller bias or smaller weights would fit"
        )


def _keep_arrays(layer: Weighted, dimensions: int) -> None:
    """Check the arrays of ``layer`` and hold copies that nobody can change."""
    for name, dtype in (("weights", np.int8), ("bias", np.int32), ("shift", np.uint8)):
        array = getattr(layer, name)
        if not isinstance(array, np.ndarray) or array.dtype != dtype:
            kind = getattr(array, "dtype", type(array).__name__)
            raise UsageError(f"{name}: {kind}; it has to be an array of {np.dtype(dtype)}")
        own = np.array(array, dtype, order="C")
        own.flags.writeable = False
        object.__setattr__(layer, name, own)
    shape = layer.weights.shape
    if len(shape) != dimensions or layer.weights.size == 0:
        wanted = "(outputs, inputs)" if dimensions == 2 else "(out, height, width, in)"
        raise UsageError(f"weights: shape {shape}; it has to be {wanted}, none of them 0")
    if layer.weights[0].size > LARGEST_FAN_IN:
        raise UsageError(
            f"weights: {layer.weights[0].size:,} products per sum; at most {LARGEST_FAN_IN:,}"
        )
    for name in ("bias", "shift"):
        if getattr(layer, name).shape != shape[:1]:
            raise UsageError(
                f"{name}: shape {getattr(layer, name).shape}; one per output is {shape[:1]}"
            )
    if layer.shift.max() > LARGEST_SHIFT:
        raise UsageError(f"shift: {layer.shift.max()} is not in 0..{LARGEST_SHIFT}")
