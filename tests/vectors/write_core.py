"""Write core.txt and the files beside it (`FILES`): cases of local work with the oracle's answers.

For C and Python tests alike. Whitespace-separated integers: the number of cases, then each case in
the order of `case_numbers`. Run it again when the arithmetic's specification changes, and say so
in SPEC.md.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.rule.integer import Rounding
from tifed.rule.learning import LocalWork, feedback_matrices, oracle
from tifed.rule.network import Activation, ErrorKind, Feedback, Layer, Network, Parameters, Tensor
from tifed.rule.network.parameters import bias_dtype, weight_dtype

FOLDER = Path(__file__).parent
ACTIVATIONS = (
    Activation.POCKET_TANH, Activation.RELU, Activation.IDENTITY, Activation.ABSOLUTE,
)  # fmt: skip
ROUNDINGS = (Rounding.FLOOR, Rounding.NEAREST, Rounding.STOCHASTIC)


def networks() -> list[Network]:
    """Every variant of the arithmetic; no recipe, as their defaults may change."""
    found = []
    for number in range(26):
        rng = np.random.default_rng(number)
        depth = number % 4 + 1
        shape = [int(width) for width in rng.integers(1, 22, depth)] + [2 + number % 17]
        layers, limit = [], 128
        for layer in range(depth):
            kinds = [kind for kind in ACTIVATIONS if layer == depth - 1 or kind.limit]
            activation = kinds[int(rng.integers(len(kinds)))]
            layers.append(
                Layer(
                    shape[layer], shape[layer + 1], limit, activation,
                    rescale_shift=int(rng.integers(2, 12)),
                    update_shift=int(rng.integers(12)),
                    rescale_factor=int(rng.choice([1, 1, shape[layer], 1000])),
                    rescale_rounding=ROUNDINGS[int(rng.integers(2))],
                    update_rounding=ROUNDINGS[number % 3],
                    bias_shift=int(rng.integers(9)),
                    weight_bits=8 if number % 5 == 0 else 16,
                )
            )  # fmt: skip
            limit = activation.limit or 128
        found.append(
            Network(
                tuple(layers), list(ErrorKind)[number % 2], 1 + int(rng.integers(127)),
                list(Feedback)[number // 2 % 3], number % 2, bool(number % 4 == 1),
            )
        )  # fmt: skip
    return found


def networks_with_large_shifts() -> list[Network]:
    """Updates shifted by more than a word of 16 bits, of errors so large that it leaves some."""
    return [
        Network(
            (
                Layer(
                    9, 3, 128, Activation.IDENTITY, rescale_shift=2, update_shift=shift,
                    update_rounding=ROUNDINGS[number % 3], bias_shift=8,
                ),
            ),
            ErrorKind.SQUARED, 100, Feedback.UNIFORM,
        )
        for number, shift in enumerate((16, 17, 16, 20, 18, 16))
    ]  # fmt: skip


def small_networks() -> list[Network]:
    """Those of `networks` with few parameters."""
    return [network for network in networks() if network.parameter_count < 400]


FILES = {
    "core.txt": networks,
    "core_large_shifts.txt": networks_with_large_shifts,
    "core_energy_shifts.txt": small_networks,
}
ENERGY_FILE = "core_energy_shifts.txt"


def energy_shift(number: int, network: Network) -> int:
    """Down to a shift of 0, up and down by turns, as far as the layer has room."""
    low, high = network.layers[0].shift_changes
    return (low, min(high, 1 + number), max(low, -1 - number % 4))[number % 3]


def case_numbers(number: int, network: Network, energy_shift: int = 0) -> list[int]:
    """One case: what goes in, and what the oracle makes of it."""
    rng = np.random.default_rng(1000 + number)
    count, batch = int(rng.integers(1, 14)), int(rng.integers(1, 8))
    near = number % 3 == 0

    def drawn(bound: int, shape: tuple[int, ...], dtype: np.dtype[np.signedinteger]) -> Tensor:
        if near:
            return rng.choice([-bound, bound, 0, 1], shape).astype(dtype)
        return rng.integers(-bound // 50 - 1, bound // 50 + 1, shape).astype(dtype)

    centre = rng.integers(-128, 128, network.features) if network.centred else 0
    parameters = Parameters(
        np.broadcast_to(centre, network.features).astype(np.int8),
        tuple(
            drawn(layer.weight_bound, (layer.fan_in, layer.fan_out), weight_dtype(layer))
            for layer in network.layers
        ),
        tuple(
            drawn(layer.bias_bound, (layer.fan_out,), bias_dtype(layer)) for layer in network.layers
        ),
    )
    samples = rng.integers(-128, 128, (count, network.features)).astype(np.int8)
    labels = rng.integers(0, network.classes, count).astype(np.int32)
    trained = 1 + number % ((1 << network.depth) - 1)
    seed = int(rng.integers(1 << 62)) * 2 + number % 2
    work = LocalWork(
        batch=batch, first_step=number % 3, steps=1 + number % 5,
        layers=tuple(layer for layer in range(network.depth) if trained >> layer & 1),
        extra_shift=number % 2, seed=seed, device=number * 7, exchange=number * 3,
        energy_shift=energy_shift,
    )  # fmt: skip
    feedback = feedback_matrices(network, seed)
    after, counts = oracle.train(network, parameters, feedback, samples, labels, work)
    numbers = [
        network.depth, list(ErrorKind).index(network.error), network.error_level,
        list(Feedback).index(network.feedback), network.input_shift, int(network.centred),
    ]  # fmt: skip
    for layer in network.layers:
        numbers += [
            layer.fan_in, layer.fan_out, layer.rescale_factor, layer.rescale_shift,
            ROUNDINGS.index(layer.rescale_rounding), layer.update_shift,
            ROUNDINGS.index(layer.update_rounding), layer.bias_shift,
            ACTIVATIONS.index(layer.activation), layer.input_limit, layer.weight_bits,
        ]  # fmt: skip
    numbers += [
        seed & 0xFFFFFFFF, seed >> 32, count, batch, trained, work.first_step, work.steps,
        work.extra_shift, work.device, work.exchange,
    ]  # fmt: skip
    arrays: list[NDArray[Any]] = [parameters.centre, samples, labels, *feedback]
    for array in arrays:
        numbers += array.ravel().tolist()
    for each in (parameters, after):
        for weight, bias in zip(each.weights, each.biases, strict=True):
            numbers += weight.ravel().tolist() + bias.tolist()
    numbers += [counts.visits, counts.missed, counts.clipped_parameters, counts.clipped_deltas]
    numbers += oracle.classify(network, parameters, samples).tolist()
    numbers.append(work.energy_shift)
    return numbers + oracle.margins(network, parameters, samples).tolist()


def text(name: str) -> str:
    """The whole of one of `FILES`."""
    cases = [
        case_numbers(number, network, energy_shift(number, network) if name == ENERGY_FILE else 0)
        for number, network in enumerate(FILES[name]())
    ]
    lines = [str(len(cases))]
    for numbers in cases:
        lines += [" ".join(map(str, numbers[at : at + 24])) for at in range(0, len(numbers), 24)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for file in FILES:
        (FOLDER / file).write_text(text(file), encoding="ascii")
