"""What devices can have counted in an exchange, and what they cannot."""

import numpy as np

from tifed.federation.costs import visits
from tifed.federation.plan import Jobs
from tifed.rule.integer.rounding import Integers
from tifed.rule.learning import Statistics
from tifed.rule.network import Network


def impossible_counts(
    network: Network, jobs: Jobs, batch: int, statistics: Statistics
) -> str | None:
    """Why no devices that carried out ``jobs`` can have counted this, in words; None if they can.

    Args:
        network: what every device holds.
        jobs: of the devices that counted.
        batch: samples per mini-batch.
        statistics: what they counted, all together.
    """
    own = visits(jobs, batch)
    trained = int(own.sum())
    if statistics.visits != trained or not 0 <= statistics.missed <= trained:
        return f"counted {statistics.visits} visits and {statistics.missed} misses of {trained}"
    parameters = deltas = 0
    for number, layer in enumerate(network.layers):
        trains = jobs.of_layer(number)
        size = layer.fan_in * layer.fan_out + layer.fan_out
        parameters += size * int(np.sum(jobs.steps[trains]))
        deltas += layer.fan_out * int(np.sum(own[trains]))
    for name, count, most in (
        ("parameters", statistics.clipped_parameters, parameters),
        ("deltas", statistics.clipped_deltas, deltas),
    ):
        if not 0 <= count <= most:
            return f"counted {count} clipped {name} of {most}"
    return None


def impossible_squares(total: Integers, squares: int, samples: int) -> str | None:
    """Why no int8 samples can have these sums, in words; None if some can.

    Args:
        total: int64 (features,), sum of each feature.
        squares: sum of the squares of all features.
        samples: how many samples.
    """
    most = len(total) * samples << 14
    # By Cauchy and Schwarz, feature by feature. A square of a million devices' sum passes 64 bits.
    least = -(-int((total.astype(object) ** 2).sum()) // samples) if samples else 0
    if not least <= squares <= most:
        return f"has a sum of squares of {squares}, which is not in {least}..{most}"
    return None
