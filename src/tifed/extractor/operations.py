"""What extracting the features of one sample consists of, whatever the processor."""

from dataclasses import dataclass

from tifed.extractor.extractor import Extractor
from tifed.extractor.layers import MaxPool
from tifed.extractor.memory import folds, gathers


@dataclass(frozen=True)
class ExtractorOperations:
    """Counts of one sample.

    Attributes:
        macs: multiply-accumulates.
        products: the same with inputs and units padded to multiples of four, as the core does them.
        outputs: sums that are rescaled, padded likewise.
        windows: of the planes that sums are formed over.
        gathered: values copied into windows.
    """

    macs: int
    products: int
    outputs: int
    windows: int
    gathered: int


def extractor_operations(extractor: Extractor) -> ExtractorOperations:
    """The counts of ``extractor``; pixels that no max-pooling looks at are not computed."""
    macs = products = outputs = windows = gathered = 0
    for number, layer in enumerate(extractor.layers):
        if isinstance(layer, MaxPool):
            continue
        following = extractor.layers[number + 1 : number + 2]
        height, width, _ = extractor.planes[number + 1]
        if following and isinstance(following[0], MaxPool) and folds(following[0]):
            pooled = extractor.planes[number + 2]
            height, width = (side * following[0].size for side in pooled[:2])
        units, fan_in = len(layer.weights), layer.weights[0].size
        windows += height * width
        macs += height * width * units * fan_in
        products += height * width * _fours(units) * _fours(fan_in)
        outputs += height * width * _fours(units)
        if gathers(layer, extractor.planes[number], number > 0):
            gathered += height * width * fan_in
    return ExtractorOperations(macs, products, outputs, windows, gathered)


def _fours(count: int) -> int:
    return (count + 3) // 4 * 4
