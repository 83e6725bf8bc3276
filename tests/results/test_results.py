"""The runs behind docs/results.md are cached, told apart by what decides them, and repeat."""

from pathlib import Path

import numpy as np
import pytest
from benchmarks.results import before, cache, pages, shapes
from benchmarks.results.carry_out import Outcomes, carry_out
from benchmarks.results.groups import all_rows
from benchmarks.results.outcome import identity
from benchmarks.results.row import Row
from benchmarks.results.variants import VARIANTS, Steps, Variant, through

import tifed
from tifed.rule.front_end import FrontEnd

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "results"
ROWS = all_rows()
TINY = (
    Row("integers", "digits", ("rounds=4", "devices=4"), (1, 2), curve=2),
    Row("floats", "digits", ("rounds=4", "devices=4", "baseline=float-fedavg"), (1,)),
)


def test_a_finished_run_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = carry_out(TINY, tmp_path, 1, None)
    text = (tmp_path / "runs.csv").read_text()
    monkeypatch.setattr("benchmarks.results.row.run_row", lambda *_: pytest.fail("was run"))
    assert carry_out(TINY, tmp_path, 1, None) == first
    assert (tmp_path / "runs.csv").read_text() == text
    assert [len(run.curve) for run in first["integers"]] == [2, 2]
    assert first["floats"][0].curve == ()


def test_a_line_that_is_damaged_is_run_again(tmp_path: Path) -> None:
    first = carry_out(TINY, tmp_path, 1, None)
    path = tmp_path / "runs.csv"
    path.write_text(path.read_text().replace("integers,2,test,", "integers,2,test,x"))
    assert len(cache.read(tmp_path)) == 2
    again = carry_out(TINY, tmp_path, 1, None)
    assert [run.digest for run in again["integers"]] == [run.digest for run in first["integers"]]


@pytest.mark.parametrize(
    ("overrides", "same"),
    [
        (["evaluate_every=7", "checkpoint_every=3"], True),
        (["engine=oracle"], True),
        (["mode=full-network"], True),
        (["seed=2"], False),
        (["recipe_settings.margin=47"], False),
        (["recipe_settings.weight_bits=8"], False),
        (["held_out=validation"], False),
        (["dataset=mnist"], False),
        (["fleet=emulated", "board=cortex-m3"], True),
    ],
    ids=str,
)
def test_what_decides_the_outcome_decides_the_identity(overrides: list[str], same: bool) -> None:
    plain = identity(tifed.load_experiment(preset="digits"), False)
    other = identity(tifed.load_experiment(preset="digits", overrides=overrides), False)
    assert (plain == other) == same


def test_the_recipe_of_a_preset_does_not_tell_floats_apart() -> None:
    floats = tifed.load_experiment(preset="digits-paper", overrides=["baseline=float-fedavg"])
    plain = floats.model_copy(update={"recipe": "tuned", "recipe_settings": {}})
    assert identity(floats, False) == identity(plain, False)
    assert identity(floats, False) != identity(floats.model_copy(update={"seed": 9}), False)


def test_only_the_rows_that_are_wanted_are_run(tmp_path: Path) -> None:
    done = carry_out(TINY, tmp_path, 1, None, TINY[1:])
    assert [len(done[row.name]) for row in TINY] == [0, 1]
    both = carry_out(TINY, tmp_path, 1, None)
    again = carry_out(TINY, tmp_path, 1, None, TINY[:1], again=True)
    assert [run.digest for run in again["integers"]] == [run.digest for run in both["integers"]]
    assert again["floats"] == both["floats"]
    assert again["integers"] != both["integers"]  # measured anew: another time


def test_rows_have_names_of_their_own() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """What the cached runs say."""
    folder = tmp_path_factory.mktemp("cached")
    for file in (cache.RUNS, cache.CURVES):
        (folder / file).write_text((FOLDER / file).read_text())
    return carry_out(ROWS, folder, 1, None, wanted=())


@pytest.mark.slow
def test_the_pages_are_what_the_cached_runs_say(done: Outcomes, tmp_path: Path) -> None:
    """Nothing in the tables was written by hand."""
    put = ("README.md", "docs/front-ends.md", "docs/compression.md")
    names = (*put, "docs/results.md", "docs/results/commands.md")
    (tmp_path / "docs" / "results").mkdir(parents=True)
    for name in put:
        (tmp_path / name).write_text((ROOT / name).read_text())
    pages.write_pages(tmp_path, ROWS, done)
    for name in names:
        assert (tmp_path / name).read_text() == (ROOT / name).read_text()


@pytest.mark.slow
def test_where_one_recipe_is_below_the_best_of_three_the_page_says_why(done: Outcomes) -> None:
    assert [row for row, why in before.below(done) if not why] == []


def test_what_version_0_1_reached_is_kept() -> None:
    """The page compares with it, and it cannot be run any more."""
    rows = before.earlier()
    assert len(rows) == 76
    best = rows["fashion-mnist, full-network, tuned-absolute, momentum"]
    assert [run.seed for run in best] == list(range(1, 11))
    assert sum(run.accuracy for run in best) / 10 == pytest.approx(0.8770, abs=5e-5)
    assert (
        best[0].command
        == "tifed run --preset fashion-mnist-best --set mode=full-network --set seed=1"
    )


@pytest.mark.parametrize("name", VARIANTS)
def test_a_changed_front_end_differs_from_octants_in_its_part_alone(name: str) -> None:
    """Each gives other features; put together of its own steps, `octants` gives those of SPEC."""
    pictures = np.random.default_rng(1).integers(-128, 128, (3, 100), dtype=np.int8)
    octants = FrontEnd("octants", (10, 10, 1))
    changed = Variant(name, (10, 10, 1))
    features = changed.compute(pictures)
    assert features.shape == (3, changed.features)
    assert not np.array_equal(features, octants.compute(pictures))
    as_it_is = through(Steps(), pictures, (10, 10, 1))
    assert np.array_equal(as_it_is, octants.compute(pictures))


@pytest.mark.parametrize("method", ["tuned", "paper"])
def test_a_cached_digest_repeats(method: str) -> None:
    name = shapes.name("digits, 64-32-10", "single-layer", method)
    row = next(row for row in ROWS if row.name == name)
    experiment = row.experiment(2)
    run = cache.read(FOLDER)[identity(experiment, bool(row.curve))]
    assert tifed.run(experiment).digest == run.digest
