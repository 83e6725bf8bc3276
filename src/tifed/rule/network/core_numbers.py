"""A network as the numbers that C has for it (``tifed_layer`` and ``tifed_network`` in tifed.h)."""

from typing import NamedTuple

from tifed.rule.integer import Rounding
from tifed.rule.network.layer import Activation, Layer
from tifed.rule.network.network import ErrorKind, Feedback, Network

# Each in the order of its enumeration in tifed.h.
_ACTIVATIONS = (
    Activation.POCKET_TANH, Activation.RELU, Activation.IDENTITY, Activation.ABSOLUTE,
)  # fmt: skip
_ROUNDINGS = (Rounding.FLOOR, Rounding.NEAREST, Rounding.STOCHASTIC)
_ERRORS = (ErrorKind.SQUARED, ErrorKind.MARGIN)
_FEEDBACKS = (Feedback.UNIFORM, Feedback.BALANCED, Feedback.OUTPUT_SIGN)


class LayerNumbers(NamedTuple):
    """A ``tifed_layer``, field by field; their order is part of a board's fingerprint."""

    fan_in: int
    fan_out: int
    rescale_factor: int
    rescale_shift: int
    rescale_rounding: int
    update_shift: int
    update_rounding: int
    bias_shift: int
    activation: int
    input_limit: int
    weight_bits: int


class RuleNumbers(NamedTuple):
    """A ``tifed_network`` behind its depth, field by field, as `LayerNumbers`."""

    error: int
    error_level: int
    feedback: int
    input_shift: int
    centred: int


def layer_numbers(layer: Layer) -> LayerNumbers:
    """``layer`` as C has it."""
    return LayerNumbers(
        fan_in=layer.fan_in,
        fan_out=layer.fan_out,
        rescale_factor=layer.rescale_factor,
        rescale_shift=layer.rescale_shift,
        rescale_rounding=_ROUNDINGS.index(layer.rescale_rounding),
        update_shift=layer.update_shift,
        update_rounding=_ROUNDINGS.index(layer.update_rounding),
        bias_shift=layer.bias_shift,
        activation=_ACTIVATIONS.index(layer.activation),
        input_limit=layer.input_limit,
        weight_bits=layer.weight_bits,
    )


def rule_numbers(network: Network) -> RuleNumbers:
    """What ``network`` has beside its layers, as C has it."""
    return RuleNumbers(
        error=_ERRORS.index(network.error),
        error_level=network.error_level,
        feedback=_FEEDBACKS.index(network.feedback),
        input_shift=network.input_shift,
        centred=int(network.centred),
    )
