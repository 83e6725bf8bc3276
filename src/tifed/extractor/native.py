"""Feature extraction in C; equal to the oracle bit for bit."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.extractor import Extractor
from tifed.extractor.packed import packed_layers
from tifed.native import _native, arguments
from tifed.native.engine import default_threads

DEVICE_EXTRACTION = "device"
"""The device's own code, in its bounded block of memory."""


def extraction_kernels() -> tuple[str, ...]:
    """Host kernels of feature extraction that this processor can run, the fastest last."""
    return tuple(_native.extraction_kernels())


def extract(
    extractor: Extractor,
    samples: NDArray[np.int8],
    kernel: str | None = None,
    threads: int | None = None,
    out: NDArray[np.int8] | None = None,
) -> NDArray[np.int8]:
    """Features int8 (N, F) of samples int8 (N, D), while other Python threads run.

    Args:
        extractor: with F features from samples of D values.
        samples: rows in the order height, width, channel.
        kernel: one of `extraction_kernels`, or ``device``; default the fastest.
        threads: 1..4096; default one per processor. Neither changes a result.
        out: where to write the features; default a new array.

    Raises:
        UsageError: naming the argument that is wrong.
    """
    names = (*extraction_kernels(), DEVICE_EXTRACTION)
    kernel = names[-2] if kernel is None else kernel
    if kernel not in names:
        raise UsageError(f"kernel: {kernel!r} is not one of {', '.join(names)}")
    arguments.array("samples", samples, np.int8, (None, extractor.input_features))
    shape = (len(samples), extractor.features)
    features = np.empty(shape, np.int8) if out is None else out
    arguments.array("out", features, np.int8, shape, writable=True)
    count = default_threads() if threads is None else arguments.whole("threads", threads, 1, 4096)
    try:
        _compiled(extractor, kernel).extract(samples, features, count)
    except ValueError as wrong:
        raise UsageError(str(wrong)) from wrong
    return features


@lru_cache(maxsize=16)
def _compiled(extractor: Extractor, kernel: str) -> _native.Extractor:
    """The extractor's constants in C."""
    packed = packed_layers(extractor)
    layers = [
        _native.FeatureLayer(
            units=it.units,
            kernel_height=it.kernel[0],
            kernel_width=it.kernel[1],
            stride=it.stride,
            padding=it.padding,
            relu=it.relu,
        )
        for it in packed
    ]
    return _native.Extractor(
        extractor.input_shape, extractor.input_zero, layers, [it.quads for it in packed], kernel
    )
