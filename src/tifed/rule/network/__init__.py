"""Layers, shapes, parameters, ranges, digest, and the model file."""

from tifed.rule.network.layer import INPUT_LIMIT, Activation, Layer
from tifed.rule.network.model_file import (
    energy_shift_of,
    load_model,
    model_front_end,
    model_header,
    network_from_json,
    save_model,
)
from tifed.rule.network.network import ErrorKind, Feedback, Network
from tifed.rule.network.parameters import (
    Parameters,
    Tensor,
    bias_dtype,
    check_parameters,
    start_parameters,
    weight_dtype,
)
from tifed.rule.network.value_ranges import Range, ranges

__all__ = [
    "INPUT_LIMIT",
    "Activation",
    "ErrorKind",
    "Feedback",
    "Layer",
    "Network",
    "Parameters",
    "Range",
    "Tensor",
    "bias_dtype",
    "check_parameters",
    "energy_shift_of",
    "load_model",
    "model_front_end",
    "model_header",
    "network_from_json",
    "ranges",
    "save_model",
    "start_parameters",
    "weight_dtype",
]
