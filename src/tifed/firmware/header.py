"""The generated header: all that a device's arithmetic depends on, as constants in C."""

import zlib
from collections.abc import Iterable

from tifed.errors import UsageError
from tifed.integer import Rounding
from tifed.network import Activation, ErrorKind, Feedback, Layer, Network
from tifed.network.memory import device_memory

_ACTIVATIONS = {
    Activation.POCKET_TANH: "TIFED_POCKET_TANH",
    Activation.RELU: "TIFED_RELU",
    Activation.IDENTITY: "TIFED_IDENTITY",
    Activation.ABSOLUTE: "TIFED_ABSOLUTE",
}
_ROUNDINGS = {
    Rounding.FLOOR: "TIFED_FLOOR",
    Rounding.NEAREST: "TIFED_NEAREST",
    Rounding.STOCHASTIC: "TIFED_STOCHASTIC",
}
_ERRORS = {ErrorKind.SQUARED: "TIFED_SQUARED", ErrorKind.MARGIN: "TIFED_MARGIN"}
_FEEDBACKS = {
    Feedback.UNIFORM: "TIFED_UNIFORM",
    Feedback.BALANCED: "TIFED_BALANCED",
    Feedback.OUTPUT_SIGN: "TIFED_OUTPUT_SIGN",
}

CALIBRATION_WORD = 4
"""Bytes per feature that a device needs for its calibration sums."""


def memory_bytes(
    network: Network, trained: Iterable[tuple[int, ...]], buffer: int, batch: int
) -> int:
    """RAM that the core needs for the largest of the sets of layers in ``trained``."""
    needs = [device_memory(network, layers, buffer, batch).total for layers in trained]
    return max(*needs, CALIBRATION_WORD * network.features)


def experiment_header(
    network: Network, trained: Iterable[tuple[int, ...]], buffer: int, batch: int
) -> str:
    """C text that firmware is compiled with.

    Args:
        network: what every device holds.
        trained: the sets of layers that a device may be asked to train.
        buffer: samples a device keeps.
        batch: samples per mini-batch.

    Raises:
        UsageError: if the network is for simulation only.
    """
    if any(layer.weight_bits == 32 for layer in network.layers):
        raise UsageError("weight_bits: 32 is for simulations; a device has 8 or 16")
    return f"""\
/* Generated from an experiment: {"-".join(map(str, network.shape))}. */
#ifndef TIFED_EXPERIMENT_H
#define TIFED_EXPERIMENT_H

#include "tifed.h"

#define TIFED_FEATURES {network.features}u
#define TIFED_CLASSES {network.classes}u
#define TIFED_BUFFER {buffer}u
#define TIFED_BATCH {batch}u
#define TIFED_MEMORY_BYTES {memory_bytes(network, trained, buffer, batch)}u
#define TIFED_FINGERPRINT 0x{fingerprint(network, buffer, batch):08X}u

{_constants(network)}
#endif
"""


def fingerprint(network: Network, buffer: int, batch: int) -> int:
    """32 bits by which a server knows that a device was built for its experiment."""
    return zlib.crc32(f"{buffer} {batch}\n{_constants(network)}".encode())


def _constants(network: Network) -> str:
    """The network in C."""
    layers = ",\n".join(f"    {_layer(layer)}" for layer in network.layers)
    return f"""\
static const tifed_layer tifed_experiment_layers[] = {{
{layers},
}};

static const tifed_network tifed_experiment_network = {{
    .layers = tifed_experiment_layers,
    .depth = {network.depth},
    .error = {_ERRORS[network.error]},
    .error_level = {network.error_level},
    .feedback = {_FEEDBACKS[network.feedback]},
    .input_shift = {network.input_shift},
    .centred = {"true" if network.centred else "false"},
}};
"""


def _layer(layer: Layer) -> str:
    """A ``tifed_layer``, in the order of its fields."""
    values = (
        layer.fan_in, layer.fan_out, layer.rescale_factor, layer.rescale_shift,
        _ROUNDINGS[layer.rescale_rounding], layer.update_shift, _ROUNDINGS[layer.update_rounding],
        layer.bias_shift, _ACTIVATIONS[layer.activation], layer.input_limit, layer.weight_bits,
    )  # fmt: skip
    return "{" + ", ".join(map(str, values)) + "}"
