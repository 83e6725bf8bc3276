"""The shifts that an experiment leaves open (SPEC, section 25.7)."""

from tifed.rule.network import Feedback, Network

_FINER = {0: 0, 1: 0, 7: 2, 127: 4}
"""By how many bits steps of each width are finer than those of ternary numbers."""

_FINER_KEPT = {0: 0, 1: -1, 7: 0, 127: 0}
"""The same where devices keep what was too small to go up."""


def usual_shift(
    network: Network, layer: int, top: int, steps: int, extra_shift: int, residual: bool = False
) -> int:
    """The shift with which changes of ``layer`` go up, where the energy shift is 0.

    It is the largest with which, in runs on validation data, nothing was lost: ternary steps are
    about four times as long as the root mean square of changes in the middle of a run, which is in
    proportion to the step of the learning rule, and to the square root of the number of steps. The
    output layer needs finer steps. With a residual far larger ones do: ternary steps are chosen for
    few bytes, at half a point of accuracy; those of other widths for next to none.

    Args:
        network: what every device holds.
        layer: which of its layers.
        top: the largest magnitude of a number: 1, 7 or 127; with 0 the shift is of no use.
        steps: mini-batch steps of a device in an exchange, 1 or more.
        extra_shift: added to every update shift in the first round.
        residual: whether devices keep what was too small to go up.
    """
    twice = 28 - 2 * (network.layers[layer].update_shift + extra_shift) + _log2(steps)
    if layer == network.depth - 1:
        twice -= 6
    elif network.feedback is Feedback.UNIFORM:
        twice += 2 * _log2(network.feedback_range(layer)) - 2
    return max(0, (twice >> 1) - (_FINER_KEPT if residual else _FINER)[top])


def _log2(value: int) -> int:
    """The binary logarithm of ``value``, to the nearest integer.

    >>> [_log2(value) for value in (1, 2, 5, 6, 25)]
    [0, 1, 2, 3, 5]
    """
    return (value * value).bit_length() // 2
