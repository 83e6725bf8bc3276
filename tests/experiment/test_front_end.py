"""Experiments whose samples go through a front end first."""

import json
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from typer.testing import CliRunner

import tifed
from tifed import Experiment, UsageError, load_experiment, resume, run
from tifed.cli import app
from tifed.data import load
from tifed.experiment import build, to_toml
from tifed.experiment.front_end import require_front_end
from tifed.experiment.identity import identity
from tifed.experiment.report import write_report
from tifed.experiment.setup import load_data, network_for
from tifed.extractor import Extractor, MaxPool, save_extractor
from tifed.extractor.extraction import extract
from tifed.extractor.float_layers import FloatConvolution, FloatExtractor
from tifed.extractor.quantise import quantise
from tifed.fleets import FleetInputs
from tifed.nodes.context import DeviceSelection, simulated_context
from tifed.plan.preprocessing import Preprocessing
from tifed.rule.front_end import EDGE_FRONT_ENDS, FRONT_ENDS, FrontEnd, FrontEndBase, features
from tifed.rule.network.value_ranges import Range

NAMES = list(EDGE_FRONT_ENDS)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TIFED_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Differences(FrontEndBase):
    """Half of what each value is more than the one before it."""

    factor = 1

    def __init__(self, input_shape: tuple[int, ...]) -> None:
        self.input_shape = input_shape

    @property
    def output_shape(self) -> tuple[int, ...]:
        return (self.input_features - 1,)

    @property
    def description(self) -> str:
        return f"differences 1 {self.input_features}"

    def compute(self, samples: NDArray[np.int8]) -> NDArray[np.int8]:
        wide = samples.astype(np.int16)
        return ((wide[:, 1:] - wide[:, :-1]) * self.factor >> 1).astype(np.int8)

    def ranges(self) -> tuple[Range, ...]:
        return (Range(None, "difference", -255, 255, 16, "of two int8"),)


@pytest.fixture(scope="module", autouse=True)
def differences() -> None:
    tifed.register_front_end("differences", Differences)


@pytest.mark.slow(12)
@pytest.mark.parametrize("name", NAMES)
def test_the_network_learns_from_features_on_every_engine(
    name: str, tmp_path: Path, cache: Path
) -> None:
    experiment = Experiment(front_end=name, rounds=12)
    by_oracle = run(experiment.model_copy(update={"engine": "oracle"}))
    assert not (cache / "features").exists()
    result = run(experiment, out=tmp_path / "run")
    assert len(list((cache / "features").iterdir())) == 1
    assert by_oracle.digest == result.digest
    assert run(experiment).digest == result.digest  # with features from the cache
    assert result.accuracy > 0.5
    raw, front_end = load("digits"), FrontEnd(name, (8, 8, 1))
    setup = build(experiment)
    assert setup.dataset.train.features.tolist() == features(front_end, raw.train.features).tolist()
    assert setup.dataset.image_shape == front_end.output_shape
    assert setup.network.shape == (front_end.features, 32, 10)
    assert network_for(experiment) == setup.network
    assert load_data(experiment).digest == setup.dataset.digest == result.dataset_digest
    assert by_oracle.dataset_digest == result.dataset_digest
    written = json.loads((tmp_path / "run/result.json").read_text())
    assert written["front_end"] == name
    assert result.quantisation is not None
    assert result.quantisation.map == "front-end"
    write_report(tmp_path / "run")
    report = (tmp_path / "run/report.html").read_text(encoding="utf-8")
    assert f"through the front end {name}" in report


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from(NAMES),
    height=st.integers(4, 28),
    width=st.integers(4, 28),
    channels=st.sampled_from([1, 3]),
    seed=st.integers(0, 1 << 32),
)
def test_any_picture_gives_one_digest(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    height: int,
    width: int,
    channels: int,
    seed: int,
) -> None:
    path = tmp_path_factory.mktemp("pictures") / "pictures.npz"
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 256, (60, height, width, channels), np.uint8)
    np.savez(path, features=pictures, labels=np.arange(60) % 3)
    native = Experiment(dataset=str(path), front_end=name, rounds=2, devices=2, buffer=10)
    oracle = native.model_copy(update={"engine": "oracle"})
    assert run(native).digest == run(oracle).digest
    front_end = FrontEnd(name, (height, width, channels))
    assert load_data(native).image_shape == front_end.output_shape


def extractor_behind(front_end: FrontEnd) -> Extractor:
    rows, columns, directions = front_end.output_shape
    weights = np.random.default_rng(1).normal(size=(3, 3, 3, directions)).astype(np.float32)
    layer = FloatConvolution(weights, np.zeros(3, np.float32), 1, 1, relu=True)
    net = FloatExtractor(
        (rows, columns, directions),
        (-128.0,) * directions,
        (1 / 255,) * directions,
        (layer, MaxPool(2, 2)),
    )
    return quantise(net, front_end.compute(load("digits").train.features)).extractor


def test_an_extractor_follows(tmp_path: Path, cache: Path) -> None:
    extractor = extractor_behind(FrontEnd("edges", (8, 8, 1)))
    save_extractor(tmp_path / "e.safetensors", extractor)
    experiment = Experiment(front_end="edges", extractor=str(tmp_path / "e.safetensors"), rounds=6)
    result = run(experiment)
    assert result.layers == (12, 32, 10)
    assert (result.front_end, result.extractor_digest) == ("edges", extractor.digest)
    assert run(experiment.model_copy(update={"engine": "oracle"})).digest == result.digest
    assert len(list((cache / "features").iterdir())) == 2
    inputs = build(experiment).inputs
    assert (inputs.front_end, inputs.extractor) == (FrontEnd("edges", (8, 8, 1)), extractor)
    assert_raw(inputs, extractor)
    with pytest.raises(
        UsageError,
        match=r"through the front end 'edges' and '.*e\.safeten.*' has 12 features",
    ):
        run(experiment.model_copy(update={"layers": (64, 10)}))
    with pytest.raises(UsageError, match=r"extractor: .*4x4x4 = 64 values, .*'digits' has 16"):
        run(experiment.model_copy(update={"front_end": "edges-small"}))
    with pytest.raises(UsageError, match=r"takes 4x4x4, .*'digits' is 2x2x16 when it gets there"):
        run(experiment.model_copy(update={"front_end": "octants-second-order"}))
    with pytest.raises(UsageError, match=r"takes \(4, 4, 4\), the .* gives \(2, 2, 16\)"):
        Preprocessing(FrontEnd("octants-second-order", (8, 8, 1)), extractor).check(12)


def test_front_ends_alone_tell_experiments_apart() -> None:
    names = [None, *NAMES, "differences"]
    experiments = [Experiment(front_end=name, layers=(64, 10)) for name in names]
    assert len({identity(one) for one in experiments}) == len(names)
    assert load_experiment(overrides={"front_end": "edges"}) == Experiment(front_end="edges")


class StopHere(Exception):
    """Ends a run after its first round."""


def stop(progress: object) -> None:
    raise StopHere


@pytest.mark.parametrize("name", ["octants", "differences"])
def test_a_run_goes_on(name: str, tmp_path: Path) -> None:
    experiment = Experiment(front_end=name, rounds=4)
    with pytest.raises(StopHere):
        run(experiment, out=tmp_path / "run", watch=stop)
    assert resume(tmp_path / "run").digest == run(experiment).digest


def test_a_run_does_not_go_on_with_other_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StopHere):
        run(Experiment(front_end="differences", rounds=4), out=tmp_path / "run", watch=stop)
    written = (tmp_path / "run/experiment.toml").read_text()
    assert '"front end differences" = "a script"' in written
    monkeypatch.setattr(Differences, "factor", -1)
    monkeypatch.setattr(Differences, "description", property(lambda self: "differences 2"))
    with pytest.raises(UsageError, match="is of another experiment or other data"):
        resume(tmp_path / "run")


def test_a_node_has_the_same_features() -> None:
    experiment = Experiment(front_end="octants", rounds=2)
    here = build(experiment)
    node = simulated_context(to_toml(experiment), DeviceSelection((0, 2)))
    assert node.data == here.dataset.digest
    assert node.network == here.network
    assert node.experiment == identity(experiment)


def test_what_a_front_end_cannot_take_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"front_end: there is no front end edgs .*'edges'"):
        Experiment(front_end="edgs")
    with pytest.raises(UsageError, match=r"'digits', which through the front end 'octants' has 32"):
        run(Experiment(front_end="octants", layers=(64, 10)))
    path, rng = tmp_path / "table.npz", np.random.default_rng(1)
    np.savez(path, features=rng.normal(size=(60, 16)), labels=np.arange(60) % 2)
    with pytest.raises(UsageError, match=r"front_end: 'edges' does not take .* no pictures \(inpu"):
        run(Experiment(dataset=str(path), front_end="edges"))
    pictures = rng.normal(size=(60, 4, 4)) * np.arange(1, 17).reshape(4, 4)
    np.savez(path, features=pictures, labels=np.arange(60) % 2)
    own_scales = Experiment(
        dataset=str(path), front_end="edges", devices=2, rounds=1, data={"quantise": "per-feature"}
    )
    with pytest.raises(UsageError, match=r"front_end: .*set data\.quantise = 'shared'"):
        run(own_scales)
    assert run(own_scales.model_copy(update={"data": {"quantise": "shared"}})).layers[0] == 16


def test_what_a_script_adds_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(Experiment(front_end="differences", rounds=1)).layers == (63, 32, 10)
    with pytest.raises(UsageError, match="TIFeD itself has registered this name already"):
        tifed.register_front_end("edges", Differences)
    tifed.register_front_end("nothing", str)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="front_end: 'nothing' of a script gives .* no tifed.rule"):
        run(Experiment(front_end="nothing"))
    monkeypatch.setattr(Differences, "compute", lambda self, samples: samples)
    experiment = Experiment(front_end="differences", engine="oracle")
    with pytest.raises(UsageError, match=r"int8 \(1437, 64\) .*its output_shape means .*1437, 63"):
        run(experiment)


def test_commands_show_or_refuse_it(tmp_path: Path) -> None:
    def ended(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, [*words], catch_exceptions=True)
        return done.exit_code, f"{done.output} {done.exception}"

    chosen = ("--set", "front_end=octants")
    code, shown = ended("ranges", *chosen, "--json")
    assert code == 0
    rows = [row["quantity"] for row in json.loads(shown.partition("\n")[0])]
    assert rows.index("energy around") < rows.index("feature") < rows.index("sample")
    assert "energy around" not in ended("ranges", "--json")[1]
    for words in (("plan",), ("export", str(tmp_path / "library"))):
        code, shown = ended(*words, "--set", "front_end=differences")
        assert code != 0
        assert "front_end: 'differences' of a script has no C that a board could compute" in shown
        assert "set the first of layers to 63" in shown
        assert not (tmp_path / "library").exists()
        assert ended(*words, *chosen)[0] == 0


def assert_raw(inputs: FleetInputs, before: Extractor | None = None) -> None:
    """What is sent to a device are the raw samples of its features, each with its label."""
    assert inputs.front_end is not None
    for sent, stream in zip(inputs.sent, inputs.streams, strict=True):
        samples, labels = sent.read(0, 50)
        made = features(inputs.front_end, samples)
        wanted, answers = stream.read(0, 50)
        assert (made if before is None else extract(before, made)).tolist() == wanted.tolist()
        assert labels.tolist() == answers.tolist()


def test_one_of_ours_may_have_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package's maker may give what boards have in C; one of TIFeD's names is never another."""
    monkeypatch.setattr(FRONT_ENDS, "_own", {**FRONT_ENDS._own})
    tifed.register_front_end("ours", partial(FrontEnd, "edges"))
    ours = FrontEnd("edges", (8, 8, 1))
    require_front_end(Experiment(front_end="ours"), ours)
    require_front_end(Experiment(front_end="edges"), ours)
    for named, given_instead in (("ours", None), ("octants", ours), (None, ours)):
        with pytest.raises(UsageError, match="front_end: the experiment names"):
            require_front_end(Experiment(front_end=named), given_instead)


def test_devices_are_sent_raw_samples() -> None:
    for fleet in ("emulated", "simulated"):
        inputs = build(Experiment(front_end="octants", fleet=fleet)).inputs
        assert inputs.front_end == FrontEnd("octants", (8, 8, 1))
        assert_raw(inputs)
    # The data of many runs are loaded once, as features: a fleet that sends samples loads the rest.
    experiment = Experiment(front_end="octants", fleet="emulated")
    known = build(experiment, dataset=load_data(experiment)).inputs
    assert known.front_end == inputs.front_end
    assert_raw(known)
    validated = build(experiment.model_copy(update={"held_out": "validation"})).inputs
    assert_raw(validated)


def test_devices_are_sent_the_features_of_a_front_end_that_the_firmware_does_not_have() -> None:
    inputs = build(Experiment(front_end="differences", fleet="emulated")).inputs
    assert inputs.front_end is None
    assert inputs.sent is inputs.streams


@pytest.mark.slow(15)
@pytest.mark.parametrize(("name", "features"), [("octants", 32), ("differences", 63)])
def test_boards_end_with_the_digest(name: str, features: int) -> None:
    for package in ("unicorn", "ziglang"):
        pytest.importorskip(package, reason="needs pip install 'tifed[emulator]'")
    experiment = Experiment(front_end=name, layers=(features, 8, 10), devices=2, rounds=2)
    here = run(experiment)
    assert run(experiment.model_copy(update={"fleet": "emulated"})).digest == here.digest


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("edges", 159_010),
        ("octants", 20_160),
        ("edges-small", 10_360),
        ("octants-second-order", 159_010),
    ],
)
def test_presets_have_networks_for_their_features(name: str, parameters: int) -> None:
    experiment = load_experiment(preset=f"fashion-mnist-{name}")
    layers = experiment.layers
    assert (experiment.front_end, experiment.dataset) == (name, "fashion-mnist")
    assert layers is not None
    assert layers[0] == FrontEnd(name, (28, 28, 1)).features
    assert sum((before + 1) * after for before, after in pairwise(layers)) == parameters
