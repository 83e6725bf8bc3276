from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tifed import Experiment, load_experiment, resume, run
from tifed.data import load
from tifed.errors import UsageError
from tifed.experiment import Progress, RunFolder
from tifed.experiment.report import write_report
from tifed.files.toml_file import LARGEST_FILE


@pytest.mark.parametrize(
    ("preset", "setting", "mode", "least"),
    # A constant answer reaches .10 on ten classes; without one of error, feedback or update
    # nothing here passes .60.
    [
        ("digits", None, "full-network", 0.95),
        ("digits", None, "single-layer", 0.94),
        ("digits", "activation=relu", "full-network", 0.95),
        ("digits", "activation=relu", "single-layer", 0.94),
        ("digits", "weight_bits=8", "full-network", 0.95),
        ("digits", "weight_bits=8", "single-layer", 0.94),
        ("digits-paper", None, "full-network", 0.90),
        ("digits-paper", None, "single-layer", 0.88),
    ],
)
def test_each_recipe_learns_digits(
    preset: str, setting: str | None, mode: str, least: float
) -> None:
    overrides = [f"mode={mode}", *([f"recipe_settings.{setting}"] if setting else [])]
    result = run(load_experiment(preset=preset, overrides=overrides))
    assert result.accuracy > least


@pytest.mark.parametrize("recipe", ["paper", "tuned"])
@pytest.mark.parametrize("hidden", [(), (32, 16), (32, 24, 16)])
def test_every_depth_learns_digits(recipe: str, hidden: tuple[int, ...]) -> None:
    layers = [64, *hidden, 10]
    preset = "digits-paper" if recipe == "paper" else "digits"
    result = run(load_experiment(preset=preset, overrides=[f"layers={layers}"]))
    assert result.accuracy > (0.80 if recipe == "tuned" else 0.70)


def test_the_digest_depends_on_the_seed_and_on_nothing_else() -> None:
    one = run(Experiment(rounds=3, seed=1))
    again = run(Experiment(rounds=3, seed=1, evaluate_every=2, checkpoint_every=3))
    other = run(Experiment(rounds=3, seed=2))
    assert one.digest == again.digest != other.digest
    assert one.dataset_digest == other.dataset_digest


def test_validation_never_shows_the_test_split() -> None:
    held = run(Experiment(rounds=1, held_out="validation"))
    assert held.held_out_samples == 1437 // 6
    assert run(Experiment(rounds=1)).held_out_samples == 360


def test_totals_are_the_sums_of_the_rounds() -> None:
    seen: list[Progress] = []
    result = run(Experiment(rounds=4, devices_per_round=3, seed=2), watch=seen.append)
    assert [p.record.round for p in seen] == [0, 1, 2, 3]
    calibration = 64 * 4 + 8
    up = sum(p.record.costs.bytes_up for p in seen) / 8 + calibration
    assert result.bytes_up_per_device == round(up)
    for before, after in pairwise(seen):
        assert after.costs.macs == before.costs.macs + after.record.costs.macs


@pytest.mark.parametrize(
    "overrides",
    [
        ["mode=single-layer", "assignment=alternating"],
        ["mode=single-layer", "assignment=rotating"],
        ["mode=per-device", "devices=3", "device_layers=[[0], [1], [0, 1]]"],
        ["mode=memory-aware", "memory.budgets=[100000, 6000]", "memory.frozen_in=flash"],
        ["partition.kind=dirichlet", "partition.alpha=0.1", "devices_per_round=5"],
        ["partition.kind=shards"],
        ["partition.kind=quantity", "at_end=stop"],
        ["faults.probability=0.3", "average_every=epoch"],
        ["recipe_settings.feedback=balanced"],
        ["recipe_settings.update_rounding=stochastic"],
        ["recipe_settings.weight_bits=8"],
    ],
    ids=" ".join,
)
def test_every_way_of_working_runs_and_repeats(overrides: list[str]) -> None:
    experiment = load_experiment(preset="digits", overrides=["rounds=6", *overrides])
    assert run(experiment).digest == run(experiment).digest


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["mode=single-layer", "devices=1"], "devices: 1 devices cannot train 2 layers"),
        (["layers=[63, 10]"], "layers: 63-10 does not fit 'digits', which has 64 features"),
        (["layers=[64, 9]"], "has 64 features and 10 classes"),
        (["dataset=digit"], "'digit'.*did you mean 'digits'"),
        (["partition.kind=group"], "partition.kind: the data have no groups"),
        (["devices=5000"], "devices: 5000 is not in .*use fewer devices"),
        (["recipe=paper", "batch=1000"], "batch: a sum of 1000 gradients can overflow"),
        (["recipe=paper", "recipe_settings.inverse_learning_rate=3000"], "not a power of two"),
        (
            ["recipe_settings.update_shifts=[7]"],
            "recipe_settings.update_shifts: 1 values for 2 layers",
        ),
        (
            ["recipe_settings.weight_bits=8", "recipe_settings.start_range=128"],
            "recipe_settings.start_range: 128 is more than the 127 that a weight of layer 0 can be",
        ),
        (["data.label_column=x"], "data.label_column: the data set 'digits' has no such option"),
        (["data.name=mnist"], "data.name: the data set 'digits' has no such option"),
        (["data.download=false"], "data.download: "),
        (["data.cache_dir=x"], "data.cache_dir: "),
        (["data.data_dir=x", "dataset=a.csv"], "data.data_dir: .*data.test_fraction.*--data-dir"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_settings_that_do_not_fit_are_refused(overrides: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run(load_experiment(preset="digits", overrides=overrides))


def test_a_folder_holds_one_run(tmp_path: Path) -> None:
    run(Experiment(rounds=1), out=tmp_path / "a")
    with pytest.raises(UsageError, match="holds a run already; go on with it by --resume"):
        run(Experiment(rounds=1), out=tmp_path / "a")
    # Rows would be appended to those of the run that was there.
    (tmp_path / "a/experiment.toml").unlink()
    for left in ("metrics.csv", "checkpoints"):
        with pytest.raises(UsageError, match=f"a: holds {left} of a run whose experiment"):
            run(Experiment(rounds=1), out=tmp_path / "a")
        (tmp_path / "a" / left).rename(tmp_path / left)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        run(Experiment(rounds=1), out=tmp_path / "file" / "run")


def test_the_folder_holds_what_it_should(tmp_path: Path) -> None:
    from tifed import load_model

    result = run(Experiment(rounds=3), out=tmp_path / "a")
    _, parameters = load_model(tmp_path / "a" / "model.safetensors")
    assert parameters.digest == result.digest
    rows = (tmp_path / "a" / "metrics.csv").read_text().splitlines()
    assert len(rows) == 4
    assert rows[0].startswith("round,accuracy,training_error,asked,answered,updates_layer_0")


def test_text_is_a_path_as_well(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    np.savez(
        tmp_path / "own.npz",
        features=generator.integers(-128, 128, (100, 4)).astype(np.int8), labels=np.arange(100) % 2,
    )  # fmt: skip
    out, data_dir = f"{tmp_path}/new/run", str(tmp_path)
    experiment = Experiment(dataset="own.npz", rounds=1, devices=2)
    result = run(experiment, out=out, data_dir=data_dir)
    assert result.out == out
    assert resume(out, data_dir=data_dir).digest == result.digest
    assert load_experiment(f"{out}/experiment.toml") == experiment
    assert load("own.npz", data_dir=data_dir).features == 4
    write_report(out)
    assert (tmp_path / "new/run/report.html").is_file()
    assert ".lock" in {path.name for path in (tmp_path / "new/run").iterdir()}


def test_settings_that_could_not_be_read_again_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="bytes of settings are more than the 8,388,608 "):
        RunFolder(tmp_path / "run").create("#" * (LARGEST_FILE + 1))
