"""The generated header: all that a device's arithmetic depends on, as constants in C."""

import struct
import zlib
from collections.abc import Collection, Iterable
from math import prod

from tifed.board.firmware.extractor_header import extractor_constants
from tifed.board.firmware.front_end_header import intake_constants
from tifed.board.firmware.masked_header import MASKED_SWITCH
from tifed.board.firmware.own_header import kept_bytes, own_constants
from tifed.board.firmware.sealed_header import SEALED_SWITCH
from tifed.board.firmware.short_header import (
    CODER_SWITCH,
    QUIET_SWITCH,
    SHORT_SWITCH,
    residual_constants,
)
from tifed.board.firmware.signal_header import signal_constants
from tifed.errors import UsageError
from tifed.extractor import Extractor
from tifed.rule.front_end import FrontEnd
from tifed.rule.integer import Rounding
from tifed.rule.network import Activation, ErrorKind, Feedback, Layer, Network, Parameters
from tifed.rule.network.core_numbers import layer_numbers, rule_numbers
from tifed.rule.network.memory import device_memory, held_bytes
from tifed.rule.signal import SignalFrontEnd
from tifed.rule.store import StoreShape

FINGERPRINT_VERSION = 1
"""Of the list of numbers that a fingerprint is made of (SPEC, 12.4)."""

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
    network: Network,
    trained: Iterable[tuple[int, ...]],
    buffer: int,
    batch: int,
    in_flash: Collection[int] = (),
    sourced: bool = False,
    received: bool = False,
) -> int:
    """RAM that the core needs for the largest of the sets of layers in ``trained``.

    Args:
        network: every constant of it.
        trained: the sets of layers that a device may be asked to train.
        buffer: samples a device keeps.
        batch: samples per mini-batch.
        in_flash: layers whose parameters take no RAM.
        sourced: whether samples are kept elsewhere.
        received: whether trained layers' parameters are kept as they arrived.
    """
    saved = sum(held_bytes(network, layer) for layer in in_flash)
    needs = [
        device_memory(network, layers, buffer, batch, sourced=sourced, received=received).total
        - saved
        for layers in trained
    ]
    return max(*needs, CALIBRATION_WORD * network.features)


def experiment_header(
    network: Network,
    trained: Iterable[tuple[int, ...]],
    buffer: int,
    batch: int,
    *,
    frozen: Parameters | None = None,
    front_end: FrontEnd | None = None,
    extractor: Extractor | None = None,
    shifts: tuple[int, int, int] | None = None,
    store: StoreShape | None = None,
    keeps: bool = False,
    plays: SignalFrontEnd | None = None,
    signal_digest: str | None = None,
    sealed: bool = False,
    masked: bool = False,
    short: bool = False,
    received: bool = False,
    coder: bool = False,
    quiet: bool = False,
    residuals: Collection[int] = (),
) -> str:
    """C text that firmware is compiled with.

    Args:
        network: what every device holds.
        trained: the sets of layers that a device may be asked to train.
        buffer: samples a device keeps.
        batch: samples per mini-batch.
        frozen: parameters of the layers that are in no set of ``trained``, to be kept in flash;
            None to keep every layer in RAM.
        front_end: makes features of the samples as they arrive; None if there is none.
        extractor: makes the network's features of those, or of the samples; None if there is none.
        shifts: height, width and channels of the samples as they arrive, if the device trains on
            shift copies of them; not with an extractor.
        store: of the device's own samples, which nobody sends it; None if they are sent.
        keeps: whether a device with own samples has RAM for the model that stays.
        plays: the signal front end that makes the samples of its store from recordings in flash;
            None if the store itself is there.
        signal_digest: SHA-256 of what made its own samples of readings; None if nothing did.
        sealed: whether the device has a key, and takes no frame that is not sealed with it.
        masked: whether its updates leave it under masks alone.
        short: whether the device sends and takes short updates.
        received: whether it has RAM for the parameters that it was given, beside those that it
            makes of them: without, it sends them whole.
        coder: whether it codes short updates.
        quiet: whether it answers an exchange as a whole.
        residuals: layers of which it keeps what was too small to go up; it is `short` then, and has
            room for what it has `received`.

    Raises:
        UsageError: if the network is for simulation only, or front end, extractor and network do
            not fit together.
    """
    sample = network.features if extractor is None else extractor.input_features
    if extractor is not None and extractor.features != network.features:
        raise UsageError(
            f"layers: the network takes {network.features} features, "
            f"the extractor gives {extractor.features}"
        )
    if front_end is not None and front_end.features != sample:
        raise UsageError(
            f"front_end: {front_end.name!r} gives {front_end.features} features, "
            f"the {'network' if extractor is None else 'extractor'} takes {sample}"
        )
    inputs = sample if front_end is None else front_end.input_features
    if shifts is not None and (extractor is not None or prod(shifts) != inputs):
        raise UsageError(f"shifts: {shifts} is not {inputs} values, or there is an extractor")
    trained = tuple(trained)
    untrained = set(range(network.depth)).difference(*trained) if frozen is not None else set()
    in_flash = tuple(sorted(untrained))
    if any(layer.weight_bits == 32 for layer in network.layers):
        raise UsageError("weight_bits: 32 is for simulations; a device has 8 or 16")
    memory = memory_bytes(
        network, trained, buffer, batch, in_flash, sourced=shifts is not None, received=received
    )
    name = fingerprint(network, buffer, batch, extractor, front_end, shifts, signal_digest)
    return f"""\
/* Generated from an experiment: {"-".join(map(str, network.shape))}. */
#ifndef TIFED_EXPERIMENT_H
#define TIFED_EXPERIMENT_H

#include "tifed.h"

#define TIFED_INPUTS {inputs}u
#define TIFED_SAMPLE {sample}u
#define TIFED_FEATURES {network.features}u
#define TIFED_CLASSES {network.classes}u
#define TIFED_BUFFER {buffer}u
#define TIFED_BATCH {batch}u
#define TIFED_MEMORY_BYTES {memory}u
#define TIFED_FINGERPRINT 0x{name:08X}u

{_constants(network)}
{_flash(network, in_flash, frozen)}
{intake_constants(front_end, shifts)}
{"" if extractor is None else extractor_constants(extractor)}
{"" if plays is None else signal_constants(plays)}
{"" if store is None else own_constants(store, kept_bytes(network, in_flash) if keeps else 0)}
{f"#define {SEALED_SWITCH} 1" if sealed else ""}
{f"#define {MASKED_SWITCH} 1" if masked else ""}
{f"#define {SHORT_SWITCH} 1" if short else ""}
{f"#define {CODER_SWITCH} 1" if coder else ""}
{f"#define {QUIET_SWITCH} 1" if quiet else ""}
{residual_constants(network, residuals) if residuals else ""}
#endif
"""


def fingerprint(
    network: Network,
    buffer: int,
    batch: int,
    extractor: Extractor | None = None,
    front_end: FrontEnd | None = None,
    shifts: tuple[int, int, int] | None = None,
    signal_digest: str | None = None,
) -> int:
    """32 bits by which a server knows that a device was built for its experiment.

    CRC-32 of numbers, not of the header's text: that may be written otherwise, and boards that were
    flashed before stay known.
    """
    numbers = [FINGERPRINT_VERSION, buffer, batch, network.depth]
    for layer in network.layers:
        numbers += layer_numbers(layer)
    numbers += rule_numbers(network)
    content = struct.pack(f"<{len(numbers)}I", *numbers)
    digests = [step.digest for step in (front_end, extractor) if step is not None]
    pictures = b"" if shifts is None else struct.pack("<3I", *shifts)
    readings = bytes.fromhex(signal_digest or "")
    return zlib.crc32(content + bytes.fromhex("".join(digests)) + pictures + readings)


def _flash(network: Network, in_flash: tuple[int, ...], frozen: Parameters | None) -> str:
    """Parameters of frozen layers, and the table that names them."""
    if frozen is None or not in_flash:
        return "#define TIFED_FROZEN NULL"
    arrays = [
        f"static const int{array.itemsize * 8}_t frozen_{layer}_{name}[] = "
        f"{{{', '.join(map(str, array.ravel().tolist()))}}};\n"
        for layer in in_flash
        for name, array in (("weights", frozen.weights[layer]), ("biases", frozen.biases[layer]))
    ]
    rows = [
        f"    {{frozen_{layer}_weights, frozen_{layer}_biases}},\n"
        if layer in in_flash
        else "    {NULL, NULL},\n"
        for layer in range(network.depth)
    ]
    table = f"static const tifed_frozen tifed_experiment_frozen[] = {{\n{''.join(rows)}}};\n"
    return f"{''.join(arrays)}{table}#define TIFED_FROZEN tifed_experiment_frozen"


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
