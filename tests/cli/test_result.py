"""What a run ends with on a terminal: accuracies, and what makes the result doubtful."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tifed import Experiment, run
from tifed.cli import app
from tifed.errors import UsageError

runner = CliRunner()


@pytest.mark.slow(4)
def test_a_doubtful_run_says_so_while_it_runs_and_with_its_result(tmp_path: Path) -> None:
    out = str(tmp_path / "run")
    silent = ["--set", "rounds=2", "--set", "faults.probability=0.999999", "--out", out]
    done = runner.invoke(app, ["run", *silent])
    assert done.exit_code == 0, done.output
    for stream in (done.stderr, done.stdout):
        assert "warning: no exchange counted: " in stream
        assert "warning: the accuracy of 0." in stream
    shown = runner.invoke(app, ["show", out])
    assert "warning: no exchange counted: " in shown.stdout
    told = json.loads(runner.invoke(app, ["show", out, "--json"]).stdout)
    assert len(told["warnings"]) == 2


@pytest.mark.slow(4)
def test_accuracy_stands_beside_balanced_accuracy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(Experiment(rounds=2, mode="single-layer"), out=tmp_path / "run")
    monkeypatch.setenv("COLUMNS", "80")
    shown = runner.invoke(app, ["show", str(tmp_path / "run")])
    assert f"{result.accuracy:.4f}" in shown.stdout
    assert f"{result.balanced_accuracy:.4f}" in shown.stdout
    assert "…" not in shown.stdout
    assert "warning" not in shown.stdout


@pytest.mark.slow(4)
def test_a_folder_of_an_older_release_is_shown_and_a_damaged_result_refused(
    tmp_path: Path,
) -> None:
    run(Experiment(rounds=2), out=tmp_path / "run")
    path = tmp_path / "run/result.json"
    result = json.loads(path.read_text())
    for name in ("balanced_accuracy", "commonest_class_share", "warnings"):
        del result[name]
    path.write_text(json.dumps(result))
    shown = runner.invoke(app, ["show", str(tmp_path / "run")])
    assert shown.exit_code == 0, shown.output
    assert result["digest"] in shown.stdout
    for content in ("[1]", "3", "{", "[" * 100_000):
        path.write_text(content)
        done = runner.invoke(app, ["show", str(tmp_path / "run")])
        assert isinstance(done.exception, UsageError)
        assert "result.json" in str(done.exception)


def test_a_run_with_own_data_says_where_the_samples_are(tmp_path: Path) -> None:
    settings = ["own_data=true", "rounds=2", "personal.rounds=1"]
    options = [word for setting in settings for word in ("--set", setting)]
    done = runner.invoke(app, ["run", *options, "--out", str(tmp_path / "run")])
    assert done.exit_code == 0, done.output
    shown = runner.invoke(app, ["show", str(tmp_path / "run")])
    for printed in (done.stdout, shown.stdout):
        assert "Accuracy is measured on devices: 8 of 8 devices scored the model" in printed
        assert "On the test split of the data set the accuracy is 0." in printed
        assert "Personal rounds on 8 devices: " in printed
        assert "The server has no data set" not in printed
    told = json.loads(runner.invoke(app, ["show", str(tmp_path / "run"), "--json"]).stdout)
    assert told["own"]["on_devices"] is False
    assert told["balanced_accuracy"] is None
