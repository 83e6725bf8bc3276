"""A study that takes a second: few rounds of the small digits."""

import pytest

from tifed.experiment import load_experiment
from tifed.studies import Setting, Study, published


@pytest.fixture
def tiny() -> Study:
    small = ["rounds=3", "devices=4"]
    paper = load_experiment(preset="digits-paper", overrides=small)
    single = load_experiment(preset="digits-paper", overrides=[*small, "mode=single-layer"])
    tuned = load_experiment(preset="digits", overrides=small)
    floats = load_experiment(preset="digits", overrides=[*small, "baseline=float-fedavg"])
    figures = published().find("fashion-mnist", "full-network", 2048)
    return Study(
        name="tiny",
        title="A tiny study",
        settings=(
            Setting("paper full-network 1/2048", "paper", paper, figures=figures),
            Setting("paper single-layer 1/2048", "paper", single, plotted=0.5),
            Setting("tuned full-network", "tuned", tuned),
            Setting("float-fedavg full-network", "float-fedavg", floats),
        ),
        methods=("paper", "tuned", "float-fedavg"),
        notes=("Of digits.",),
    )
