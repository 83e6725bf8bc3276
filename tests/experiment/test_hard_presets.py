"""The presets of hard federations are what they say."""

import numpy as np
import pytest

from tifed import UsageError, load_experiment
from tifed.experiment import Experiment
from tifed.experiment.setup import partition_of


def _as_digits(preset: str) -> Experiment:
    """The preset's federation with data that need no file."""
    return load_experiment(preset=preset, overrides=["dataset=digits", "layers=[64, 32, 10]"])


@pytest.mark.parametrize(
    ("preset", "least", "most"),
    [
        ("fashion-mnist", 0.0, 0.25),
        ("fashion-mnist-dirichlet-1", 0.25, 0.5),
        ("fashion-mnist-dirichlet-0.1", 0.5, 1.0),
        ("fashion-mnist-two-classes", 0.4, 0.8),
    ],
)
def test_the_share_of_a_devices_commonest_class(preset: str, least: float, most: float) -> None:
    from tifed.data import load

    dataset = load("digits")
    partition = partition_of(_as_digits(preset), dataset)
    counts = partition.table(dataset.train.labels, 10)
    share = float(np.mean(counts.max(axis=1) / counts.sum(axis=1)))
    assert least < share < most


def test_every_sample_is_met_once_where_few_devices_are_asked() -> None:
    experiment = load_experiment(preset="fashion-mnist-sampled")
    assert experiment.devices_per_round == 10
    assert experiment.rounds * 10 * experiment.buffer == 60_000


@pytest.mark.parametrize("gone", ["fashion-mnist-best", "mnist-best"])
def test_what_the_best_presets_were_is_in_the_plain_ones(gone: str) -> None:
    plain = gone.removesuffix("-best")
    with pytest.raises(UsageError, match=f"there is no '{gone}' any more; write '{plain}'"):
        load_experiment(preset=gone)
    recipe = load_experiment(preset=plain).build_recipe()
    assert recipe.server("full-network", 2).momentum == 8
    assert recipe.server("single-layer", 2).momentum == 0
    assert [recipe.extra_shift(number, 50, "full-network") for number in (0, 29, 30)] == [1, 1, 2]


def test_nobody_trains_on_the_speaker_who_is_held_out() -> None:
    experiment = load_experiment(preset="spoken-digits-new-speaker")
    assert experiment.data == {"held_out_speaker": "theo"}
    assert experiment.partition.kind == "group"
    assert experiment.devices == 5
