"""Experiments that train on shift copies."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import tifed
from tifed import Experiment, UsageError, load_experiment, resume, run
from tifed.baselines.float_device import local_steps
from tifed.baselines.float_network import start
from tifed.cli import app
from tifed.data import load
from tifed.experiment import build, to_toml
from tifed.experiment.fleet_kind import FleetKind
from tifed.experiment.identity import identity
from tifed.experiment.pixel_shifts import device_shifts
from tifed.experiment.setup import load_data
from tifed.extractor import save_extractor
from tifed.extractor.float_layers import FloatConvolution, FloatExtractor
from tifed.extractor.quantise import quantise
from tifed.federation import Fleet, Job
from tifed.federation.device import Stream
from tifed.federation.plan import ScheduleState
from tifed.fleets import FleetInputs, SimulatedFleet
from tifed.nodes.context import DeviceSelection, simulated_context
from tifed.rule.front_end import FrontEnd
from tifed.rule.learning.pixel_shifts import SHIFTS, shifted, visited


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TIFED_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.slow(6)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"front_end": "octants"},
        {"average_every": "mini-batch", "buffer": 15, "rounds": 2},
        {"mode": "single-layer", "average_every": "epoch", "rounds": 3, "devices_per_round": 5},
        {"at_end": "stop", "devices": 40, "rounds": 3, "recipe": "paper"},
    ],
    ids=["pixels", "front-end", "mini-batches", "epochs", "ends"],
)
def test_engines_and_threads_give_one_digest(more: dict[str, Any]) -> None:
    experiment = Experiment(pixel_shifts=True, **{"rounds": 6} | more)
    setup = build(experiment)
    digest = run(experiment).digest
    assert run(experiment.model_copy(update={"engine": "oracle"})).digest == digest
    assert run(experiment.model_copy(update={"pixel_shifts": False})).digest != digest
    assert isinstance(setup.fleet, SimulatedFleet)
    # Each device by itself, as a node or another fleet may ask for it.
    plan = next(setup.federation.plans(_begun(setup.inputs)))
    together = next(iter(setup.fleet.fit(plan, setup.start)))
    alone = [setup.fleet.local_round(plan, job, setup.start) for job in plan.jobs]
    for number, layer in together.layers.items():
        parts = [update.layers[number] for update in alone if number in update.layers]
        assert np.array_equal(sum(part.weight for part in parts), layer.weight)


def _begun(inputs: FleetInputs) -> Any:
    return ScheduleState(0, 0, np.zeros(inputs.federation.devices, np.int64))


def test_training_alone_sees_copies() -> None:
    experiment = Experiment(pixel_shifts=True, rounds=1)
    plain = build(Experiment(rounds=1))
    setup = build(experiment)
    raw = load("digits").train.features
    train = setup.dataset.train
    assert train.copies is not None
    for copy in range(len(SHIFTS)):
        assert np.array_equal(train.copies[copy], shifted(raw, (8, 8, 1), copy))
    assert np.array_equal(train.features, raw)
    assert np.array_equal(setup.dataset.test.features, plain.dataset.test.features)
    assert setup.dataset.test.copies is None
    ours, theirs = (next(iter(one.fleet.calibrate([3], 50))) for one in (setup, plain))
    assert np.array_equal(ours.total, theirs.total)
    scores = [list(one.fleet.evaluate(setup.start)) for one in (setup, plain)]
    assert scores[0] == scores[1]


@pytest.mark.parametrize("wanted", [True, False])
def test_data_that_were_loaded_for_another_setting_are_refused(wanted: bool) -> None:
    experiment = Experiment(pixel_shifts=wanted, rounds=1)
    other = load_data(experiment.model_copy(update={"pixel_shifts": not wanted}))
    with pytest.raises(UsageError, match=f"pixel_shifts: is {str(wanted).lower()}, but the data"):
        run(experiment, dataset=other)
    assert run(experiment, dataset=load_data(experiment)).digest == run(experiment).digest


def test_copies_come_before_front_end_and_extractor(tmp_path: Path, cache: Path) -> None:
    front_end = FrontEnd("edges", (8, 8, 1))
    weights = np.random.default_rng(1).normal(size=(3, 3, 3, 4)).astype(np.float32)
    net = FloatExtractor(
        (4, 4, 4),
        (-128.0,) * 4,
        (1 / 255,) * 4,
        (FloatConvolution(weights, np.zeros(3, np.float32), 1, 1, relu=True),),
    )
    raw = load("digits").train.features
    extractor = quantise(net, front_end.compute(raw)).extractor
    save_extractor(tmp_path / "e.safetensors", extractor)
    experiment = Experiment(front_end="edges", pixel_shifts=True, rounds=2)
    data = load_data(experiment)
    assert data.train.copies is not None
    for copy in range(len(SHIFTS)):
        moved = front_end.compute(shifted(raw, (8, 8, 1), copy))
        assert np.array_equal(data.train.copies[copy], moved)
    # From the cache, which has one file with copies and one without.
    again = load_data(experiment)
    assert again.train.copies is not None
    assert np.array_equal(again.train.copies, data.train.copies)
    unmoved = load_data(experiment.model_copy(update={"pixel_shifts": False}))
    assert unmoved.train.copies is None
    assert unmoved.digest != data.digest == again.digest
    assert len(list((cache / "features").iterdir())) == 2
    behind = experiment.model_copy(update={"extractor": str(tmp_path / "e.safetensors")})
    assert load_data(behind).train.copies is not None
    by_oracle = run(behind.model_copy(update={"engine": "oracle"}))
    assert run(behind).digest == by_oracle.digest


def test_validation_samples_leave_with_their_copies() -> None:
    experiment = Experiment(pixel_shifts=True, held_out="validation")
    kept, every = load_data(experiment), load("digits").train
    assert kept.train.copies is not None
    assert kept.test.copies is None
    assert kept.train.copies.shape == (5, len(kept.train), 64)
    moved = {row.tobytes() for row in shifted(kept.train.features, (8, 8, 1), 2)}
    assert {row.tobytes() for row in kept.train.copies[2]} == moved
    assert len(kept.train) + len(kept.test) == len(every)


class StopHere(Exception):
    """Ends a run after its first round."""


def stop(progress: object) -> None:
    raise StopHere


def test_a_run_goes_on_and_knows_what_it_is(tmp_path: Path) -> None:
    experiment = Experiment(pixel_shifts=True, rounds=4)
    with pytest.raises(StopHere):
        run(experiment, out=tmp_path / "run", watch=stop)
    assert resume(tmp_path / "run").digest == run(experiment).digest
    assert load_experiment(tmp_path / "run" / "experiment.toml") == experiment
    assert identity(experiment) != identity(Experiment(rounds=4))
    # Left out, it is as it was before there was such a setting.
    assert identity(Experiment(rounds=4, pixel_shifts=False)) == identity(Experiment(rounds=4))


def test_a_node_makes_the_same_copies() -> None:
    experiment = Experiment(pixel_shifts=True, rounds=2)
    node = simulated_context(to_toml(experiment), DeviceSelection((0, 2)))
    here = build(experiment)
    assert node.data == here.dataset.digest
    plan = next(here.federation.plans(_begun(here.inputs)))
    own = plan.jobs.for_devices(np.arange(4))
    part = type(plan)(plan.round, plan.exchange, plan.extra_shift, own)
    answers = [next(iter(fleet.fit(part, here.start))) for fleet in (node.fleet, here.fleet)]
    for number, layer in answers[0].layers.items():
        assert np.array_equal(layer.weight, answers[1].layers[number].weight)


def test_the_baseline_takes_the_same_copies() -> None:
    experiment = Experiment(baseline="float-fedavg", rounds=2)
    moved = experiment.model_copy(update={"pixel_shifts": True})
    assert run(moved).digest != run(experiment).digest
    setup = build(moved)
    assert setup.dataset.train.copies is not None
    blank = np.broadcast_to(setup.dataset.train.features, setup.dataset.train.copies.shape)
    parameters = start((64, 8, 10), np.zeros(64, np.float32), 1, zero_output=False)
    first = setup.inputs.streams[0]
    job = Job(0, (0, 1), 0, 20, 0, 6)
    same = Stream(first.samples, first.labels, first.order, np.ascontiguousarray(blank))
    plain = Stream(first.samples, first.labels, first.order)

    def after(stream: Stream, job: Job = job) -> np.ndarray:
        found = local_steps(parameters, None, stream, job, 10, 0.1, 0.0, seed=1, exchange=4)
        return found.parameters.weights[0]

    assert np.array_equal(after(same), after(plain))
    assert not np.array_equal(after(first), after(plain))
    one_visit = Job(0, (0, 1), 0, 20, 2, 2)
    samples, labels = first.read_for_training(0, 20)
    seen = Stream(visited(samples, 1, 0, 4, 1), labels, np.arange(20))
    assert np.array_equal(after(first, one_visit), after(seen, one_visit))


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    path, rng = tmp_path / "table.npz", np.random.default_rng(1)
    np.savez(path, features=rng.normal(size=(60, 16)), labels=np.arange(60) % 2)
    with pytest.raises(UsageError, match=r"pixel_shifts: .*'table' has no pictures; set pixel_shi"):
        run(Experiment(dataset=str(path), pixel_shifts=True))
    pictures = rng.normal(size=(60, 4, 4)) * np.arange(1, 17).reshape(4, 4)
    np.savez(path, features=pictures, labels=np.arange(60) % 2)
    own_scales = Experiment(
        dataset=str(path), pixel_shifts=True, devices=2, rounds=1, data={"quantise": "per-feature"}
    )
    with pytest.raises(UsageError, match=r"pixel_shifts: .*set data\.quantise = 'shared'"):
        run(own_scales)
    assert run(own_scales.model_copy(update={"data": {"quantise": "shared"}})).layers[0] == 16
    with pytest.raises(UsageError, match="pixel_shifts"):
        load_experiment(overrides={"pixel_shifts": "sometimes"})


class Elsewhere(FleetKind):
    """Devices that train on samples as they are."""

    def fleet(self, experiment: Experiment, inputs: FleetInputs) -> Fleet:
        return SimulatedFleet(inputs)


def test_what_cannot_make_copies_refuses_them(tmp_path: Path) -> None:
    tifed.register_fleet("elsewhere", Elsewhere)
    with pytest.raises(UsageError, match=r"pixel_shifts: the devices of fleet = 'elsewhere' do no"):
        Experiment(pixel_shifts=True, fleet="elsewhere")
    with pytest.raises(UsageError, match=r"pixel_shifts: does not go with mode = 'memory-aware'"):
        Experiment(pixel_shifts=True, mode="memory-aware", memory={"budgets": [9000]})
    behind = Experiment(pixel_shifts=True, extractor="mnist", dataset="digits")
    assert device_shifts(behind, load("digits")) is None
    assert device_shifts(Experiment(pixel_shifts=True), load("digits")) == (8, 8, 1)
    assert device_shifts(Experiment(), load("digits")) is None
    words = ("export", str(tmp_path / "library"), "--set", "pixel_shifts=true")
    done = CliRunner().invoke(app, [*words, "--set", "extractor=mnist", "--set", "layers=[200,10]"])
    assert done.exit_code != 0
    assert "pixel_shifts: boards make moved copies of pixels" in f"{done.output} {done.exception}"
    assert not (tmp_path / "library").exists()


def test_copies_of_other_samples_are_refused() -> None:
    train = load("digits").train
    copies = np.stack([train.features, train.features])
    assert replace(train, copies=copies).take(np.array([3, 1])).copies is not None
    wrong: list[Any] = [copies[:, :5], copies.astype(np.int16), copies + np.int8(1), copies[:0]]
    for one in wrong:
        with pytest.raises(UsageError, match="copies: must be int8 of shape"):
            replace(train, copies=one)
