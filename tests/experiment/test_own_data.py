"""Runs in which each device has its samples itself."""

import csv
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from tifed import Experiment, resume, run
from tifed.errors import RunError, UsageError
from tifed.experiment import RunFolder, Setup, build
from tifed.experiment.own_judge import lacking
from tifed.experiment.own_result import OwnDevice, personal_outcome
from tifed.experiment.report import write_report
from tifed.experiment.running import run_setup
from tifed.experiment.setup import load_data
from tifed.federation import (
    DeviceCounts,
    DeviceScore,
    Job,
    OwnDataFleet,
    PersonalScore,
    PersonalWork,
)
from tifed.federation.costs import download_bytes
from tifed.federation.plan import ScheduleState
from tifed.fleets import SimulatedFleet
from tifed.native.engine import Native
from tifed.rule.learning import LocalWork
from tifed.rule.learning.engine import Oracle
from tifed.rule.network import Parameters, load_model

OWN: dict[str, Any] = {"own_data": True, "rounds": 4, "devices": 4}
PERSONAL = {"rounds": 3}
NO_DATA: dict[str, Any] = OWN | {"dataset": "on-devices", "layers": [64, 32, 10]}


def test_every_kth_sample_of_a_device_is_held_out() -> None:
    setup = build(Experiment(**OWN, held_out_every=3))
    for stored, stream, held_out in zip(
        setup.inputs.stored, setup.inputs.streams, setup.inputs.held_out, strict=True
    ):
        order = stored.order.tolist()
        assert held_out.order.tolist() == order[2::3]
        assert stream.order.tolist() == [x for i, x in enumerate(order) if i % 3 != 2]


def test_the_digest_is_the_same_whoever_computes(tmp_path: Path) -> None:
    experiment = Experiment(**OWN, personal=PERSONAL, mode="single-layer")
    setup = build(experiment)
    found = set()
    for engine in (Oracle(), Native(threads=1), Native(threads=3), Native(kernel="device")):
        inputs = replace(setup.inputs, engine=engine)
        result = run_setup(experiment, replace(setup, inputs=inputs, fleet=SimulatedFleet(inputs)))
        assert result.own is not None
        found.add((result.digest, result.accuracy, result.own.personal))
    assert len(found) == 1
    assert next(iter(found))[2] is not None


def test_accuracy_is_that_of_all_held_out_samples(tmp_path: Path) -> None:
    experiment = Experiment(**OWN, report_classes=True)
    result = run(experiment, out=tmp_path / "run")
    setup = build(experiment)
    network, model = load_model(tmp_path / "run/model.safetensors")
    train = setup.dataset.train
    right = of = 0
    devices = RunFolder(tmp_path / "run").read().details.own_devices
    for device, order in enumerate(setup.partition.indices):
        kept_back = order[4::5]
        answers = Oracle.classify(network, model, train.features[kept_back])
        correct = int(np.sum(answers == train.labels[kept_back]))
        line = devices[device]
        assert (line.correct, line.held_out) == (correct, len(kept_back))
        assert line.training == line.training_at_start == len(order) - len(kept_back)
        per_class = np.bincount(train.labels[kept_back], minlength=10).tolist()
        assert [total for _, total in line.by_class] == per_class
        assert sum(rightly for rightly, _ in line.by_class) == correct
        right, of = right + correct, of + len(kept_back)
    assert result.accuracy == right / of
    assert (result.held_out, result.held_out_samples) == ("devices", of)
    test = setup.dataset.test
    answers = Oracle.classify(network, model, test.features)
    assert result.test_accuracy == np.mean(answers == test.labels)
    assert result.balanced_accuracy is not None


def test_held_out_samples_are_never_trained_on() -> None:
    experiment = Experiment(**OWN, personal=PERSONAL)
    setup, data = build(experiment), load_data(experiment)
    held_out = np.concatenate([stream.order for stream in setup.inputs.held_out])
    trained = np.concatenate([stream.order for stream in setup.inputs.streams])

    def outcome(changed: np.ndarray[Any, Any]) -> tuple[str, list[str]]:
        """With other values in some samples: the common model, and those of the devices."""
        features = data.train.features.copy()
        features[changed] = 127 - (features[changed] >> 1)
        other = replace(data, train=replace(data.train, features=features))
        changed_setup = build(experiment, dataset=other)
        result = run_setup(experiment, changed_setup)
        fleet = SimulatedFleet(changed_setup.inputs)
        work = PersonalWork(3, (0, 1), 2, 4)
        models = [fleet.personal_model(device, setup.start, work).digest for device in range(4)]
        return result.digest, models

    plain = outcome(np.zeros(0, np.int64))
    assert outcome(held_out) == plain
    # So that the comparison above means something.
    assert outcome(trained[:1])[0] != plain[0]


def test_personal_rounds_are_those_of_the_specification() -> None:
    experiment = Experiment(**OWN, personal={"rounds": 7, "layers": "last", "extra_shift": 1})
    setup = build(experiment)
    federation, inputs = setup.federation, setup.inputs
    work = PersonalWork(rounds=7, layers=(1,), extra_shift=2, exchange=4, energy_shift=-1)
    fleet = SimulatedFleet(inputs)
    scores = {score.device: score for score in fleet.personalise(setup.start, work)}
    for device in range(4):
        order, model = inputs.streams[device].order, setup.start
        samples, labels = inputs.streams[device].samples, inputs.streams[device].labels
        for number in range(7):
            taken = [order[(number * 20 + i) % len(order)] for i in range(20)]
            model, _ = Oracle.train(
                federation.network, model, fleet.feedback, samples[taken], labels[taken],
                LocalWork(
                    batch=10, first_step=0, steps=10, layers=(1,), extra_shift=2, seed=1,
                    device=device, exchange=4 + number, energy_shift=-1,
                ),
            )  # fmt: skip
        held_out = inputs.held_out[device].order
        answers = [
            Oracle.classify(federation.network, it, samples[held_out])
            for it in (setup.start, model)
        ]
        right = [int(np.sum(one == labels[held_out])) for one in answers]
        before, after = right
        assert scores[device] == PersonalScore(device, before, after, len(held_out))


def test_a_device_that_lost_goes_back() -> None:
    outcome = personal_outcome([PersonalScore(0, 5, 3, 10), PersonalScore(1, 4, 8, 10)])
    assert outcome is not None
    assert outcome.went_back == 1
    assert outcome.mean_before == pytest.approx(0.45)
    assert outcome.mean_after == pytest.approx(0.65)
    assert (outcome.weakest_before, outcome.weakest_after) == (0.4, 0.8)
    line = OwnDevice(device=0, correct=5, personal=3, samples=10)
    assert (line.accuracy, line.kept) == (0.5, 0.5)


class StopHere(Exception):
    """Ends a run as a power cut does."""


def stops_after(number: int) -> Callable[[Any], None]:
    def watch(progress: Any) -> None:
        if progress.record.round == number:
            raise StopHere

    return watch


class StopsAtTheEnd(SimulatedFleet):
    """Is killed while devices make their personal rounds."""

    def personalise(self, parameters: Parameters, work: PersonalWork) -> NoReturn:
        raise StopHere


@pytest.mark.parametrize("evaluate_every", [1, 3, 5])
def test_a_run_that_was_stopped_ends_as_one_that_was_not(
    tmp_path: Path, evaluate_every: int
) -> None:
    experiment = Experiment(
        **(OWN | {"rounds": 6}), personal=PERSONAL, evaluate_every=evaluate_every
    )
    whole = run(experiment, out=tmp_path / "whole")
    with pytest.raises(StopHere):
        run(experiment, out=tmp_path / "early", watch=stops_after(2))
    with pytest.raises(StopHere):
        run(experiment, out=tmp_path / "late", fleet=lambda setup: StopsAtTheEnd(setup.inputs))
    for name in ("early", "late"):
        assert not (tmp_path / name / "result.json").exists()
        result = resume(tmp_path / name)
        same = {"out": whole.out, "seconds": whole.seconds, "command": whole.command}
        assert result.model_copy(update=same) == whole
        for file in ("metrics.csv", "details.json"):
            assert (tmp_path / name / file).read_text() == (tmp_path / "whole" / file).read_text()


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def without_samples(setup: Setup, training: Iterable[int], held_out: Iterable[int]) -> Setup:
    """The same where some devices have no training samples, or no held-out ones."""

    def emptied(streams: Any, devices: Iterable[int]) -> Any:
        none = np.zeros(0, np.int64)
        return tuple(
            replace(one, order=none) if device in set(devices) else one
            for device, one in enumerate(streams)
        )

    inputs = replace(
        setup.inputs,
        streams=emptied(setup.inputs.streams, training),
        held_out=emptied(setup.inputs.held_out, held_out),
    )
    return replace(setup, inputs=inputs, fleet=SimulatedFleet(inputs))


@pytest.mark.parametrize("engine", ["native", "oracle"])
def test_a_device_with_too_few_samples_is_left_out_by_name(tmp_path: Path, engine: str) -> None:
    experiment = Experiment(**OWN, engine=engine, personal=PERSONAL)
    told: list[str] = []
    result = run(
        experiment,
        out=tmp_path / "run",
        warn=told.append,
        fleet=lambda setup: without_samples(setup, [1], [1, 2]).fleet,
    )
    assert result.own is not None
    assert result.own.devices_scored == 2
    assert result.own.personal is not None
    assert result.own.personal.devices == 2
    assert told[0].startswith("device 1 has too few training samples")
    assert told[1].startswith("each of the devices 1, 2 has too few held-out samples")
    health, rows = (table(tmp_path / "run" / name) for name in ("health.csv", "metrics.csv"))
    assert [(row["round"], row["device"]) for row in health] == [("1", "1")]
    assert health[0]["reason"] == "it has no training sample"
    assert {row["answered"] for row in rows} == {"3"}
    lines = RunFolder(tmp_path / "run").read().details.own_devices
    assert [line.training == 0 for line in lines] == [False, True, False, False]
    assert [line.accuracy is None for line in lines] == [False, True, True, False]
    write_report(tmp_path / "run")


def test_nobody_to_score_the_model_ends_the_run_and_it_can_go_on(tmp_path: Path) -> None:
    experiment = Experiment(**OWN)
    everyone = range(4)
    with pytest.raises(RunError, match="no device has scored the model of the last round"):
        run(
            experiment,
            out=tmp_path / "run",
            fleet=lambda setup: without_samples(setup, [], everyone).fleet,
        )
    assert resume(tmp_path / "run").digest == run(experiment).digest


def test_devices_of_one_class_learn_together() -> None:
    shards = {"kind": "shards", "classes_per_device": 1}
    result = run(Experiment(own_data=True, devices=10, rounds=30, partition=shards))
    assert result.accuracy > 0.5


def test_what_owners_ask_for_is_said_of_who_lacks_it() -> None:
    counts = {
        0: DeviceCounts(0, 50, 10, least_training=60),
        1: DeviceCounts(1, 50, 10, least_held_out=11),
    }
    training, held_out, silent = (list(lacking(counts, devices)) for devices in (2, 2, 3))
    assert training == held_out
    assert training[0].startswith("device 0 has too few training samples")
    assert training[1].startswith("device 1 has too few held-out samples")
    assert silent[0].startswith("device 2 did not say")


def devices_apart(setup: Setup) -> OwnDataFleet:
    """Devices with data that the server's own setup does not know: those of digits."""
    settings = {"dataset": "digits", "data": {}}
    theirs = build(Experiment(**(NO_DATA | settings), personal=PERSONAL))
    assert not len(setup.inputs.streams[0])
    return SimulatedFleet(theirs.inputs)


def test_a_server_without_a_data_set_comes_to_the_same(tmp_path: Path) -> None:
    names = [f"digit {number}" for number in range(10)]
    experiment = Experiment(**NO_DATA, personal=PERSONAL, data={"class_names": names})
    result = run(experiment, out=tmp_path / "run", fleet=devices_apart)
    known = run(Experiment(**(NO_DATA | {"dataset": "digits"}), personal=PERSONAL))
    assert result.digest == known.digest
    assert result.accuracy == known.accuracy
    assert result.own is not None
    assert known.own is not None
    assert result.own.on_devices
    assert not known.own.on_devices
    assert result.own.personal == known.own.personal
    assert (result.test_accuracy, result.quantisation) == (None, None)
    assert known.test_accuracy is not None
    details = RunFolder(tmp_path / "run").read().details
    assert (details.confusion, details.partition) == ((), ())
    assert details.class_names == tuple(names)
    write_report(tmp_path / "run")
    page = (tmp_path / "run/report.html").read_text()
    assert "The server has no data set: the samples are on the devices alone." in page
    assert "Each device" in page
    assert "Digest of the data" not in page


def test_a_run_without_a_data_set_needs_devices() -> None:
    with pytest.raises(UsageError, match="dataset: 'on-devices' means that the samples are on"):
        run(Experiment(**NO_DATA))


def test_a_fleet_without_own_data_is_refused_before_the_first_round() -> None:
    class Plain:
        def __init__(self, setup: Setup) -> None:
            self.fleet = setup.fleet
            self.calibrate, self.fit = setup.fleet.calibrate, setup.fleet.fit
            self.evaluate, self.close = setup.fleet.evaluate, setup.fleet.close

    rounds: list[Any] = []
    with pytest.raises(UsageError, match="own_data: the devices of Plain are sent their samples"):
        run(Experiment(**OWN), fleet=Plain, watch=rounds.append)
    assert rounds == []


def test_a_baseline_has_the_same_devices(tmp_path: Path) -> None:
    experiment = Experiment(**(OWN | {"rounds": 20}), baseline="float-fedavg")
    result = run(experiment, out=tmp_path / "run")
    assert result.held_out_samples == run(Experiment(**OWN)).held_out_samples
    assert result.accuracy > 0.85
    write_report(tmp_path / "run")


def test_what_evaluation_and_keeping_send_is_counted() -> None:
    plain, often, seldom = (
        run(Experiment(**OWN, evaluate_every=every, personal=personal))
        for every, personal in ((4, {}), (1, {}), (4, PERSONAL))
    )
    model = download_bytes(build(Experiment(**OWN)).network)
    # The model of each round once more, and a score of two words.
    assert often.bytes_down_per_device - plain.bytes_down_per_device == 3 * model
    assert often.bytes_up_per_device - plain.bytes_up_per_device == 3 * 8
    assert seldom.bytes_down_per_device == plain.bytes_down_per_device
    assert seldom.bytes_up_per_device - plain.bytes_up_per_device == 12
    # A round sends parameters and the calibration sends the centre; then evaluation, then keeping.
    assert plain.bytes_down_per_device == (4 + 1 + 1) * model + 64


def test_positions_do_not_tell_what_the_server_does_not_know() -> None:
    federation = build(Experiment(**OWN)).federation
    state_turns = np.array([0, 1, 30, 1 << 28], np.int64)
    (plan,) = federation.plans(ScheduleState(0, 0, state_turns))
    assert plan.jobs.position.tolist() == [0, 20, 600, 20 * (1 << 28) % (1 << 32)]
    assert isinstance(next(iter(plan.jobs)), Job)


def test_scores_are_of_devices_that_have_samples_only() -> None:
    setup = without_samples(build(Experiment(**OWN)), [], [0])
    found = list(setup.fleet.evaluate(setup.start))
    assert [score.device for score in found] == [1, 2, 3]
    assert all(isinstance(score, DeviceScore) and score.by_class == () for score in found)
