"""Experiments in which devices train more often on samples of rare classes."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tifed
from tifed import Experiment, UsageError, load_experiment, resume, run
from tifed.data import DATASETS, Dataset, Folders, load
from tifed.experiment import build, to_toml
from tifed.experiment.class_weights import repeated, repetitions
from tifed.experiment.identity import identity

RARE = (3, 5, 8, 9)


def few_of_some(folders: Folders) -> Dataset:
    """Digits with eight training samples of each of four classes, and all of the others."""
    del folders
    digits = load("digits")
    labels = digits.train.labels
    left_out = np.concatenate([np.flatnonzero(labels == one)[8:] for one in RARE])
    kept = np.setdiff1d(np.arange(len(labels)), left_out)
    return replace(digits, train=digits.train.take(kept))


@pytest.fixture(autouse=True)
def imbalanced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DATASETS, "_scripts", {})
    tifed.register_dataset("few-of-some", few_of_some)


def weighted(**settings: Any) -> Experiment:
    return Experiment(
        **{"dataset": "few-of-some", "devices": 4, "rounds": 20, "class_weights": "balanced"}
        | settings
    )


def plain(experiment: Experiment) -> Experiment:
    return experiment.model_copy(update={"class_weights": None})


@pytest.mark.no_cover
@pytest.mark.parametrize("baseline", [None, "float-fedavg"])
@pytest.mark.parametrize("mode", ["full-network", "single-layer"])
def test_rare_classes_are_learned_better(mode: str, baseline: str | None, tmp_path: Path) -> None:
    def shares(experiment: Experiment) -> tuple[float, float]:
        """Of rare classes and of all, what share of a class is right; mean over three seeds."""
        found = []
        for seed in (1, 2, 3):
            seeded = experiment.model_copy(update={"seed": seed, "evaluate_every": 20})
            folder = tmp_path / f"{experiment.class_weights}-{seed}"
            result = run(seeded, out=folder)
            confusion = np.array(json.loads((folder / "details.json").read_text())["confusion"])
            right = np.diag(confusion) / confusion.sum(axis=1)
            assert result.balanced_accuracy == pytest.approx(right.mean())
            found.append(right)
        return float(np.mean(found, axis=0)[list(RARE)].mean()), float(np.mean(found))

    experiment = weighted(mode=mode, baseline=baseline)
    (rare, every), (rare_without, without) = shares(experiment), shares(plain(experiment))
    assert rare > rare_without + 0.05
    assert every > without + 0.02


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"class_weights": [1, 1, 1, 8, 1, 3, 1, 1, 5, 2], "recipe": "paper"},
        {"pixel_shifts": True, "front_end": "octants", "layers": [32, 20, 10]},
        {"mode": "single-layer", "average_every": "epoch", "devices_per_round": 3},
        {"at_end": "stop", "partition": {"kind": "dirichlet", "alpha": 0.3}},
        {"mode": "memory-aware", "memory": {"budgets": [9000, 20000]}},
    ],
    ids=["balanced", "list", "shifts", "epochs", "ends", "memory"],
)
def test_engines_give_one_digest(more: dict[str, Any]) -> None:
    experiment = weighted(**{"rounds": 4} | more)
    digest = run(experiment).digest
    assert run(experiment.model_copy(update={"engine": "oracle"})).digest == digest
    assert run(plain(experiment)).digest != digest


def test_ones_and_equal_classes_leave_the_digest() -> None:
    experiment = weighted(rounds=4, class_weights=[1] * 10)
    assert run(experiment).digest == run(plain(experiment)).digest
    orders = [stream.order for stream in build(experiment).inputs.streams]
    assert all(map(np.array_equal, orders, build(plain(experiment)).partition.indices))


def test_each_device_goes_by_its_own_samples() -> None:
    setup = build(weighted(partition={"kind": "dirichlet", "alpha": 0.5}))
    labels = setup.dataset.train.labels
    for owned, stream in zip(setup.partition.indices, setup.inputs.streams, strict=True):
        counts = np.bincount(labels[owned], minlength=10)
        met = np.bincount(labels[stream.order], minlength=10)
        for count, often in zip(counts.tolist(), met.tolist(), strict=True):
            times = min(8, int(counts.max() / count + 0.5)) if count else 0
            assert often == times * count
        _, first = np.unique(stream.order, return_index=True)
        assert np.array_equal(np.sort(stream.order[first]), np.sort(owned))
    assert setup.federation.streams == tuple(map(len, setup.inputs.streams))
    scores = list(setup.fleet.evaluate(setup.start))
    assert [score.samples for score in scores] == setup.partition.sizes.tolist()


@given(st.lists(st.integers(1, 8), min_size=1, max_size=60))
def test_repetitions_are_spread_evenly(times: list[int]) -> None:
    order = repeated(np.array(times)).tolist()
    assert sorted(order) == [i for i, often in enumerate(times) for _ in range(often)]
    # As the specification says it, one number after the other.
    count = len(times)
    places = [
        ((840 * i + copy * (840 // often) * count) % (840 * count), copy, i)
        for i, often in enumerate(times)
        for copy in range(often)
    ]
    assert order == [i for _, _, i in sorted(places)]


def test_a_half_goes_up_and_eight_is_most() -> None:
    labels = np.repeat(np.arange(4, dtype=np.int32), [100, 40, 41, 3])
    assert repetitions("balanced", labels, 5).tolist() == [1, 3, 2, 8, 1]


class StopHere(Exception):
    """Ends a run after its first round."""


def stop(progress: object) -> None:
    raise StopHere


def test_a_run_goes_on_and_knows_what_it_is(tmp_path: Path) -> None:
    experiment = weighted(rounds=4)
    with pytest.raises(StopHere):
        run(experiment, out=tmp_path / "run", watch=stop)
    assert resume(tmp_path / "run").digest == run(experiment).digest
    listed = weighted(class_weights=[2, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    assert load_experiment(overrides=["class_weights=balanced"]).class_weights == "balanced"
    (tmp_path / "listed.toml").write_text(to_toml(listed))
    assert load_experiment(tmp_path / "listed.toml") == listed
    assert len({identity(one) for one in (experiment, listed, plain(listed))}) == 3
    assert identity(plain(experiment)) == identity(Experiment(devices=4, rounds=4))


@pytest.mark.parametrize(
    "wrong", ["even", [], [0, 1], [1, 9], [1.0, 2], [True, 1], 3, ["1"], {"3": 8}, [[1]]]
)
def test_what_is_no_weight_is_refused(wrong: object) -> None:
    says = (
        "class_weights: must be 'balanced' or a list of one whole number from 1 to 8 for each "
        f"class, such as [1, 1, 4], not {wrong!r}"
    )
    with pytest.raises(UsageError, match=re.escape(says)):
        load_experiment(overrides={"class_weights": wrong})


def test_weights_of_other_classes_are_refused() -> None:
    with pytest.raises(UsageError, match=r"class_weights: 3 numbers, but '.*' has 10 classes; giv"):
        build(weighted(class_weights=[1, 1, 4]))
