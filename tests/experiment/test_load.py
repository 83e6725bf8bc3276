from pathlib import Path

import pytest

from tifed.errors import UsageError
from tifed.experiment import load_experiment, preset_names, to_toml
from tifed.experiment.schema import Experiment


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_loads_and_survives_a_round_trip(name: str, tmp_path: Path) -> None:
    experiment = load_experiment(preset=name)
    path = tmp_path / "experiment.toml"
    path.write_text(to_toml(experiment))
    assert load_experiment(path) == experiment
    assert experiment.recipe.startswith("paper" if name.endswith("-paper") else "tuned")
    if experiment.recipe == "tuned":
        assert load_experiment(preset=f"{name}-tuned") == experiment


def test_the_papers_presets_are_the_papers_settings() -> None:
    for name in ("mnist-paper", "fashion-mnist-paper"):
        one = load_experiment(preset=name)
        assert one.layers == (784, 200, 10)
        assert (one.devices, one.rounds, one.buffer, one.batch) == (8, 150, 50, 25)
        assert one.local_epochs == 5
        assert one.recipe_settings == {"inverse_learning_rate": 2048}


def test_a_file_goes_over_its_preset_and_pairs_over_both(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('preset = "digits"\nrounds = 7\n[partition]\nkind = "dirichlet"\nalpha = 0.5\n')
    one = load_experiment(path, overrides=["partition.alpha=0.1", "mode=single-layer", "seed=9"])
    assert (one.rounds, one.buffer, one.seed, one.mode) == (7, 20, 9, "single-layer")
    assert (one.partition.kind, one.partition.alpha) == ("dirichlet", 0.1)


def test_another_recipe_drops_the_settings_of_the_old_one() -> None:
    one = load_experiment(preset="digits-paper", overrides=["recipe=tuned"])
    assert one.recipe_settings == {}


def test_every_field_is_described() -> None:
    for name, field in Experiment.model_fields.items():
        if name not in ("partition", "faults", "memory", "link"):
            assert field.description, name


BAD = [
    ("rouns = 3", r"rouns: unknown key \(did you mean 'rounds'\?\); the keys are dataset, "),
    ("rounds = 0", "rounds: .*greater than or equal to 1, not 0"),
    ("devices = -2", "devices: .*greater than or equal to 1"),
    ("buffer = 0", "buffer: .*greater than or equal to 1"),
    ("batch = 2.5", "batch: .*integer"),
    ("seed = -1", "seed: .*greater than or equal to 0"),
    ("layers = [64, 0, 10]", r"layers: \[64, 0, 10\] must be two or more positive sizes"),
    ("layers = [64]", r"layers: \[64\] must be two or more"),
    ('mode = "both"', "mode: .*'full-network', 'single-layer', 'per-device' or 'memory-aware'"),
    (
        'recipe = "best"',
        "recipe: .*'paper', 'tuned', 'tuned-absolute', 'tuned-int8' or 'float-fedavg'",
    ),
    ('engine = "gpu"', "engine: .*'native' or 'oracle'"),
    ('average_every = "year"', "average_every: .*'buffer', 'epoch' or 'mini-batch'"),
    ("devices_per_round = 9", "devices_per_round: 9 of 8 devices"),
    ("minimum_devices = 9", "minimum_devices: 9 is more than are asked"),
    ('mode = "per-device"', "device_layers: goes with mode = 'per-device'"),
    ('mode = "memory-aware"', "memory.budgets: goes with mode = 'memory-aware'"),
    ("[partition]\nkinds = 1", "partition.kinds: unknown key .*'kind'.*the keys are kind, alpha"),
    ("[partition]\nalpha = 0", "partition.alpha: .*greater than 0"),
    ("[faults]\nprobability = 1.0", "faults.probability: .*less than 1"),
    ("[recipe_settings]\nmargins = 3", "margins: unknown key .*'margin'"),
    ("[recipe_settings]\nmargin = 0", "margin: .*greater than or equal to 1"),
    ("rounds = 3\nseed = = 4", r"not valid TOML: .*line 2"),
    ('preset = "digit"', r"preset: 'digit' does not exist \(did you mean 'digits'\?\)"),
]


@pytest.mark.parametrize(("text", "message"), BAD)
def test_what_is_wrong_is_named_with_the_remedy(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        load_experiment(path)
    assert "preset" in message or str(path) in str(caught.value)


def test_unreadable_files_and_pairs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml: cannot be read"):
        load_experiment(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b'dataset = "\xe9"')
    with pytest.raises(UsageError, match="is not UTF-8"):
        load_experiment(tmp_path / "latin.toml")
    with pytest.raises(UsageError, match="--set rounds: must look like key=value"):
        load_experiment(overrides=["rounds"])
