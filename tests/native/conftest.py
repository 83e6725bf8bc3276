"""Networks, parameters and local work of every kind, for engines to be equal on."""

from dataclasses import dataclass

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from tifed.errors import UsageError
from tifed.rule.integer import Rounding
from tifed.rule.learning import LocalWork
from tifed.rule.network import Activation, ErrorKind, Feedback, Layer, Network, Parameters
from tifed.rule.network.parameters import bias_dtype, weight_dtype


@dataclass(frozen=True)
class Case:
    """A network, what it starts from, and what it is to do."""

    network: Network
    parameters: Parameters
    samples: np.ndarray
    labels: np.ndarray
    work: LocalWork


@st.composite
def layer_chains(draw: st.DrawFn) -> tuple[Layer, ...]:
    """One to four layers that fit together."""
    depth = draw(st.integers(1, 4))
    shape = [draw(st.integers(1, 40)) for _ in range(depth)] + [draw(st.integers(2, 20))]
    layers, limit = [], 128
    for number in range(depth):
        kinds = [Activation.POCKET_TANH, Activation.RELU, Activation.ABSOLUTE]
        if number == depth - 1:
            kinds.append(Activation.IDENTITY)
        activation = draw(st.sampled_from(kinds))
        layers.append(
            Layer(
                shape[number], shape[number + 1], limit, activation,
                rescale_shift=draw(st.integers(0, 14)),
                update_shift=draw(st.integers(0, 16)),
                rescale_factor=draw(st.sampled_from([1, 2, 3, 784, 65536])),
                rescale_rounding=draw(st.sampled_from([Rounding.FLOOR, Rounding.NEAREST])),
                update_rounding=draw(
                    st.sampled_from([Rounding.FLOOR, Rounding.NEAREST, Rounding.STOCHASTIC])
                ),
                bias_shift=draw(st.integers(0, 8)),
                weight_bits=draw(st.sampled_from([8, 16])),
            )
        )  # fmt: skip
        limit = activation.limit or 128
    return tuple(layers)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Random local work; parameters small, anywhere, or at their bounds."""
    shift = draw(st.integers(0, 1))
    fields = (
        draw(layer_chains()), draw(st.sampled_from(ErrorKind)), draw(st.integers(1, 127)),
        draw(st.sampled_from(Feedback)), shift, bool(shift and draw(st.booleans())),
    )  # fmt: skip
    try:
        network = Network(*fields)
    except UsageError:  # its hidden errors could pass 32 bits: there is no such network
        reject()
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    style = draw(st.sampled_from(["small", "anywhere", "extreme"]))

    def tensor(bound: int, shape: tuple[int, ...], dtype: np.dtype[np.signedinteger]) -> np.ndarray:
        if style == "extreme":
            return rng.choice([-bound, bound], shape).astype(dtype)
        reach = min(bound, 20) if style == "small" else bound
        return rng.integers(-reach, reach + 1, shape).astype(dtype)

    layers = network.layers
    parameters = Parameters(
        (rng.integers(-128, 128, network.features) * network.centred).astype(np.int8),
        tuple(tensor(x.weight_bound, (x.fan_in, x.fan_out), weight_dtype(x)) for x in layers),
        tuple(tensor(x.bias_bound, (x.fan_out,), bias_dtype(x)) for x in layers),
    )
    count = draw(st.integers(1, 40))
    work = LocalWork(
        batch=draw(st.integers(1, 45)),
        first_step=draw(st.integers(0, 4)),
        steps=draw(st.integers(0, 9)),
        layers=tuple(sorted(draw(st.sets(st.integers(0, network.depth - 1), min_size=1)))),
        extra_shift=draw(st.integers(0, 1)),
        seed=draw(st.integers(0, 2**64 - 1)),
        device=draw(st.integers(0, 2**32 - 1)),
        exchange=draw(st.integers(0, 2**32 - 1)),
        energy_shift=draw(st.integers(*network.layers[0].shift_changes)),
    )
    samples = rng.choice([-128, 127], (count, network.features))
    if draw(st.booleans()):
        samples = rng.integers(-128, 128, (count, network.features))
    labels = rng.integers(0, network.classes, count).astype(np.int32)
    samples = samples.astype(np.int8)
    if copies := draw(st.integers(0, 3)):  # of each sample, of which each visit takes one
        others = rng.integers(-128, 128, (copies, *samples.shape)).astype(np.int8)
        samples = np.concatenate([samples[np.newaxis], others])
    return Case(network, parameters, samples, labels, work)
