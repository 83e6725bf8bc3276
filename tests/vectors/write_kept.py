"""Write kept.txt: models that stay on a device, with the oracle's bytes, for tests of the C.

Whitespace-separated integers: the number of cases, then each case in the order of `case_numbers`.
Run it again when the specification of the kept model changes, and say so in SPEC.md.
"""

import runpy
import zlib
from pathlib import Path

import numpy as np

from tifed.rule.network import Network, Parameters
from tifed.rule.network.core_numbers import layer_numbers, rule_numbers
from tifed.rule.network.parameters import bias_dtype, weight_dtype
from tifed.rule.store import KeptModel, kept_slot, kept_words

PATH = Path(__file__).with_name("kept.txt")


def networks() -> list[Network]:
    """Those of the core's vectors that are small."""
    small: list[Network] = runpy.run_path(str(PATH.with_name("write_core.py")))["small_networks"]()
    return small


def random_parameters(network: Network, rng: np.random.Generator) -> Parameters:
    """Anywhere within their bounds."""
    centre = rng.integers(-128, 128, network.features) if network.centred else 0
    return Parameters(
        np.broadcast_to(centre, network.features).astype(np.int8),
        tuple(
            rng.integers(
                -layer.weight_bound, layer.weight_bound + 1, (layer.fan_in, layer.fan_out)
            ).astype(weight_dtype(layer))
            for layer in network.layers
        ),
        tuple(
            rng.integers(-layer.bias_bound, layer.bias_bound + 1, layer.fan_out).astype(
                bias_dtype(layer)
            )
            for layer in network.layers
        ),
    )


def random_models(case: int, network: Network) -> tuple[KeptModel, KeptModel]:
    """Two models one after the other, of which layers in flash are the same."""
    rng = np.random.default_rng(case + 7000)
    frozen = tuple(layer for layer in range(network.depth) if rng.random() < 0.3)
    first, second = (random_parameters(network, rng) for _ in range(2))
    second = Parameters(
        second.centre,
        tuple((first if n in frozen else second).weights[n] for n in range(network.depth)),
        tuple((first if n in frozen else second).biases[n] for n in range(network.depth)),
    )
    seed = int(rng.integers(1 << 63)) * 2 + 1
    return (
        KeptModel(first, seed, case, -case % 5, frozen),
        KeptModel(second, seed, case + 30, case % 3, frozen),
    )


def case_numbers(case: int, network: Network) -> list[int]:
    """What is kept, how many bytes that takes, and the CRC-32 of all of them.

    After the network: what memory holds before, the fingerprint, layers in flash (one bit each);
    of two models the seed, the round, the energy shift, the centre, and each layer in the order of
    the wire; two times the words.
    """
    rng = np.random.default_rng(case + 9000)
    models = random_models(case, network)
    filled, fingerprint = (0x00, 0xFF, 0x5A)[case % 3], int(rng.integers(1 << 32))
    words = rng.integers(0, 1 << 32, (2, 8)).tolist()
    numbers = [network.depth, *rule_numbers(network)]
    for layer in network.layers:
        numbers += layer_numbers(layer)
    numbers += [filled, fingerprint, sum(1 << layer for layer in models[0].frozen)]
    for model in models:
        numbers += [model.seed & 0xFFFFFFFF, model.seed >> 32, model.round, model.energy_shift]
        numbers += model.parameters.centre.tolist()
        for weights, biases in zip(model.parameters.weights, model.parameters.biases, strict=True):
            numbers += weights.ravel().tolist() + biases.tolist()
    numbers += words[0] + words[1]
    image = kept_words(words[1], 2) + kept_words(words[0], 1)
    image += kept_slot(network, models[1], 2, fingerprint)
    image += kept_slot(network, models[0], 1, fingerprint)
    return [*numbers, len(image), zlib.crc32(image)]


def text() -> str:
    """The whole file."""
    cases = [case_numbers(case, network) for case, network in enumerate(networks())]
    lines = [str(len(cases))]
    for numbers in cases:
        lines += [" ".join(map(str, numbers[at : at + 24])) for at in range(0, len(numbers), 24)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="ascii")
