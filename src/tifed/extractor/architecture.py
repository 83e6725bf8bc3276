"""Which ConvNet is trained where nobody brings one: its shape from the picture's."""

from dataclasses import dataclass

from tifed.errors import UsageError
from tifed.extractor.layers import Plane

POOL = 2


@dataclass(frozen=True)
class Block:
    """A convolution with ReLU, and perhaps a maximum over 2x2.

    Attributes:
        channels: that it gives.
        kernel: height and width of its windows, odd.
        padding: kernel // 2 keeps the plane's size, 0 takes its border away.
        pool: whether the maximum follows.
    """

    channels: int
    kernel: int
    padding: int
    pool: bool

    def output(self, plane: Plane) -> Plane:
        """The plane it makes; sides may be 0 or less where it does not fit."""
        height, width = (side - self.kernel + 1 + 2 * self.padding for side in plane[:2])
        divisor = POOL if self.pool else 1
        return height // divisor, width // divisor, self.channels


def architecture(
    input_shape: Plane, channels: tuple[int, ...], features: int, kernel: int = 3
) -> tuple[Block, ...]:
    """Blocks that halve the plane, one per entry of ``channels``, and one that gives the features.

    The last block has as many channels as make ``features`` values of its whole plane. Of its
    forms (with a maximum or not, without padding or with it) the first that comes out even is it.

    Args:
        input_shape: height, width and channels of a sample.
        channels: of the first blocks.
        features: values that the last block gives.
        kernel: of every block.

    Raises:
        UsageError: if the plane is too small for so many blocks, or no form comes out even.

    >>> [block.channels for block in architecture((28, 28, 1), (16, 32), 200)]
    [16, 32, 50]
    """
    if not channels or min(channels) < 1 or features < 1:
        raise UsageError(
            f"channels: {list(channels)} and {features} features; all must be 1 or more"
        )
    if kernel % 2 == 0 or kernel < 1:
        raise UsageError(f"kernel: {kernel} is not an odd number")
    same = kernel // 2
    blocks, plane = tuple(Block(count, kernel, same, True) for count in channels), input_shape
    for block in blocks:
        plane = block.output(plane)
    tried = []
    if min(plane) > 0:
        for pool in (True, False):
            for padding in (0, same):
                height, width, _ = Block(1, kernel, padding, pool).output(plane)
                if min(height, width) < 1:
                    continue
                if features % (height * width) == 0:
                    return (*blocks, Block(features // (height * width), kernel, padding, pool))
                tried.append(f"{height}x{width}")
    if not tried:
        raise UsageError(
            f"channels: {len(channels)} blocks leave nothing of {input_shape[0]}x{input_shape[1]} "
            "pixels; name fewer"
        )
    raise UsageError(
        f"features: {features} is a multiple of none of {', '.join(tried)}, what is left of "
        f"{input_shape[0]}x{input_shape[1]} pixels; choose another number of features or blocks"
    )
