from pathlib import Path

import pytest
from pydantic import BaseModel

from tifed.data.partition.settings import Dirichlet, Iid, Shards
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
    assert one.partition == Dirichlet(kind="dirichlet", alpha=0.1)


def test_another_recipe_drops_the_settings_of_the_old_one() -> None:
    one = load_experiment(preset="digits-paper", overrides=["recipe=tuned"])
    assert one.recipe_settings == {}


def test_another_partition_drops_the_settings_of_the_old_one() -> None:
    preset = "fashion-mnist-dirichlet-0.1"
    one = load_experiment(preset=preset, overrides=["partition.kind=shards"])
    assert one.partition == Shards(kind="shards")
    # What is set together stays together, in whatever order.
    pairs = ["partition.classes_per_device=3", "partition.kind=shards"]
    for given in (pairs, pairs[::-1]):
        one = load_experiment(preset=preset, overrides=given)
        assert one.partition == Shards(kind="shards", classes_per_device=3)


def test_a_folder_of_an_earlier_release_has_the_settings_of_all_kinds(tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text(
        '[partition]\nkind = "iid"\nalpha = 1.0\nclasses_per_device = 2\nminimum = 1\n'
        "limit_per_device = 50\n"
    )
    assert load_experiment(path).partition == Iid(limit_per_device=50)


def test_every_field_is_described() -> None:
    for name, field in Experiment.model_fields.items():
        if not isinstance(field.default, BaseModel):
            assert field.description, name


BAD = [
    ('features = "mnist"', r"features: is called extractor now; write extractor = 'mnist'"),
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
        "recipe: there is no recipe best; choose from paper, tuned",
    ),
    (
        'recipe = "tuned-absolute"',
        "recipe: there is no recipe tuned-absolute any more; write recipe = 'tuned'; the",
    ),
    (
        'recipe = "tuned-int8"',
        "any more; write recipe = 'tuned' with recipe_settings.weight_bits = 8; the",
    ),
    ('engine = "gpu"', "engine: .*'native' or 'oracle'"),
    ('average_every = "year"', "average_every: .*'buffer', 'epoch' or 'mini-batch'"),
    ("buffers_per_round = 65", "buffers_per_round: .*less than or equal to 64"),
    (
        'buffers_per_round = 2\naverage_every = "epoch"',
        "buffers_per_round: 2 buffers .* average_every = 'epoch' it averages within one; leave one",
    ),
    (
        'buffers_per_round = 2\nat_end = "stop"',
        "buffers_per_round: a device always has 2 full buffers.*set at_end = 'restart'",
    ),
    (
        "buffers_per_round = 2\nprivacy.device_masks = true",
        "buffers_per_round: .*one buffer in a round.*set buffers_per_round = 1",
    ),
    (
        "buffers_per_round = 64\nown_data = true\nrounds = 10_000\nbuffer = 65_535",
        "buffers_per_round: 10000 rounds of 64 buffers of 65535 are more .*choose fewer rounds",
    ),
    ("devices_per_round = 9", "devices_per_round: 9 of 8 devices"),
    ("minimum_devices = 9", "minimum_devices: 9 is more than are asked"),
    ('mode = "per-device"', "device_layers: goes with mode = 'per-device', which needs it"),
    ("device_layers = [[0]]", "device_layers: goes with mode = 'per-device', and only with"),
    ('mode = "memory-aware"', "memory.budgets: goes with mode = 'memory-aware', which needs it"),
    ("[memory]\nbudgets = [9]", "memory.budgets: goes with mode = 'memory-aware', and only with"),
    (
        "[partition]\nkinds = 1",
        "kinds: unknown key .*'kind'.*the partition 'iid' has kind, limit",
    ),
    ('[partition]\nkind = "dirichlet"\nalpha = 0', "partition.alpha: .*greater than 0"),
    (
        "[partition]\nalpha = 3",
        "alpha: unknown key; .*alpha goes with kind = 'dirichlet' or 'qua",
    ),
    ('[partition]\nkind = "shard"', r"partition\.kind: there is no .*'shards'.*; choose from iid"),
    ("[partition]\nkind = [1]", r"partition\.kind: there is no partition \[1\]; choose from iid"),
    ("[faults]\nprobability = 1.0", "faults.probability: .*less than 1"),
    ("[recipe_settings]\nmargins = 3", "margins: unknown key .*'margin'"),
    ("[recipe_settings]\nmargin = 0", "margin: .*greater than or equal to 1"),
    ("rounds = 3\nseed = = 4", r"not valid TOML: .*line 2"),
    ("[recipe_settings]\nlr = 1", r"recipe_settings\.lr: unknown key; the recipe 'tuned' has resc"),
    (
        'recipe = "paper"\n[recipe_settings]\ntarge = 1',
        r"recipe_settings\.targe: unknown key \(did you mean 'target'\?\); the recipe 'paper' has ",
    ),
    ('layers = "64,32,10"', r"layers: '64,32,10' is text, not a list; write layers=\[64,32,10\]"),
    ('partition = "dirichlet"', r"partition: is a table, not .*; write partition\.kind=dirichlet"),
    ("faults = 0.5", r"faults: is a table.*keys are probability; write faults\.probability=0\.5"),
    ('data = "x"', r"data: is a table, not 'x'; write data\.KEY=x"),
    ("link = [1]", r"link: is a table, not \[1\]; .*; write link\.devices=VALUE"),
    ("rounds = 0x1" + "0" * 5000, "rounds: .* not a value .int. too large to be shown"),
    ("rounds = 1" + "0" * 5000, "not valid TOML: .*digits"),
    ('mode = "' + "x" * 5000 + '"', "mode: .*x…$"),
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
    with pytest.raises(UsageError, match=r"overrides: is text; write \['rounds=3'\]"):
        load_experiment(overrides="rounds=3")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data.x = " + "[" * 100_000, "within each other, more than 32 deep"),
        ("data.x = " + "[" * 40 + "]" * 40, "within each other, more than 32 deep"),
        ("data." + "a." * 500_000 + "a = 1", "a key has more than 64 parts"),
        ("[data." + "a." * 500_000 + "a]", "a key has more than 64 parts"),
        ("x = {" + '"a".' * 100 + "a = 1}", "a key has more than 64 parts"),
        ("data." + "a." * 40 + "a = 1", "within each other, more than 32 deep"),
        ("#" * (1 << 23), "is larger than 8,388,608 bytes"),
    ],
    ids=["deep", "closed", "dots", "header", "inline", "some dots", "huge"],
)
def test_absurd_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text + "\n")
    with pytest.raises(UsageError, match=rf"mine\.toml: .*{message}"):
        load_experiment(path)


def test_dots_that_are_no_key_are_nobodys_business(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("# " + "." * 100 + "\nrounds = 3  # " + ". " * 100)
    assert load_experiment(path).rounds == 3


def test_endless_files_are_not_read_to_their_end(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # takes no room on the disk
    with pytest.raises(UsageError, match="is larger than 8,388,608 bytes"):
        load_experiment(path)


@pytest.mark.parametrize("pair", ["rounds=" + "[" * 50_000, "a." * 5000 + "a=1", "rounds=[[" * 99])
def test_absurd_pairs_are_refused(pair: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_experiment(overrides=[pair])
    assert len(str(caught.value)) < 1000


def test_a_mapping_is_as_good_as_pairs(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("rounds = 7\n")
    one = load_experiment(
        str(tmp_path / "mine.toml"),
        overrides={
            "layers": (64, 32, 10), "mode": "single-layer", "partition": {"kind": "shards"},
            "partition.classes_per_device": 3, "data.quantise": "none",
        },
    )  # fmt: skip
    assert one == load_experiment(
        tmp_path / "mine.toml",
        overrides=[
            "layers=[64, 32, 10]", "mode=single-layer", "partition.kind=shards",
            "partition.classes_per_device=3", "data.quantise=none",
        ],
    )  # fmt: skip
    with pytest.raises(UsageError, match="rouns: unknown key"):
        load_experiment(overrides={"rouns": 3})


def test_an_experiment_helps_wherever_it_is_made() -> None:
    with pytest.raises(UsageError, match=r"experiment: round: unknown key \(did you mean 'rounds'"):
        Experiment(round=3)  # type: ignore[call-arg]
    with pytest.raises(UsageError, match=r"rounds: .*equal to 1, not 0\nseed: .*not -1"):
        Experiment(rounds=0, seed=-1)
    with pytest.raises(UsageError, match="device_layers: goes with mode = 'per-device'"):
        Experiment.model_validate_json('{"mode": "per-device"}')
    with pytest.raises(UsageError, match="experiment: settings: "):
        Experiment.model_validate([1])
