"""Attacks by two sums: of the same work over other boards, their difference is one board's part."""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tifed.experiment import Experiment
from tifed.experiment.setup import Setup, build
from tifed.federation import Jobs, Plan, Update, begin
from tifed.fleets import SimulatedFleet
from tifed.fleets.emulated import EmulatedFleet
from tifed.fleets.made_sums import MadeSums
from tifed.link import DeviceRefusedError, Kind

from .conftest import Runner
from .test_device_masks import Line, answered, tapped

pytestmark = pytest.mark.slow(30)

NOT_ALLOWED = 72
SENT: dict[str, Any] = {
    "dataset": "digits", "devices": 4, "rounds": 1, "layers": [64, 8, 10],
    "privacy": {"device_masks": True},
}  # fmt: skip
OWN = SENT | {"own_data": True, "held_out_every": 4}


@contextmanager
def boards(settings: dict[str, Any], lines: list[Line]) -> Iterator[tuple[Setup, EmulatedFleet]]:
    setup = build(Experiment(fleet="emulated", **settings))
    assert isinstance(setup.fleet, EmulatedFleet)
    tapped(lines)(setup.fleet)
    try:
        yield setup, setup.fleet
    finally:
        setup.fleet.close()


def forget(fleet: EmulatedFleet) -> None:
    """A host that was started anew, while the boards stayed on."""
    masks = fleet.linked._masks
    assert masks is not None
    masks.made = MadeSums()


def without(plan: Plan, device: int) -> Plan:
    return replace(plan, jobs=Jobs.of(job for job in plan.jobs if job.device != device))


def the_sum(fleet: EmulatedFleet, setup: Setup, plan: Plan) -> Update:
    (update,) = fleet.fit(plan, setup.start)
    return update


def plan_of(setup: Setup, fleet: EmulatedFleet) -> Plan:
    federation = setup.federation
    calibrated = list(fleet.calibrate(range(4), federation.calibration_samples))
    assert calibrated
    state, _ = begin(federation, SimulatedFleet(setup.inputs), setup.start)
    return replace(next(iter(federation.plans(state))), energy_shift=0)


def weights(update: Update) -> np.ndarray:
    return np.asarray(update.layers[0].weight)


def part(setup: Setup, plan: Plan, device: int) -> np.ndarray:
    """What one device has learnt of the first layer, times its samples."""
    (job,) = (job for job in plan.jobs if job.device == device)
    trained, _ = SimulatedFleet(setup.inputs).train(plan, job, setup.start)
    return job.samples * trained.weights[0].astype(np.int64)


def test_an_exchange_again_over_other_boards_is_void() -> None:
    lines = list[Line]()
    with boards(SENT, lines) as (setup, fleet):
        plan = plan_of(setup, fleet)
        first = the_sum(fleet, setup, plan)
        asked = answered(lines, Kind.TRAIN)
        assert the_sum(fleet, setup, plan) is first  # and no board is asked
        assert answered(lines, Kind.TRAIN) == asked
        second = the_sum(fleet, setup, without(plan, 3))
        assert not len(second.devices)
        assert "masks were taken off a sum over devices 0, 1, 2, 3 already" in second.absent[0]
        # It is no matter how often it is tried, nor what from.
        assert not len(the_sum(fleet, setup, without(plan, 2)).devices)
        start = setup.start
        changed = replace(start, biases=tuple(bias + np.int16(1) for bias in start.biases))
        (other,) = fleet.fit(without(plan, 3), changed)
        assert not len(other.devices)
        # The next exchange is with whom it likes.
        after = replace(without(plan, 3), exchange=plan.exchange + 1)
        assert the_sum(fleet, setup, after).devices.tolist() == [0, 1, 2]


def test_without_that_it_would_be_one_boards_part() -> None:
    """The control: a host that forgets, and boards whose samples it sends, which do not mind."""
    with boards(SENT, []) as (setup, fleet):
        plan = plan_of(setup, fleet)
        first = the_sum(fleet, setup, plan)
        forget(fleet)
        second = the_sum(fleet, setup, without(plan, 3))
        assert (weights(first) - weights(second) == part(setup, plan, 3)).all()


def test_boards_with_own_samples_mind_even_if_their_host_forgets() -> None:
    with boards(OWN, []) as (setup, fleet):
        plan = plan_of(setup, fleet)
        first = the_sum(fleet, setup, plan)
        forget(fleet)
        second = the_sum(fleet, setup, without(plan, 3))
        assert not len(second.devices)
        for number in range(3):
            assert "in a sum with other devices already" in second.absent[number]
        forget(fleet)
        again = the_sum(fleet, setup, plan)
        assert (weights(again) == weights(first)).all()
        # Nor does another exchange in between help, nor another session.
        after = replace(without(plan, 3), exchange=plan.exchange + 1)
        forget(fleet)
        assert the_sum(fleet, setup, after).devices.tolist() == [0, 1, 2]
        for device in fleet.linked._devices.values():
            device.forget()
        for earlier in (plan, without(plan, 3), without(plan, 2)):
            forget(fleet)
            assert not len(the_sum(fleet, setup, earlier).devices)


def test_whoever_lies_about_the_exchange_gets_round_that() -> None:
    """It is not claimed (SPEC 21.5): what such a host may do besides gives it every board's part.

    Nor would it help if boards knew the parameters again, for others that are hardly different do.
    """
    with boards(OWN, []) as (setup, fleet):
        plan = plan_of(setup, fleet)
        first = the_sum(fleet, setup, plan)
        second = the_sum(fleet, setup, replace(without(plan, 3), exchange=plan.exchange + 1))
        assert (weights(first) - weights(second) == part(setup, plan, 3)).all()


def test_a_calibration_again_over_other_boards_is_void_even_after_a_restart(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lines = list[Line]()
    with boards(OWN, lines) as (setup, fleet):
        fleet.linked._settings = replace(fleet.linked._settings, repeats=1)
        samples = setup.federation.calibration_samples
        (first,) = fleet.calibrate(range(4), samples)
        assert next(iter(fleet.calibrate(range(4), samples))) is first
        assert not list(fleet.calibrate(range(3), samples))
        assert "masks were taken off a sum over devices 0, 1, 2, 3 already" in caplog.text
        for device in fleet.linked._devices.values():
            device.client.reset()
            device.forget()
        forget(fleet)
        assert not list(fleet.calibrate(range(3), samples))
        assert "in a sum with other devices already" in caplog.text
        forget(fleet)
        (again,) = fleet.calibrate(range(4), samples)
        assert (again.total == first.total).all()


def test_without_that_a_calibration_would_tell_one_boards_sums() -> None:
    with boards(SENT, []) as (setup, fleet):
        samples = setup.federation.calibration_samples
        (first,) = fleet.calibrate(range(4), samples)
        forget(fleet)
        (second,) = fleet.calibrate(range(3), samples)
        (own,) = SimulatedFleet(setup.inputs).calibrate([3], samples)
        assert (first.total - second.total == own.total).all()


def test_a_void_calibration_is_tried_again(
    simulated: Runner, emulated: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    lines = list[Line]()
    unmask = tapped(lines, lambda d, e, kind: (d, e, kind) == (2, -1, Kind.UNMASK))
    plain = {name: value for name, value in SENT.items() if name != "privacy"}
    assert emulated(unmask, **SENT) == simulated(**plain)
    assert "the calibration round is void: devices that were to take masks off are lost: 2" in (
        caplog.text
    )


# --- scores of what was just trained --------------------------------------------------------------


def test_a_board_scores_and_keeps_nothing_that_it_has_just_trained() -> None:
    with boards(OWN, []) as (setup, fleet):
        plan = plan_of(setup, fleet)
        the_sum(fleet, setup, plan)
        device = fleet.linked._devices[0]
        client, start = device.client, setup.start

        def refused(ask: Callable[[], object]) -> None:
            with pytest.raises(DeviceRefusedError) as caught:
                ask()
            assert caught.value.code == NOT_ALLOWED

        refused(client.evaluate)
        refused(lambda: client.keep(1, 0))
        # A layer of the published model is not all of it, and one parameter is not a layer.
        client.put_layer(1, start.weights[1], start.biases[1])
        client._order(Kind.PUT_PARAMETERS, struct.pack("<II", 0, 0) + bytes(2))
        refused(client.evaluate)
        client.configure((0, 1), setup.federation.seed)
        client.evaluate()  # of zeros
        client.keep(1, 0)


def test_an_honest_host_gets_the_scores_of_the_published_model() -> None:
    lines = list[Line]()
    with boards(OWN, lines) as (setup, fleet):
        plan = plan_of(setup, fleet)
        the_sum(fleet, setup, plan)
        scores = sorted(fleet.evaluate(setup.start), key=lambda score: score.device)
        assert scores == list(setup.inputs.scores(setup.start, range(4)))
        assert not fleet.linked.left_out
        before = answered(lines, Kind.CONFIGURE)
        list(fleet.evaluate(setup.start))
        assert answered(lines, Kind.CONFIGURE) == before
