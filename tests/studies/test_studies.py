"""The paper's experiments by name, and the figures they are held against."""

from types import SimpleNamespace
from typing import Any

import pytest

from tifed.data.partition.settings import Iid
from tifed.errors import UsageError
from tifed.extractor.shipped import TO_BE_MADE, find_extractor
from tifed.studies import Schedule, Study, names, published, study
from tifed.studies.verdict import against_float


def test_an_unknown_name_is_refused_and_the_names_listed() -> None:
    with pytest.raises(UsageError, match="'cifar'.*mnist, fashion-mnist, .*workers"):
        study("cifar")


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_accuracy_studies_are_the_published_ones(name: str) -> None:
    settings = study(name).chosen()
    assert len(settings) == 6
    for setting in settings:
        experiment, figures = setting.experiment, setting.figures
        assert figures is not None
        assert "-".join(map(str, experiment.layers or ())) == figures.network
        assert (experiment.mode, experiment.devices) == (figures.mode, figures.workers)
        assert experiment.rounds == figures.rounds == len(figures.mean_curve)
        assert setting.inverse_learning_rate == figures.inverse_learning_rate
        assert (experiment.buffer, experiment.batch, experiment.local_epochs) == (50, 25, 5)
        assert experiment.held_out == "test"
        assert experiment.evaluate_every == 1
    cited = {setting.figures.dataset for setting in settings if setting.figures}
    assert cited == {{"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}[name]}


@pytest.mark.parametrize("name", ["workers", "workers-pixels"])
def test_the_workers_studies_are_one_pass_over_100_images(name: str) -> None:
    settings = study(name).chosen()
    assert len(settings) == (36 if name == "workers" else 30)
    assert {one.experiment.devices for one in settings} == {4, 8, 16, 32, 64, 128}
    for one in settings:
        experiment = one.experiment
        assert experiment.partition == Iid(limit_per_device=100)
        assert experiment.rounds * experiment.buffer == 100
        assert (experiment.batch, experiment.local_epochs) == (10, 10)
        extractor = "mnist" if name == "workers" else None
        assert experiment.extractor == extractor
        assert experiment.layers == (200 if extractor else 784, 50, 10)
    by_name = {one.name: one.plotted for one in settings}
    assert by_name["paper single-layer 4 devices"] == 0.458
    assert by_name["float-fedavg full-network 128 devices"] == 0.857


def test_settings_are_chosen_by_whole_words() -> None:
    chosen = study("workers").chosen(containing=["paper 4 devices", "128"])
    assert [one.name for one in chosen if one.method == "paper"] == [
        "paper full-network 4 devices",
        "paper full-network 128 devices",
        "paper single-layer 4 devices",
        "paper single-layer 128 devices",
    ]


def test_settings_that_do_not_exist_are_refused_with_those_that_do() -> None:
    with pytest.raises(UsageError, match="1/1024.*paper single-layer 1/8192"):
        study("mnist").chosen(containing=["1/1024"])


def test_a_method_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="'adam' is not one of paper, tuned, float-fedavg"):
        study("mnist").chosen(methods=["adam"])


def test_the_published_schedule_is_for_the_paper_recipe_with_wide_weights() -> None:
    for name in names():
        one: Study = study(name)
        for setting in one.chosen(Schedule.PUBLISHED):
            assert setting.method == "paper"
            assert setting.experiment.recipe_settings["weight_bits"] == 32
            assert setting.wide
        with pytest.raises(UsageError, match="recipe: the published schedule"):
            one.chosen(Schedule.PUBLISHED, methods=["tuned"])


def test_a_wrong_engine_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="engine"):
        study("mnist").chosen(engine="abacus")


def test_the_cited_figures_are_whole() -> None:
    cited = published()
    assert "2411.16442" in cited.source
    assert "share" in cited.caveat
    assert len(cited.results) == 18
    for figures in cited.results:
        assert len(figures.mean_curve) == figures.rounds
        best, final = figures.best_over_rounds, figures.final_round
        assert best.mean >= final.mean
        assert best.min <= best.median <= best.max
    curve = cited.workers_curve
    lengths = {len(curve.workers), len(curve.full_network), len(curve.single_layer)}
    assert lengths == {len(curve.float_fedavg)}


def test_no_extractor_has_seen_a_label_that_devices_learn() -> None:
    for name, source, target in (
        ("fashion-mnist-features", "mnist", "fashion-mnist"),
        ("fashion-mnist-features-disjoint", "only_classes [5, 6, 7, 8, 9]", [0, 1, 2, 3, 4]),
    ):
        one = study(name)
        for setting in one.settings:
            experiment = setting.experiment
            assert source in find_extractor(str(experiment.extractor)).source
            assert experiment.data.get("only_classes", experiment.dataset) == target
            assert experiment.rounds * experiment.devices * experiment.buffer in (30_000, 60_000)
    made = TO_BE_MADE["cifar-10-0-4"]
    assert "--classes 0,1,2,3,4 " in made
    for setting in study("cifar10-features").settings:
        assert setting.experiment.data["only_classes"] == [5, 6, 7, 8, 9]


def row(name: str, devices: int, mean: float) -> Any:
    final = SimpleNamespace(mean=mean)
    return SimpleNamespace(setting=f"{name} {devices} devices", devices=devices, final_round=final)


def test_the_verdict_says_by_how_much_not() -> None:
    rows = [row("float-fedavg full-network", devices, 0.7) for devices in (4, 8, 32, 64)]
    rows += [row("tuned full-network", n, x) for n, x in ((4, 0.6), (8, 0.7), (32, 0.71))]
    full, *rest = against_float(rows)
    assert "is at or above float-fedavg full-network at every number of devices from 8 up." in full
    assert full.endswith("by devices: 4: -10.00, 8: +0.00, 32: +1.00.")
    assert rest == []
    rows += [row("tuned full-network", 64, 0.6931), row("tuned single-layer", 8, 0.5)]
    rows += [row("tuned single-layer", 32, 0.681), row("tuned single-layer", 64, 0.675)]
    rows += [row("float-fedavg with-tricks full-network", 64, 0.6)]
    full, eased, single, _ = against_float(rows)
    assert "is not at or above" in full
    assert "points below it at 64 (0.69)" in full
    assert "with-tricks full-network at every number" in eased
    assert eased.endswith("devices: 64: +9.31.")
    assert "not within 2 points of float-fedavg full-network at every number of devices" in single
    assert "points below it at 64 (2.50)" in single
