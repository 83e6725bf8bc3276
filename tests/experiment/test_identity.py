"""What an identity is made of, and that unfinished runs survive what does not decide."""

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from safetensors.numpy import save

from tifed import Experiment, UsageError, load_experiment, resume, run
from tifed.baselines import BASELINES
from tifed.data.partition import PARTITIONS
from tifed.experiment import to_toml
from tifed.experiment.identity import VERSION, data_settings, description, identity
from tifed.federation.checkpoint_file import _checksum
from tifed.files.tensor_file import header_and_arrays
from tifed.rule.compression import Change, Changes
from tifed.rule.network import Activation, Layer, Network
from tifed.rule.recipes import RECIPES, Server, Tuned

TUNED = {
    "rescale_shifts": None, "update_shifts": None, "start_range": None, "start_bias": None,
    "activation": None,
    "margin": 48, "feedback": "output-sign", "update_rounding": None, "weight_bits": 16,
    "centred": True, "calibration": 50, "decay_percent": 60, "server_rate": None,
    "server_momentum": 8, "halvings": None, "running_mean": 16, "running_mean_growth": 3,
}  # fmt: skip
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "Experiment": {
        "dataset": "digits", "front_end": None, "pixel_shifts": False, "extractor": None,
        "devices": 8, "rounds": 60, "seed": 1,
        "mode": "full-network", "assignment": None, "device_layers": None, "recipe": "tuned",
        "engine": "native", "fleet": "simulated", "board": "cortex-m4", "emulator": "unicorn",
        "compiler": "zig", "average_every": "buffer", "buffers_per_round": 1,
        "layers": None, "buffer": 20, "batch": 10,
        "local_epochs": 5, "devices_per_round": None, "minimum_devices": 1, "at_end": "restart",
        "held_out": "test", "evaluate_every": 1, "checkpoint_every": 1,
        "class_weights": None,
        "partition.kind": "iid", "partition.limit_per_device": None, "faults.probability": 0.0,
        "memory.budgets": [], "memory.frozen_in": "ram", "link.devices": [], "link.baud": 115200,
        "link.answer": 1.0, "link.silence": 30.0, "link.on_reboot": "repeat", "link.repeats": 10,
        "link.keys": "", "link.sealed": False, "link.unsealed": False, "link.quiet": False,
        "data": {}, "recipe_settings": {}, "baseline": None, "baseline_settings": {},
        "fleet_settings": {}, "own_data": False, "held_out_every": 5, "report_classes": False,
        "personal.rounds": 0, "personal.layers": "all", "personal.extra_shift": 2,
        "robust.clip": 0.0, "robust.aggregate": "mean", "robust.trim": 0.2,
        "privacy.secure_aggregation": False, "privacy.sites": None,
        "privacy.device_masks": False,
        "privacy.noise_multiplier": 0.0, "privacy.noise_sites": 1, "privacy.clip": 0,
        "privacy.delta": 1e-5,
        "privacy.centre": None, "privacy.noise_seed": None,
        "compression.upload": "whole", "compression.download": "whole",
        "compression.upload_shift": None, "compression.download_shift": None,
        "compression.rows": 1, "compression.coder": False, "compression.residual": False,
    },
    "dirichlet": {"kind": "iid", "alpha": 1.0, "minimum": 1},
    "shards": {"kind": "iid", "classes_per_device": 2},
    "quantity": {"kind": "iid", "alpha": 1.0, "minimum": 1},
    "group": {"kind": "iid"},
    "iid": {"kind": "iid", "limit_per_device": None},
    "paper": {"inverse_learning_rate": 2048, "target": 16, "weight_bits": 16},
    "tuned": TUNED,
    "float-fedavg": {
        "learning_rate": 0.05, "momentum": 0.0, "feedback": "backpropagation", "centred": True,
        "calibration": 50, "decay_percent": 60, "server_rate": 1.0, "server_momentum": None,
        "running_mean": 16,
    },
    "Network": {"input_shift": 0, "centred": False},
    "Layer": {
        "rescale_factor": 1, "rescale_rounding": "nearest", "update_rounding": "nearest",
        "bias_shift": 0, "weight_bits": 16,
    },
    "Server": {
        "fraction_bits": 0, "rounding": "toward-zero", "rate_halves": [2], "running_mean": 1,
        "running_mean_growth": 0, "momentum": 0,
    },
    "Changes": {"layers": [], "by_energy": False, "residual": False},
    "Change": {"shift": 0, "rows": 1, "unit": None},
}  # fmt: skip
"""Every default that an identity of version 2 leaves out.

A new setting, whose default leaves all digests as they were, is added here. Whoever changes or
removes a value raises `tifed.experiment.identity.VERSION`, and enters it here.
"""
DEFAULTS_ARE_OF_VERSION = 2

MATTERS: Mapping[str, Any] = {
    "front_end": "octants",
    "pixel_shifts": True,
    "devices": 4, "rounds": 7, "seed": 2, "mode": "single-layer", "assignment": "alternating",
    "recipe": "paper", "average_every": "epoch", "buffers_per_round": 2,
    "layers": [64, 16, 10], "buffer": 10, "batch": 5,
    "local_epochs": 2, "devices_per_round": 4, "minimum_devices": 2, "at_end": "stop",
    "held_out": "validation", "class_weights": "balanced",
    "partition": {"kind": "dirichlet"}, "faults": {"probability": 0.1},
    "memory": {"frozen_in": "flash"}, "recipe_settings": {"margin": 47},
    "baseline": "float-fedavg", "own_data": True, "robust": {"clip": 1.0},
    # Not the model, but what was promised: owners accept an experiment by its identity.
    "privacy": {"secure_aggregation": True},
    "compression": {"upload": "ternary"},
}  # fmt: skip
OF_OWN_DATA: Mapping[str, Any] = {
    "held_out_every": 4, "report_classes": True, "personal": {"rounds": 3},
}  # fmt: skip
LEAVES_THE_DIGEST: Mapping[str, Any] = {
    "engine": "oracle", "board": "cortex-m0", "emulator": "qemu", "compiler": "gcc",
    "fleet": "emulated", "link": {"baud": 9600}, "evaluate_every": 3, "checkpoint_every": 3,
}  # fmt: skip
NAMES_DATA: Mapping[str, Any] = {
    "dataset": "samples.csv", "data": {"label_column": "y"}, "extractor": "frozen.safetensors",
}  # fmt: skip


def flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """An experiment's tables by their dotted names."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        tables = isinstance(value, dict) and name not in (
            "data",
            "recipe_settings",
            "baseline_settings",
            "fleet_settings",
        )
        found |= {f"{name}.{key}": it for key, it in value.items()} if tables else {name: value}
    return found


def constant_defaults(kind: type[Any]) -> dict[str, Any]:
    """Defaults of a dataclass."""
    named = {it.name: it.default for it in dataclasses.fields(kind)}
    named = {name: it for name, it in named.items() if it is not dataclasses.MISSING}
    plain: dict[str, Any] = json.loads(json.dumps(named))
    return plain


def test_a_default_changes_with_the_version_alone() -> None:
    """What is at its default is not in an identity, so another default must be another version."""
    now = {
        "Experiment": flat(Experiment().model_dump(mode="json")),
        **{name: PARTITIONS[name]().model_dump(mode="json") for name in PARTITIONS.built_in},
        **{name: RECIPES[name]().model_dump(mode="json") for name in RECIPES.built_in},
        **{name: BASELINES[name]().model_dump(mode="json") for name in BASELINES.built_in},
        **{
            kind.__name__: constant_defaults(kind)
            for kind in (Network, Layer, Server, Changes, Change)
        },
    }
    assert VERSION == DEFAULTS_ARE_OF_VERSION
    assert now == DEFAULTS


def test_the_text_is_what_the_specification_says() -> None:
    """Written out here by hand: nothing of how it is made may move it."""
    layers = (
        '[{"activation":"absolute","bias_shift":6,"fan_in":64,"fan_out":32,"input_limit":128,'
        '"rescale_shift":12,"update_shift":8},{"activation":"identity","bias_shift":6,"fan_in":32,'
        '"fan_out":10,"input_limit":127,"rescale_shift":12,"update_shift":8}]'
    )
    # One more for each power of two; no more than 4 less.
    shifts = ",".join(["[15,-4]", *(f"[1,{shift}]" for shift in range(-3, 14))])
    text = (
        '{"constants":{"assignment":"rotating-quarter","calibration":50,'
        f'"energy_shifts":[{shifts}],"network":{{"centred":true,'
        f'"error":"margin","error_level":47,"feedback":"output-sign","input_shift":1,"layers":{layers}}},'
        '"server":{"fraction_bits":8,"rate_halves":[4,1],"rounding":"nearest","running_mean":16,'
        '"running_mean_growth":3},'
        '"shifts":[[36,0],[24,1]],"start":[64,32],"start_biases":[1024,0]},"data":"0f",'
        '"settings":{"faults":{"probability":0.5},"layers":[64,32,10],"mode":"single-layer",'
        '"recipe_settings":{"margin":47}},"version":2}'
    )
    overrides = [
        "mode=single-layer", "faults.probability=0.5", "recipe_settings.margin=47",
        "recipe_settings.running_mean=16",  # as by default
    ]  # fmt: skip
    experiment = load_experiment(preset="digits", overrides=overrides)
    assert identity(experiment, data="0f") == hashlib.sha256(text.encode()).hexdigest()


def test_every_setting_decides_or_is_known_not_to() -> None:
    plain = identity(Experiment())
    # Some go with another setting only.
    others = {"device_layers", "baseline_settings", "fleet_settings", *OF_OWN_DATA}
    decides = Experiment.model_fields.keys() - others
    assert MATTERS.keys() | LEAVES_THE_DIGEST.keys() | NAMES_DATA.keys() == decides
    for name, value in MATTERS.items():
        # A setting that needs others is only asked whether it counts.
        other = Experiment().model_copy(update={name: getattr(Experiment(**{name: value}), name)})
        assert identity(other) != plain, name
    lists = {"mode": "per-device", "devices": 1}
    one, two = (Experiment(**lists, device_layers=[own]) for own in ([0], [0, 1]))
    assert identity(one) != identity(two)
    own = identity(Experiment(own_data=True))
    for name, value in OF_OWN_DATA.items():
        assert identity(Experiment(**{"own_data": True, name: value})) != own, name
    for name, value in {**LEAVES_THE_DIGEST, **NAMES_DATA}.items():
        assert identity(Experiment(**{name: value})) == plain, name
    line = {"fleet": "linked", "devices": 1, "link": {"devices": ["tcp:a:1"], "unsealed": True}}
    assert identity(Experiment(**line)) == identity(Experiment(devices=1))


def test_shifts_by_rule_are_in_the_identity_of_what_travels_by_them() -> None:
    layers = {"layers": (64, 32, 10)}
    assert description(Experiment(**layers))["constants"].keys().isdisjoint({"upload", "download"})
    experiment = Experiment(**layers, compression={"upload": "ternary", "download": ["4-bit"] * 2})
    constants = description(experiment)["constants"]
    assert constants["upload"] == {
        "layers": [{"top": 1, "shift": 6}, {"top": 127}], "by_energy": True,
    }  # fmt: skip
    assert constants["download"]["layers"] == [{"top": 7, "shift": 5}, {"top": 7, "shift": 2}]


def test_data_that_are_not_there_have_a_name_at_least() -> None:
    elsewhere = Experiment(dataset="/nowhere/samples.csv", extractor="/nowhere/frozen.safetensors")
    assert identity(elsewhere) == identity(Experiment())
    assert data_settings(elsewhere) != data_settings(Experiment())
    # Results that are kept are found by this text, so the extractor keeps its first name there.
    assert data_settings(elsewhere) == {
        "dataset": "/nowhere/samples.csv", "data": {}, "features": "/nowhere/frozen.safetensors",
    }  # fmt: skip


@pytest.mark.parametrize("recipe", RECIPES.built_in)
def test_a_network_that_data_decide_counts_once_it_is_known(recipe: str) -> None:
    experiment = Experiment(recipe=recipe)
    same = [RECIPES[recipe]().network((64, 32, 10), 10) for _ in range(2)]
    other = RECIPES[recipe]().network((64, 32, 9), 10)
    names = {identity(experiment, one) for one in (None, *same, other)}
    assert len(names) == 3
    named = Experiment(recipe=recipe, layers=(64, 32, 10))
    assert identity(named) == identity(named, same[0])


def test_no_network_counts_where_a_baseline_learns() -> None:
    """The integers' network does not decide what floats become."""
    experiment = Experiment(baseline="float-fedavg")
    network = Tuned().network((64, 32, 10), 10)
    assert identity(experiment, network) == identity(experiment)
    assert identity(experiment) != identity(Experiment())


def test_millions_of_rounds_are_a_short_text() -> None:
    constants = description(Experiment(rounds=100_000))["constants"]
    assert constants["shifts"] == [(60_000, 1), (40_000, 2)]


class StopHere(Exception):
    """Ends a run in the middle."""


def stop(folder: Path, experiment: Experiment, after: int = 2) -> str:
    """A run stopped after ``after`` rounds; the digest that it has unbroken."""

    def watch(progress: Any) -> None:
        if progress.record.round + 1 == after:
            raise StopHere

    with pytest.raises(StopHere):
        run(experiment, out=folder, watch=watch)
    return run(experiment).digest


def rounds_to_the_end(folder: Path) -> tuple[list[int], str]:
    """The rounds that were left, and the digest."""
    seen: list[int] = []
    digest = resume(folder, watch=lambda it: seen.append(it.record.round)).digest
    return seen, digest


def change(folder: Path, old: str, new: str) -> None:
    path = folder / "experiment.toml"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_a_setting_that_comes_later_leaves_unfinished_runs_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Newer(Experiment):
        patience: int = 3
        colour: Literal["grey", "red"] = "grey"

    folder = tmp_path / "run"
    digest = stop(folder, Experiment(rounds=4))
    monkeypatch.setattr("tifed.experiment.load.Experiment", Newer)
    assert 'colour = "grey"' in to_toml(load_experiment(folder / "experiment.toml"))
    assert rounds_to_the_end(folder) == ([2, 3], digest)
    # Once it says something else it decides, for all that is known of it.
    change(folder, "rounds = 4\n", 'rounds = 4\ncolour = "red"\n')
    with pytest.raises(UsageError, match="another experiment or other data"):
        resume(folder)


def test_a_constant_that_comes_later_leaves_unfinished_runs_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dataclasses.dataclass(frozen=True)
    class NewerServer(Server):
        patience: int = 3

    digest = stop(tmp_path / "run", Experiment(rounds=4))
    monkeypatch.setattr("tifed.rule.recipes.tuned.Server", NewerServer)
    assert rounds_to_the_end(tmp_path / "run") == ([2, 3], digest)


def test_who_computes_and_who_is_told_may_change_in_between(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    digest = stop(folder, Experiment(rounds=4))
    change(folder, 'engine = "native"', 'engine = "oracle"')
    change(folder, "evaluate_every = 1", "evaluate_every = 4")
    change(folder, "baud = 115200", "baud = 9600")
    assert rounds_to_the_end(folder) == ([2, 3], digest)


def test_data_may_move_and_may_not_change(tmp_path: Path) -> None:
    numbers = np.random.default_rng(1).integers(-100, 100, (60, 3))
    rows = [f"{a},{b},{c},{'yes' if a > 0 else 'no'}" for a, b, c in numbers.tolist()]
    samples = tmp_path / "samples.csv"
    samples.write_text("\n".join(["a,b,c,label", *rows]) + "\n")
    folder = tmp_path / "run"
    digest = stop(folder, Experiment(dataset=str(samples), devices=2, rounds=4))
    moved = tmp_path / "elsewhere" / "renamed.csv"
    moved.parent.mkdir()
    shutil.move(samples, moved)
    change(folder, str(samples), str(moved))
    changed = moved.read_text().replace("yes", "no", 1)
    sound = moved.read_text()
    moved.write_text(changed)
    with pytest.raises(UsageError, match="another experiment or other data"):
        resume(folder)
    moved.write_text(sound)
    assert rounds_to_the_end(folder) == ([2, 3], digest)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seed = 1\n", "seed = 2\n"),
        ('held_out = "test"', 'held_out = "validation"'),
        ("probability = 0.0", "probability = 0.25"),
        ("[recipe_settings]\n", "[recipe_settings]\nmargin = 47\n"),
    ],
)
def test_what_decides_may_not_change(tmp_path: Path, old: str, new: str) -> None:
    stop(tmp_path / "run", Experiment(rounds=2), after=1)
    change(tmp_path / "run", old, new)
    with pytest.raises(UsageError, match="another experiment or other data"):
        resume(tmp_path / "run")


@pytest.mark.parametrize(
    ("rule", "made"),
    [
        ("extra_shift", lambda self, number, rounds, mode: int(number > 0)),
        ("server", lambda self, mode, depth: Server(fraction_bits=8, rate_halves=(3,))),
        ("start", lambda self, network, energy=None: (9, 9)),
        ("start_biases", lambda self, network, energy=None: (1, 0)),
        ("energy_shift", lambda self, network, energy: int(energy >= 1 << 20)),
        ("start", lambda self, network, energy=None: (256, 128) if energy else (256, 127)),
        ("start_biases", lambda self, network, energy=None: (0, int((energy or 0) > 1 << 30))),
        ("calibration_samples", property(lambda self: 40)),
        ("hidden_activation", lambda self, depth: Activation.RELU),
    ],
)
def test_a_recipe_whose_rules_have_changed_does_not_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: str, made: Any
) -> None:
    stop(tmp_path / "run", Experiment(rounds=2), after=1)
    monkeypatch.setattr(Tuned, rule, made)
    with pytest.raises(UsageError, match="a release whose recipe has other constants"):
        resume(tmp_path / "run")


def test_a_folder_of_an_earlier_release_is_refused_in_words(tmp_path: Path) -> None:
    stop(tmp_path / "run", Experiment(rounds=2), after=1)
    newest = tmp_path / "run/checkpoints/round-000001.safetensors"
    header, arrays = header_and_arrays(newest)
    header |= {"version": "1"}
    header["checksum"] = _checksum(arrays, header)
    newest.write_bytes(save(arrays, header))
    with pytest.raises(UsageError, match="was written by another release: its format's version is"):
        resume(tmp_path / "run")
