"""What a script registers is as good as TIFeD's own, and is refused in words where it is not."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import tifed
from tifed import UsageError, load_experiment
from tifed.baselines import BASELINES
from tifed.baselines.float_fedavg import FloatFedAvg
from tifed.data import DATASETS, READERS, Folders, load
from tifed.data.partition import PARTITIONS, Partition, explicit
from tifed.data.partition.settings import Dirichlet, Iid
from tifed.data.samples import Dataset, Samples
from tifed.experiment import FLEETS, to_toml
from tifed.experiment.fleets import Simulated
from tifed.experiment.identity import identity
from tifed.experiment.load import validated
from tifed.link import TRANSPORTS, Scheme, Transport, TransportClosedError, open_transport
from tifed.link.address import check_address, repeated_line
from tifed.registry import Registry
from tifed.rule.recipes import RECIPES, Tuned

ALL: tuple[Registry[Any], ...] = (
    RECIPES, BASELINES, PARTITIONS, DATASETS, READERS, FLEETS, TRANSPORTS,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for registry in ALL:
        monkeypatch.setattr(registry, "_scripts", {})


class Eager(Tuned):
    """Another default alone."""

    margin: int = 96


class Halves(Iid):
    """The first half of the samples is nobody's."""

    def deal(self, samples: Samples, devices: int, seed: int) -> Partition:
        """As `Iid` deals the rest."""
        half = len(samples) // 2
        rest = Samples(samples.features[half:], samples.labels[half:])
        dealt = super().deal(rest, devices, seed)
        return Partition(tuple(own + half for own in dealt.indices), len(samples), "halves")


class Slow(FloatFedAvg):
    """Another baseline."""

    arithmetic: ClassVar[str] = "slow float32"
    learning_rate: float = 0.001


class Named(Simulated):
    """A fleet with a setting."""

    title: str = "none"


class Nowhere(Scheme):
    """Lines that cannot be opened."""

    form = "nowhere:number"

    def sound(self, place: str) -> bool:
        return place.isdecimal()

    def line(self, place: str) -> str:
        return str(int(place))

    def exposed(self, place: str) -> bool:
        return False

    def open(self, place: str, baud: int, seconds: float) -> Transport:
        raise TransportClosedError(f"{place} at {baud} within {seconds:g} s", lasting=True)


def few(folders: Folders, *, classes: int = 2) -> Dataset:
    labels = (np.arange(40) % classes).astype(np.int32)
    samples = Samples((np.arange(80).reshape(40, 2) % 90).astype(np.int8), labels)
    return Dataset("few", samples, samples, tuple(map(str, range(classes))))


def test_a_recipe_counts_by_its_name_and_its_numbers() -> None:
    tifed.register_recipe("eager", Eager)
    eager = load_experiment(preset="digits", overrides=["recipe=eager", "rounds=3"])
    same = load_experiment(preset="digits", overrides=["rounds=3", "recipe_settings.margin=96"])
    assert tifed.run(eager).digest == tifed.run(same).digest
    assert identity(eager) != identity(same)
    assert validated({**eager.model_dump(mode="json"), "rounds": 3}, "here") == eager
    with pytest.raises(
        UsageError, match=r"margins: unknown .*'margin'\?\); the recipe 'eager' has"
    ):
        load_experiment(overrides=["recipe=eager", "recipe_settings.margins=3"])
    with pytest.raises(
        UsageError, match="recipe 'dict' of a script is not a subclass of tifed.rule"
    ):
        tifed.register_recipe("dict", dict)  # type: ignore[arg-type]


def test_a_partition_has_its_own_keys() -> None:
    tifed.register_partition("halves", Halves)
    pairs = ["partition.kind=halves", "partition.limit_per_device=9", "rounds=2"]
    experiment = load_experiment(preset="digits", overrides=pairs)
    result = tifed.run(experiment)
    assert result.digest != tifed.run(load_experiment(preset="digits", overrides=pairs[1:])).digest
    with pytest.raises(
        UsageError, match=r"alpha: unknown key; the partition 'halves' has kind, lim"
    ):
        load_experiment(overrides=["partition.kind=halves", "partition.alpha=3"])


def test_a_baseline_learns_in_place_of_the_recipe() -> None:
    tifed.register_baseline("slow", Slow)
    result = tifed.run(load_experiment(preset="digits", overrides=["baseline=slow", "rounds=2"]))
    assert (result.baseline, result.engine) == ("slow", "slow float32")


def test_a_data_set_takes_its_options_by_name() -> None:
    tifed.register_dataset("few", few)
    assert load("few", classes=3).classes == 3
    wrong = load_experiment(overrides=["dataset=few", "data.sizes=3"])
    with pytest.raises(UsageError, match=r"data\.sizes: the data set 'few' has no such option; it"):
        tifed.run(wrong)
    with pytest.raises(UsageError, match="data set 'fews' is unknown; did you mean 'few'"):
        load("fews")


@pytest.mark.parametrize("ending", ["gestures", ".Gestures", ".a.b", "."])
def test_an_ending_is_an_ending(ending: str) -> None:
    with pytest.raises(UsageError, match="is not an ending such as '.gestures'"):
        tifed.register_reader(ending, few)  # type: ignore[arg-type]


def test_a_fleet_has_settings_that_decide_nothing() -> None:
    tifed.register_fleet("named", Named)
    pairs = ["rounds=2", "fleet=named", "fleet_settings.title=mine"]
    experiment = load_experiment(preset="digits", overrides=pairs)
    plain = load_experiment(preset="digits", overrides=["rounds=2"])
    assert identity(experiment) == identity(plain)
    assert tifed.run(experiment).digest == tifed.run(plain).digest
    with pytest.raises(UsageError, match=r"fleet_settings\.titel: .*; the fleet 'named' has title"):
        load_experiment(overrides=["fleet=named", "fleet_settings.titel=x"])
    with pytest.raises(UsageError, match=r"title: unknown key; the fleet 'simulated' has none"):
        load_experiment(overrides=["fleet_settings.title=x"])
    with pytest.raises(UsageError, match="link.devices: goes with fleet = 'linked', and only with"):
        load_experiment(overrides=[*pairs, 'link.devices=["tcp:a:1"]'])


def test_a_transport_says_what_its_addresses_are() -> None:
    with pytest.raises(
        UsageError, match=r"'nowhere:1' is not serial:/dev/…, tcp:host:port or unix"
    ):
        check_address("nowhere:1", "link.devices")
    tifed.register_transport("nowhere", Nowhere)
    check_address("nowhere:1", "link.devices")
    with pytest.raises(UsageError, match="'nowhere:x' is not serial.*, unix:path or nowhere:…"):
        check_address("nowhere:x", "link.devices")
    assert repeated_line(["nowhere:1", "nowhere:01"]) is not None
    assert repeated_line(["nowhere:1", "nowhere:2", "unix:1"]) is None
    with pytest.raises(TransportClosedError, match="7 at 9600 within 2 s"):
        open_transport("nowhere:7", 9600, 2.0)
    with pytest.raises(UsageError, match="transport: 'No:' is not a word such as 'mqtt'"):
        tifed.register_transport("No:", Nowhere)


def test_who_brought_what_is_written_down_and_asked_for(tmp_path: Path) -> None:
    tifed.register_recipe("eager", Eager)
    tifed.register_transport("nowhere", Nowhere)
    pairs = ["recipe=eager", "fleet=linked", "devices=1", 'link.devices=["nowhere:1"]']
    experiment = load_experiment(overrides=pairs)
    path = tmp_path / "experiment.toml"
    path.write_text(to_toml(experiment))
    assert '"recipe eager" = "a script"\n"transport nowhere" = "a script"' in path.read_text()
    assert load_experiment(path) == experiment
    for registry in (RECIPES, TRANSPORTS):
        registry._scripts.clear()
    with pytest.raises(UsageError) as caught:
        load_experiment(path)
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"{path}: there is no recipe 'eager' here; a script brought it when")
    assert second.startswith(f"{path}: there is no transport 'nowhere' here; a script brought it")
    # Of what is not named any more nobody is asked for.
    again = load_experiment(path, overrides=["recipe=tuned", "fleet=simulated", "link.devices=[]"])
    assert again == load_experiment(overrides=["devices=1"])
    path.write_text("provided_by = 3\n")
    with pytest.raises(UsageError, match="provided_by is a table that TIFeD writes, not 3"):
        load_experiment(path)
    assert "provided_by" not in to_toml(load_experiment(preset="digits"))


class Turned(Iid):
    """Deals in another order once its package is another version."""

    version: ClassVar[int] = 1

    def deal(self, samples: Samples, devices: int, seed: int) -> Partition:
        return super().deal(samples, devices, seed + self.version)


def test_a_run_does_not_go_on_with_samples_dealt_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tifed.register_partition("turned", Turned)
    experiment = load_experiment(overrides={"partition.kind": "turned", "rounds": 2})
    digest = tifed.run(experiment, out=tmp_path / "run").digest
    assert tifed.resume(tmp_path / "run").digest == digest
    monkeypatch.setattr(Turned, "version", 2)
    with pytest.raises(UsageError, match="a package whose partition deals otherwise"):
        tifed.resume(tmp_path / "run")


def test_a_partition_made_in_python_says_its_own_kind() -> None:
    with pytest.raises(UsageError, match=r"partition.kind: 'iid' is not the kind of Dirichlet"):
        tifed.Experiment(partition=Dirichlet(alpha=0.3))
    made = tifed.Experiment(partition=Dirichlet(kind="dirichlet", alpha=0.3))
    assert made == load_experiment(
        overrides={"partition.kind": "dirichlet", "partition.alpha": 0.3}
    )


class Needy(Tuned):
    """Has a setting without a default."""

    need: int


def test_a_setting_that_has_to_be_given_is_asked_for() -> None:
    tifed.register_recipe("needy", Needy)
    with pytest.raises(UsageError, match=r"recipe_settings.need: Field required"):
        load_experiment(overrides={"recipe": "needy"})


class Wrong(Iid):
    """Deals something else than a partition, or to too few devices."""

    gives: ClassVar[Any] = [[1]]

    def deal(self, samples: Samples, devices: int, seed: int) -> Partition:
        wrong: Partition = self.gives
        return wrong


def test_what_an_extension_gives_is_looked_at(tmp_path: Path) -> None:
    tifed.register_dataset("seven", lambda folders: 7)  # type: ignore[arg-type,return-value]
    with pytest.raises(UsageError, match=r"'seven' of a script is loaded as 7, not as a tifed"):
        load("seven")
    tifed.register_reader(".seven", lambda path, missing: 7)  # type: ignore[arg-type,return-value]
    (tmp_path / "a.seven").touch()
    with pytest.raises(UsageError, match=r"reader of a script gives 7, not a tifed.data.Table"):
        load(tmp_path / "a.seven")
    tifed.register_partition("wrong", Wrong)
    experiment = load_experiment(overrides={"partition.kind": "wrong"})
    with pytest.raises(UsageError, match=r"'wrong' deals \[\[1\]\], not a tifed"):
        tifed.run(experiment)
    Wrong.gives = explicit([[1]], 2)
    with pytest.raises(UsageError, match="'wrong' deals to 1 devices of 8"):
        tifed.run(experiment)


def test_another_process_says_why_it_lacks_what_a_script_registered() -> None:
    sent = load_experiment().model_copy(update={"recipe": "elsewhere"})
    with pytest.raises(UsageError, match="register it in each worker process too"):
        sent.build_recipe()
