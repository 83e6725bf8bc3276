"""Which experiment the owner of a node or a gateway has accepted for data that are its own."""

import hashlib

from tifed.errors import UsageError
from tifed.experiment import Experiment
from tifed.experiment.identity import canonical, data_settings, identity

ANY = "any"
"""Accepts every experiment."""


def acceptance(experiment: Experiment) -> str:
    """What an owner accepts an experiment by, SHA-256 (hex).

    It is of all that decides which sums leave the node, and of the settings that name the data.
    """
    content = {"experiment": identity(experiment), **data_settings(experiment)}
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def require_accepted(
    accepts: str, experiment: Experiment, how: str, own_data: bool = False
) -> None:
    """Make sure that an owner takes part in ``experiment``.

    With own data an owner accepts one experiment, for two that sum over other samples tell more
    than each of them does. Without own data a server may ask for what it likes: whoever has
    accepted one experiment, or has named data of his own, takes no such run.

    Args:
        accepts: `acceptance` of the experiment that the owner has accepted, or `ANY`; empty for
            none.
        experiment: of the server.
        how: what is to be started how, to accept an experiment; ``{}`` stands for its text.
        own_data: whether the owner has named data of his own.

    Raises:
        UsageError: if the owner has not accepted it; it says how to. Noise that others know
            beforehand has to be meant: only `ANY` accepts it.
    """
    if not experiment.own_data and (own_data or accepts not in ("", ANY)):
        raise UsageError(
            "own_data: this node has data of its own, and takes part in experiments with "
            "own_data = true alone"
        )
    if accepts == ANY:
        return
    if experiment.privacy.noise_seed is not None:
        raise UsageError(
            "privacy.noise_seed: noise from a seed hides nothing from those who know the seed; "
            "leave it out, or, if the data are nobody's secret, start the " + how.format(ANY)
        )
    if experiment.own_data and accepts != (name := acceptance(experiment)):
        raise UsageError(
            "its owner has not accepted this experiment for its own data; to accept it, start the "
            + how.format(name)
        )
