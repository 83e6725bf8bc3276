"""The float baseline as an experiment: it runs like any other, and no device is asked to do it."""

from pathlib import Path

import pytest
from safetensors import safe_open

from tifed import Experiment, load_experiment, load_model, resume, run
from tifed.cli import main
from tifed.errors import UsageError
from tifed.experiment import Progress
from tifed.experiment.identity import identity
from tifed.experiment.report import write_report
from tifed.rule.recipes import RECIPES


def _float(*overrides: str) -> Experiment:
    return load_experiment(preset="digits", overrides=["baseline=float-fedavg", *overrides])


@pytest.mark.parametrize("mode", ["full-network", "single-layer"])
def test_it_learns_digits(mode: str) -> None:
    result = run(_float(f"mode={mode}"))
    assert result.accuracy > 0.94
    assert result.engine == "float32"
    assert result.baseline == "float-fedavg"


def test_it_costs_twice_the_bytes_and_asks_the_same_devices() -> None:
    settings = ["rounds=4", "devices_per_round=3", "faults.probability=0.3", "mode=memory-aware"]
    settings += ["memory.budgets=[100000, 6000]", "memory.frozen_in=flash"]
    seen: dict[str, list[Progress]] = {"tuned": [], "float-fedavg": []}
    for learner, rounds in seen.items():
        overrides = [*settings, *(["baseline=float-fedavg"] if learner != "tuned" else [])]
        run(load_experiment(preset="digits", overrides=overrides), watch=rounds.append)
    for integers, floats in zip(*seen.values(), strict=True):
        one, other = integers.record, floats.record
        assert one.asked.tolist() == other.asked.tolist()
        assert one.answered.tolist() == other.answered.tolist()
        assert one.updates == other.updates
        assert one.statistics.visits == other.statistics.visits
        assert 2 * one.costs.bytes_up == other.costs.bytes_up


def test_a_stopped_run_goes_on_to_what_it_would_have_been(tmp_path: Path) -> None:
    class StopHere(Exception):
        pass

    def watch(progress: Progress) -> None:
        if progress.record.round == 3:
            raise StopHere

    experiment = _float("rounds=6", "baseline_settings.server_momentum=0.3")
    with pytest.raises(StopHere):
        run(experiment, out=tmp_path / "run", watch=watch)
    whole = run(experiment, out=tmp_path / "whole")
    assert resume(tmp_path / "run").digest == whole.digest
    metrics = [(tmp_path / name / "metrics.csv").read_text() for name in ("run", "whole")]
    assert metrics[0] == metrics[1]


def test_its_checkpoint_is_not_taken_for_integers(tmp_path: Path) -> None:
    run(_float("rounds=2"), out=tmp_path / "run")
    path = tmp_path / "run/experiment.toml"
    path.write_text(path.read_text().replace('baseline = "float-fedavg"', ""))
    with pytest.raises(UsageError, match="'tifed-float-checkpoint'.*reads 'tifed-checkpoint'"):
        resume(tmp_path / "run")


@pytest.mark.slow(3)
def test_its_report_says_what_it_is(tmp_path: Path) -> None:
    result = run(_float("rounds=2"), out=tmp_path / "run")
    write_report(tmp_path / "run")
    page = (tmp_path / "run/report.html").read_text()
    assert "for comparison only" in page
    assert "same digest on any machine" not in page
    with safe_open(tmp_path / "run/model.safetensors", "numpy") as file:
        assert file.metadata()["digest"] == result.digest
    with pytest.raises(UsageError, match="tifed-float-model"):
        load_model(tmp_path / "run/model.safetensors")


@pytest.mark.parametrize("fleet", ["emulated", "linked"])
def test_no_fleet_of_devices_computes_it(fleet: str) -> None:
    with pytest.raises(UsageError, match="baseline: 'float-fedavg' is for comparison only"):
        _float(f"fleet={fleet}", "devices=1", 'link.devices=["tcp:localhost:1"]')


@pytest.mark.parametrize(
    "command",
    [
        ["plan"],
        ["ranges"],
        ["export", "library"],
        ["flower", "simulate"],
        ["flower", "up"],
        ["flower", "bundle", "folder"],
    ],
    ids=" ".join,
)
def test_no_command_for_devices_takes_it(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "sys.argv", ["tifed", *command, "--preset", "digits", "--set", "baseline=float-fedavg"]
    )
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "'float-fedavg' is for comparison only" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_it_is_no_recipe() -> None:
    message = (
        r"recipe: 'float-fedavg' is a baseline; write baseline = 'float-fedavg' in place of "
        r"recipe, and \[baseline_settings\] in place of \[recipe_settings\]"
    )
    with pytest.raises(UsageError, match=message):
        load_experiment(preset="digits", overrides=["recipe=float-fedavg"])
    with pytest.raises(UsageError, match="there is no baseline adam; choose from float-fedavg"):
        load_experiment(overrides=["baseline=adam"])
    with pytest.raises(UsageError, match="baseline_settings: goes with baseline, and only with it"):
        load_experiment(overrides=["baseline_settings.momentum=0.5"])
    with pytest.raises(
        UsageError, match=r"momentun: .*'momentum'.*the baseline 'float-fedavg' has"
    ):
        _float("baseline_settings.momentun=0.5")


def test_what_decides_its_outcome_decides_its_identity() -> None:
    plain, integers = _float(), load_experiment(preset="digits")
    assert identity(plain) != identity(integers)
    assert identity(_float("baseline_settings.momentum=0.5")) != identity(plain)
    assert identity(_float("baseline_settings.momentum=0.0")) == identity(plain)
    networks = [RECIPES["tuned"]().network((64, 32, classes), 10) for classes in (9, 10)]
    assert {identity(plain, network) for network in networks} == {identity(plain)}
