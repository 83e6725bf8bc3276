"""Signal front ends in an experiment: what they take, and that anything else is refused by name."""

import pytest

from tifed import Experiment
from tifed.errors import UsageError
from tifed.experiment.setup import load_data


@pytest.mark.parametrize("name", ["motion", "log-mel"])
def test_a_signal_front_end_is_refused_for_pictures(name: str) -> None:
    """The message names the key, the front end, the data and what would be right."""
    with pytest.raises(UsageError, match=rf"front_end: '{name}' does not take .*'digits'; it "):
        load_data(Experiment(dataset="digits", front_end=name))


def test_an_unknown_front_end_is_told_those_of_signals_too() -> None:
    """The list of names has both kinds."""
    with pytest.raises(UsageError, match=r"did you mean 'motion'.*octants.*motion, log-mel"):
        Experiment(front_end="motions")
