"""The norm of what a device has changed, and a bound on it, exactly (SPEC, section 23)."""

from collections.abc import Iterator

import numpy as np

from tifed.errors import UsageError
from tifed.rule.integer import isqrt
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Network, Parameters, Tensor

LARGEST_CLIP = (1 << 32) - 1
"""A bound that no difference reaches: with it norms are told, and nothing is clipped."""


def largest_squares(network: Network) -> int:
    """The largest sum of squares of a difference between two sets of a network's parameters."""
    return sum(
        4 * layer.fan_out * (layer.fan_in * layer.weight_bound**2 + layer.bias_bound**2)
        for layer in network.layers
    )


def check_clip(network: Network, clip: int) -> None:
    """Make sure that differences of ``network`` can be clipped to ``clip`` in 64-bit integers.

    Raises:
        UsageError: if the bound is not in 0..2**32 - 1, or a sum of squares could pass 63 bits.
    """
    if not 0 <= clip <= LARGEST_CLIP:
        raise UsageError(f"clip: {clip} is not in 0..{LARGEST_CLIP}")
    if clip and largest_squares(network) >= 1 << 63:
        raise UsageError(
            "clip: the sum of squares of a difference of this network's parameters could pass 63 "
            "bits; use layers with 8 or 16 bits a weight, and fewer of them"
        )


def norm_of(squares: int) -> int:
    """The least integer that is not below the square root of ``squares`` (0 or more).

    >>> [norm_of(squares) for squares in (0, 1, 24, 25, 26)]
    [0, 1, 5, 5, 6]
    """
    return isqrt(squares - 1) + 1 if squares else 0


def clipped(
    sent: Parameters, trained: Parameters, layers: tuple[int, ...], clip: int
) -> tuple[Parameters, int]:
    """What one device has made of ``sent``, no further away from it than ``clip``.

    With D the difference of all weights and biases of ``layers`` and N its norm (`norm_of` the sum
    of squares), each entry of D becomes ``sign(D) * (|D| * clip // N)`` if N > ``clip``. The L2
    norm of what is left is at most ``clip``, exactly, and each parameter lies between its value in
    ``sent`` and that in ``trained``.

    Args:
        sent: what the device began with.
        trained: what it ended with; layers outside ``layers`` are not looked at.
        layers: those that it trained.
        clip: the bound on the L2 norm, 1..`LARGEST_CLIP`.

    Returns:
        The parameters, and N before clipping.
    """
    norm = norm_of(sum(int(np.square(D).sum()) for D in _differences(sent, trained, layers)))
    if norm <= clip:
        return trained, norm
    weights, biases = list(trained.weights), list(trained.biases)
    for number in layers:
        weights[number] = _shrunk(sent.weights[number], trained.weights[number], clip, norm)
        biases[number] = _shrunk(sent.biases[number], trained.biases[number], clip, norm)
    return Parameters(trained.centre, tuple(weights), tuple(biases)), norm


def _differences(
    sent: Parameters, trained: Parameters, layers: tuple[int, ...]
) -> Iterator[Integers]:
    """Every array of the difference, int64."""
    for number in layers:
        for before, after in (
            (sent.weights[number], trained.weights[number]),
            (sent.biases[number], trained.biases[number]),
        ):
            yield after.astype(np.int64) - before


def _shrunk(sent: Tensor, trained: Tensor, clip: int, norm: int) -> Tensor:
    """``sent`` and the clipped difference, in the type of both; ``norm`` > ``clip``."""
    D = trained.astype(np.int64) - sent
    return (sent + np.sign(D) * (np.abs(D) * clip // norm)).astype(sent.dtype)
