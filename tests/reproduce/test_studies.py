"""The paper's experiments by name, and the figures they are held against."""

import pytest

from tifed.errors import UsageError
from tifed.reproduce import Schedule, Study, names, published, study


def test_an_unknown_name_is_refused_and_the_names_listed() -> None:
    with pytest.raises(UsageError, match="'cifar'.*mnist, fashion-mnist, workers"):
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


def test_the_workers_study_is_one_pass_over_100_images() -> None:
    settings = study("workers").chosen()
    assert len(settings) == 30
    assert {one.experiment.devices for one in settings} == {4, 8, 16, 32, 64, 128}
    for one in settings:
        experiment = one.experiment
        assert experiment.partition.limit_per_device == 100
        assert experiment.rounds * experiment.buffer == 100
        assert (experiment.batch, experiment.local_epochs) == (10, 10)
        assert experiment.layers == (784, 50, 10)
    by_name = {one.name: one.plotted for one in settings}
    assert by_name["paper single-layer 4 devices"] == 0.458
    assert by_name["float-fedavg full-network 128 devices"] == 0.857
    assert any("NOT like for like" in note for note in study("workers").notes)


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
