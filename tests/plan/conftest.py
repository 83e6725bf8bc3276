"""Plans of small experiments, with invented measurements where they are wanted."""

from collections.abc import Callable

import pytest

from tifed.board import Measured, load_boards
from tifed.experiment import load_experiment
from tifed.experiment.setup import network_for
from tifed.plan import DeploymentPlan, plan


@pytest.fixture
def make_plan() -> Callable[..., DeploymentPlan]:
    """A function from overrides of the preset digits to a plan, without measurements."""
    return _plan


def _plan(
    *overrides: str, names: tuple[str, ...] = (), measured: Measured | None = None
) -> DeploymentPlan:
    experiment = load_experiment(preset="digits", overrides=list(overrides))
    network = network_for(experiment)
    return plan(experiment, network, load_boards(), measured or Measured(), names)
