"""A network as the numbers that C has for it (``tifed_layer`` and ``tifed_network`` in tifed.h)."""

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


def layer_numbers(layer: Layer) -> tuple[int, ...]:
    """The eleven numbers of a ``tifed_layer``, in the order of its fields."""
    return (
        layer.fan_in,
        layer.fan_out,
        layer.rescale_factor,
        layer.rescale_shift,
        _ROUNDINGS.index(layer.rescale_rounding),
        layer.update_shift,
        _ROUNDINGS.index(layer.update_rounding),
        layer.bias_shift,
        _ACTIVATIONS.index(layer.activation),
        layer.input_limit,
        layer.weight_bits,
    )


def rule_numbers(network: Network) -> tuple[int, int, int, int, int]:
    """The numbers of a ``tifed_network`` behind its depth, in the order of its fields."""
    return (
        _ERRORS.index(network.error),
        network.error_level,
        _FEEDBACKS.index(network.feedback),
        network.input_shift,
        int(network.centred),
    )
