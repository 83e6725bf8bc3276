"""Arguments at the border to C: what does not fit is refused by name."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.rule.compression import RESIDUAL_TOP, Change
from tifed.rule.learning.feedback import FeedbackMatrices
from tifed.rule.network import Feedback, Network, Parameters, bias_dtype, weight_dtype


def array(
    name: str,
    value: object,
    dtype: type[np.generic] | np.dtype[np.generic],
    shape: Sequence[int | None],
    writable: bool = False,
) -> None:
    """Make sure that ``value`` is a C-contiguous array of ``dtype`` and ``shape``.

    Args:
        name: of the argument, for the error.
        value: what was given.
        dtype: the exact type; nothing is converted.
        shape: None stands for any length.
        writable: whether it is written to.

    Raises:
        UsageError: naming the argument and the remedy.
    """
    if not isinstance(value, np.ndarray):
        raise UsageError(f"{name}: {type(value).__name__} is not a NumPy array")
    if value.dtype != dtype:
        raise UsageError(f"{name}: {value.dtype} is not {np.dtype(dtype)}; use astype")
    if value.ndim != len(shape) or any(
        want is not None and have != want for have, want in zip(value.shape, shape, strict=True)
    ):
        wanted = "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
        raise UsageError(f"{name}: shape {value.shape} is not {wanted}")
    if not value.flags.c_contiguous:
        raise UsageError(f"{name}: is not contiguous; use numpy.ascontiguousarray")
    if not value.flags.aligned:
        raise UsageError(f"{name}: is not aligned; use numpy.require(..., requirements='A')")
    if writable and not value.flags.writeable:
        raise UsageError(f"{name}: is read-only, and is to be written to")


def whole(name: str, value: object, low: int, high: int) -> int:
    """``value`` as an int in ``low..high``.

    Raises:
        UsageError: naming the argument.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise UsageError(f"{name}: {value!r} is not a whole number")
    if not low <= value <= high:
        raise UsageError(f"{name}: {value} is not in {low}..{high}")
    return int(value)


def parameter_arrays(
    network: Network, parameters: Parameters
) -> tuple[NDArray[np.int8], list[NDArray[np.int16]], list[NDArray[np.int16]]]:
    """Centre, weights and biases as C takes them: 16 bits each; their ranges are checked there.

    Raises:
        UsageError: naming the array of another shape, type or layout than the network's.
    """
    if len(parameters.weights) != network.depth or len(parameters.biases) != network.depth:
        raise UsageError(
            f"parameters: {len(parameters.weights)} layers of arrays for {network.depth} layers"
        )
    array("input.centre", parameters.centre, np.int8, (network.features,))
    weights, biases = [], []
    for number, layer in enumerate(network.layers):
        W, b = parameters.weights[number], parameters.biases[number]
        array(f"layer.{number}.weight", W, weight_dtype(layer), (layer.fan_in, layer.fan_out))
        array(f"layer.{number}.bias", b, bias_dtype(layer), (layer.fan_out,))
        weights.append(W.astype(np.int16, copy=False))
        biases.append(b.astype(np.int16, copy=False))
    return parameters.centre, weights, biases


def feedback_arrays(network: Network, feedback: FeedbackMatrices) -> list[NDArray[np.int16]]:
    """Feedback matrices (classes, units) in 16 bits.

    Raises:
        UsageError: if one has another shape, or entries past the range that sums are proved for.
    """
    if len(feedback) != network.depth - 1:
        raise UsageError(f"feedback: {len(feedback)} matrices for {network.depth - 1} layers")
    matrices = []
    for number, matrix in enumerate(feedback):
        name = f"feedback[{number}]"
        array(name, matrix, np.int64, (network.classes, network.layers[number].fan_out))
        uniform = network.feedback is Feedback.UNIFORM
        reach = network.feedback_range(number) if uniform else 1
        if matrix.size and max(-int(matrix.min()), int(matrix.max())) > reach:
            raise UsageError(f"{name}: has entries beyond {reach}, the largest for this network")
        matrices.append(matrix.astype(np.int16))
    return matrices


def changes(network: Network, upload: Sequence[Change]) -> None:
    """How the weights of each layer go up, or nothing where they go whole.

    Raises:
        UsageError: if these are not as many changes as there are layers.
    """
    if any(not isinstance(change, Change) for change in upload):
        raise UsageError("upload: holds what is not a Change")
    if len(upload) not in (0, network.depth):
        raise UsageError(f"upload: {len(upload)} changes for {network.depth} layers")


def residuals(
    network: Network,
    upload: Sequence[Change],
    jobs: int,
    before: Mapping[int, NDArray[np.int8]],
) -> list[NDArray[np.int8]]:
    """Per change int8 (jobs, fan_in, fan_out) to write to: what is left ``before``; else of size 0.

    Raises:
        UsageError: if there is something left of a layer that keeps nothing, or it is not such an
            array, or holds -128.
    """
    keeps = [number for number, change in enumerate(upload) if change.unit is not None]
    if before.keys() - set(keeps):
        raise UsageError(f"residuals: of layers {sorted(before)}, and {keeps} keep some")
    made = [np.zeros((0, 0, 0), np.int8) for _ in upload]
    for number in keeps:
        layer = network.layers[number]
        shape = (jobs, layer.fan_in, layer.fan_out)
        if number not in before:
            made[number] = np.zeros(shape, np.int8)
            continue
        kept = before[number]
        array("residuals", kept, np.int8, shape)
        if kept.size and kept.min() < -RESIDUAL_TOP:
            raise UsageError(f"residuals: {kept.min()} is not in -{RESIDUAL_TOP}..{RESIDUAL_TOP}")
        made[number] = kept.copy()
    return made


MOST_COPIES = 65535
"""Of a sample, of which each visit takes one."""


def sample_arrays(network: Network, samples: NDArray[np.int8], labels: NDArray[np.int32]) -> None:
    """Samples (N, D) or (copies, N, D) int8 and labels (N,) int32 of the network's classes, N > 0.

    Raises:
        UsageError: naming what is wrong.
    """
    copies = (None,) if np.ndim(samples) == 3 else ()
    array("samples", samples, np.int8, (*copies, None, network.features))
    array("labels", labels, np.int32, (samples.shape[-2],))
    if len(labels) == 0 or len(samples) == 0:
        raise UsageError("samples: there are none to train on")
    if copies and len(samples) > MOST_COPIES:
        raise UsageError(f"samples: {len(samples)} copies of each; at most {MOST_COPIES}")
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < 0 or highest >= network.classes:
        wrong = lowest if lowest < 0 else highest
        raise UsageError(f"labels: {wrong} is not a class of 0..{network.classes - 1}")


__all__ = [
    "array",
    "changes",
    "feedback_arrays",
    "parameter_arrays",
    "residuals",
    "sample_arrays",
    "whole",
]
