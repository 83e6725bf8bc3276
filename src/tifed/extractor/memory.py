"""RAM that an extraction takes on a device: the C core's own layout (SPEC, section 13.3)."""

from dataclasses import dataclass
from itertools import pairwise

from tifed.extractor.extractor import Extractor
from tifed.extractor.layers import Dense, FeatureLayer, MaxPool, Plane, Weighted


@dataclass(frozen=True)
class ExtractorMemory:
    """Bytes of the block that an extraction needs beside the sample and the features.

    Attributes:
        patch: a window, gathered from where it lies.
        planes: what one stage gives and the next one takes.
    """

    patch: int
    planes: int

    @property
    def total(self) -> int:
        """Sum of all parts."""
        return self.patch + self.planes


def extractor_memory(extractor: Extractor) -> ExtractorMemory:
    """What ``tifed_features_memory`` says, part by part."""
    patch, held, at = [0], [0], 0
    layers = extractor.layers
    while at < len(layers):
        layer, following = layers[at], at + 1
        if not isinstance(layer, MaxPool):
            if gathers(layer, extractor.planes[at], at > 0):
                patch.append(_words(layer.weights[0].size))
            if following < len(layers) and folds(layers[following]):
                following += 1
        if following < len(layers):
            height, width, channels = extractor.planes[following]
            held.append(_words(height * width * channels))
        at = following
    held.append(0)
    return ExtractorMemory(max(patch), max(map(sum, pairwise(held))))


def folds(layer: FeatureLayer) -> bool:
    """Whether it is done along with the sums before it: a pooling whose windows do not overlap."""
    return isinstance(layer, MaxPool) and layer.stride >= layer.size


def gathers(layer: Weighted, plane: Plane, held: bool) -> bool:
    """Whether windows have to be gathered, because they do not lie in the plane as they are needed.

    A window that is no whole number of words is read up to the next one: that is possible behind
    a whole plane that is held in the block.
    """
    height, width, channels = plane
    fan_in = layer.weights[0].size
    if fan_in % 4 and not (held and fan_in == height * width * channels):
        return True
    if isinstance(layer, Dense):
        return False
    return layer.padding > 0 or (layer.kernel[0] > 1 and layer.kernel[1] != width)


def _words(count: int) -> int:
    """Bytes rounded up to whole 32-bit words."""
    return (count + 3) // 4 * 4
