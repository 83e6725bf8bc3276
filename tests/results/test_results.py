"""The runs behind docs/results.md are cached, told apart by what decides them, and repeat."""

from pathlib import Path

import pytest
from benchmarks.results import ablation, cache, hard, headline, pages, shapes, upload
from benchmarks.results.carry_out import carry_out
from benchmarks.results.outcome import identity
from benchmarks.results.row import Row

import tifed

ROOT = Path(__file__).resolve().parents[2]
ROWS = (*headline.rows(), *hard.rows(), *ablation.rows(), *shapes.rows())
TINY = (
    Row("integers", "digits", ("rounds=4", "devices=4"), (1, 2), curve=2),
    Row("floats", "digits", ("rounds=4", "devices=4", "baseline=float-fedavg"), (1,)),
)


def test_a_finished_run_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = carry_out(TINY, tmp_path, 1, again=False, data_dir=None)
    text = (tmp_path / "runs.csv").read_text()
    monkeypatch.setattr("benchmarks.results.row.run_row", lambda *_: pytest.fail("was run"))
    assert carry_out(TINY, tmp_path, 1, again=False, data_dir=None) == first
    assert (tmp_path / "runs.csv").read_text() == text
    assert [len(run.curve) for run in first["integers"]] == [2, 2]
    assert first["floats"][0].curve == ()


def test_a_line_that_is_damaged_is_run_again(tmp_path: Path) -> None:
    first = carry_out(TINY, tmp_path, 1, again=False, data_dir=None)
    path = tmp_path / "runs.csv"
    path.write_text(path.read_text().replace("integers,2,test,", "integers,2,test,x"))
    assert len(cache.read(tmp_path)) == 2
    again = carry_out(TINY, tmp_path, 1, again=False, data_dir=None)
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


def test_rows_have_names_of_their_own() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)


@pytest.mark.slow
def test_the_pages_are_what_the_cached_runs_say(tmp_path: Path) -> None:
    """Nothing in the tables was written by hand."""
    folder = ROOT / "docs" / "results"
    (tmp_path / "cached").mkdir()
    for file in folder.glob("*.csv"):
        (tmp_path / "cached" / file.name).write_text(file.read_text())
    done = carry_out(ROWS, tmp_path / "cached", 1, again=False, data_dir=None, only_cached=True)
    (tmp_path / "README.md").write_text((ROOT / "README.md").read_text())
    pages.write_pages(tmp_path, ROWS, done, upload.cached_lines(folder))
    for name in ("README.md", "docs/results.md"):
        assert (tmp_path / name).read_text() == (ROOT / name).read_text()


def test_a_cached_digest_repeats() -> None:
    row = next(
        row for row in ROWS if row.name == shapes.name("digits, 64-32-10", "single-layer", "tuned")
    )
    found = cache.read(ROOT / "docs" / "results")
    experiment = row.experiment(2)
    run = found[identity(experiment, bool(row.curve))]
    assert tifed.run(experiment).digest == run.digest
