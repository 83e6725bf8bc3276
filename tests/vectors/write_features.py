"""Write features.txt: random extractors with the oracle's features, for C and Python tests alike.

Whitespace-separated integers: the number of cases, then each case in the order of `case_numbers`.
Run it again when the arithmetic's specification changes, and say so in SPEC.md.
"""

from pathlib import Path

import numpy as np

from tifed.errors import UsageError
from tifed.extractor import Convolution, Dense, Extractor, FeatureLayer, MaxPool
from tifed.extractor.memory import extractor_memory
from tifed.extractor.oracle import extract
from tifed.extractor.packed import packed_layers

PATH = Path(__file__).with_name("features.txt")
CASES = 24


def random_extractor(seed: int) -> Extractor:
    """One to four layers of any kind on a small plane; every third with constants at extremes."""
    rng = np.random.default_rng(seed)
    extreme = seed % 3 == 0

    def weights(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
        if extreme:
            return rng.choice([-128, 127, 0, 1], shape).astype(np.int8)
        return rng.integers(-128, 128, shape).astype(np.int8)

    def constants(outputs: int, fan_in: int) -> tuple[np.ndarray, np.ndarray]:
        room = 2**31 - 1 - 128 * 128 * fan_in - 2**23
        bound = room if extreme else 1 << int(rng.integers(1, 20))
        bias = rng.integers(-bound, bound + 1, outputs)
        if extreme:
            bias[::2] = bound * int(rng.choice([-1, 1]))
        highest = 25 if extreme else 12
        shift = rng.integers(0, highest, outputs).astype(np.uint8)
        return bias.astype(np.int32), shift

    while True:
        height, width, channels = (int(it) for it in rng.integers(1, [14, 14, 6]))
        shape = plane = (height, width, channels)
        layers: list[FeatureLayer] = []
        try:
            for _ in range(int(rng.integers(1, 5))):
                layer: FeatureLayer
                kind = int(rng.integers(5))
                relu = bool(rng.integers(3))
                if kind < 3:
                    kernel = [int(it) for it in rng.integers(1, 6, 2)]
                    outputs = int(rng.integers(1, 10))
                    layer = Convolution(
                        weights(outputs, *kernel, plane[2]),
                        *constants(outputs, kernel[0] * kernel[1] * plane[2]),
                        stride=int(rng.choice([1, 1, 2, 3])),
                        padding=int(rng.integers(min(kernel))),
                        relu=relu,
                    )
                elif kind == 3:
                    layer = MaxPool(int(rng.integers(1, 4)), int(rng.integers(1, 4)))
                else:
                    inputs, outputs = plane[0] * plane[1] * plane[2], int(rng.integers(1, 20))
                    layer = Dense(weights(outputs, inputs), *constants(outputs, inputs), relu)
                plane = layer.output(plane)
                layers.append(layer)
            return Extractor(shape, int(rng.choice([-128, 0, 7])), tuple(layers))
        except UsageError:  # a kernel larger than its plane, or pools alone
            continue


def case_numbers(seed: int) -> list[int]:
    """One case: an extractor in the layout of C, samples, and the oracle's features of them."""
    extractor = random_extractor(seed)
    rng = np.random.default_rng(seed + 1000)
    samples = rng.integers(-128, 128, (2, extractor.input_features)).astype(np.int8)
    samples[1] = rng.choice([-128, 127], samples.shape[1])
    numbers = [*extractor.input_shape, extractor.input_zero, len(extractor.layers)]
    for layer in packed_layers(extractor):
        numbers += [layer.units, *layer.kernel, layer.stride, layer.padding, int(layer.relu)]
        numbers += [len(layer.quads), *layer.quads.tolist()]
    numbers += [extractor_memory(extractor).total, extractor.features, len(samples)]
    numbers += samples.ravel().tolist() + extract(extractor, samples).ravel().tolist()
    return numbers


def text() -> str:
    """The whole file."""
    lines = [str(CASES)]
    for seed in range(CASES):
        numbers = case_numbers(seed)
        lines += [" ".join(map(str, numbers[at : at + 24])) for at in range(0, len(numbers), 24)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="ascii")
