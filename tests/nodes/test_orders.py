"""A node does only work that follows from its experiment."""

from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest

from tifed.experiment import Setup, build, load_experiment
from tifed.federation import Federation, PersonalWork, Plan, ScheduleState, begin
from tifed.federation.personal import personal_work
from tifed.nodes.least import LeastSamples
from tifed.nodes.messages.content import MessageError
from tifed.nodes.orders import Orders

SETTINGS = [
    "own_data=true", "devices=5", "rounds=4", "layers=[64,6,10]", "mode=single-layer",
    "average_every=epoch", "local_epochs=2", "personal.rounds=2",
]  # fmt: skip


@pytest.fixture(scope="module", params=[None, 3])
def federation(request: pytest.FixtureRequest) -> Federation:
    """With all devices in every round, and with some."""
    more = [] if request.param is None else [f"devices_per_round={request.param}"]
    return build(load_experiment(overrides=[*SETTINGS, *more])).federation


def all_plans(federation: Federation) -> list[Plan]:
    """Every exchange of the run, as its server makes them."""
    state = ScheduleState(0, 0, np.zeros(federation.devices, np.int64))
    made = []
    while state.round < federation.rounds:
        exchanges = list(federation.plans(state))
        made += exchanges
        state = replace(federation.after_round(state), exchange=state.exchange + len(exchanges))
    return made


def test_all_that_a_server_asks_for_follows_from_its_experiment(federation: Federation) -> None:
    orders = Orders(federation, None)
    plans = all_plans(federation)
    assert [plan.exchange for plan in plans] == list(range(8))
    for plan in plans:
        orders.check_plan(plan)
        orders.check_plan(replace(plan, jobs=plan.jobs.at(np.array([0, 2]))))
    # Also after a server has gone back to an older checkpoint.
    orders.check_plan(plans[1])
    orders.check_calibration(federation.calibration_samples)
    orders.check_round(federation.rounds)


def test_several_buffers_of_a_round_are_work_of_the_experiment() -> None:
    own, other = (
        build(load_experiment(overrides=["devices=5", "rounds=3", f"buffers_per_round={count}"]))
        for count in (2, 1)
    )
    orders = Orders(own.federation, None)
    for plan in all_plans(own.federation):
        orders.check_plan(plan)
    second = next(islice(all_plans(other.federation), 1, None))
    with pytest.raises(MessageError, match="with position 20: this experiment has 40"):
        orders.check_plan(second)


def test_work_of_another_experiment_is_refused(federation: Federation) -> None:
    plan = next(islice(all_plans(federation), 5, None))
    jobs, device = plan.jobs, plan.jobs.device[1]
    orders = Orders(federation, None)

    def refused(changed: Plan) -> str:
        with pytest.raises(MessageError) as error:
            orders.check_plan(changed)
        return str(error.value)

    for name in ("layers", "position", "samples", "first_step", "steps"):
        column = getattr(jobs, name).copy()
        column[1] += 1
        assert refused(replace(plan, jobs=replace(jobs, **{name: column}))) == (
            f"will not train device {device} with {name} {column[1]}: this experiment has "
            f"{column[1] - 1} for exchange 5"
        )
    assert "will not train in round 5: this experiment has 4 rounds" in refused(
        replace(plan, round=4)
    )
    assert "exchange 4, which is none of round 4" in refused(replace(plan, round=3, exchange=4))
    assert "with extra_shift 9" in refused(replace(plan, extra_shift=9))
    if federation.devices_per_round is not None:
        (left, *_) = np.setdiff1d(np.arange(5), jobs.device).tolist()
        other = replace(jobs, device=np.sort(np.array([left, *jobs.device[:2]])))
        assert f"will not train device {left}: this experiment's round 3 is without it" in refused(
            replace(plan, jobs=other)
        )


@pytest.mark.parametrize("bounds", [{"clip": 1}, {"clip": 2**32 - 1}, {"clips": {0: 500}}])
def test_bounds_on_norms_belong_to_an_experiment_that_has_them(bounds: dict[str, Any]) -> None:
    """With a bound devices tell the norms of what they have changed."""

    def checked(*settings: str) -> None:
        federation = build(load_experiment(overrides=[*SETTINGS[:4], *settings])).federation
        (plan, *_) = all_plans(federation)
        Orders(federation, None).check_plan(replace(plan, **bounds))

    # Bounds by layer are those of robust.clip, and one for all layers goes with noise.
    own = "robust.clip" if "clips" in bounds else "privacy.noise_multiplier"
    noise = ("privacy.noise_multiplier=1", "privacy.clip=9", "privacy.centre=0")
    other = noise if "clips" in bounds else ("robust.clip=1.5",)
    for settings in ((), ("robust.aggregate=median",), other):
        with pytest.raises(MessageError, match=rf"nor tell these: this experiment has no {own}"):
            checked(*settings)
    # A bound that a server gives besides noise can only be lower, and norms stay where they are.
    checked(*(("robust.clip=1.5",) if "clips" in bounds else noise))


def test_a_calibration_has_the_count_of_the_experiment(federation: Federation) -> None:
    count = federation.calibration_samples
    for other in (count - 1, count + 1, 1):
        with pytest.raises(MessageError, match=f"will not sum {other} .* is over {count}"):
            Orders(federation, None).check_calibration(other)


def test_the_owner_may_want_more_samples_than_the_experiment_has(federation: Federation) -> None:
    count, plans = federation.calibration_samples, all_plans(federation)
    fewest = min(int(plan.jobs.samples.min()) for plan in plans)
    allowed = Orders(federation, LeastSamples(update=fewest, calibration=count))
    allowed.check_calibration(count)
    for plan in plans:
        allowed.check_plan(plan)
    refuses = Orders(federation, LeastSamples(update=fewest + 1, calibration=count + 1))
    with pytest.raises(MessageError, match=f"its owner asks for at least {count + 1}"):
        refuses.check_calibration(count)
    few = next(plan for plan in plans if plan.jobs.samples.min() == fewest)
    with pytest.raises(MessageError, match=f"asks for at least {fewest + 1} in an update"):
        refuses.check_plan(few)


def test_a_model_to_keep_is_of_a_round_of_the_experiment(federation: Federation) -> None:
    for number in (0, 5):
        with pytest.raises(MessageError, match=f"round {number}: this experiment has 4 rounds"):
            Orders(federation, None).check_round(number)


def test_personal_rounds_are_those_of_the_experiment(federation: Federation) -> None:
    orders = Orders(federation, None)
    state = ScheduleState(4, 8, np.zeros(5, np.int64), energy_shift=1)
    work = personal_work(federation, state)
    assert isinstance(work, PersonalWork)
    orders.check_personal(work)
    changes: dict[str, Any] = {"rounds": 3, "layers": (0,), "exchange": 0, "extra_shift": 9}
    for name, value in changes.items():
        with pytest.raises(MessageError) as error:
            orders.check_personal(replace(work, **{name: value}))
        assert str(error.value) == (
            f"will not do personal rounds with {name} {value}: this experiment has "
            f"{getattr(work, name)}"
        )
    with pytest.raises(MessageError, match="this experiment has none"):
        Orders(replace(federation, personal=None), None).check_personal(work)


def test_a_run_begins_with_the_calibration_that_is_allowed(federation: Federation) -> None:
    """Not only as the constants say: what `begin` really asks for."""
    setup: Setup = build(load_experiment(overrides=SETTINGS))
    asked = []

    class Watched:
        fit, evaluate, close = setup.fleet.fit, setup.fleet.evaluate, setup.fleet.close

        @staticmethod
        def calibrate(devices: range, samples: int) -> object:
            asked.append(samples)
            return setup.fleet.calibrate(devices, samples)

    begin(setup.federation, Watched, setup.start)  # type: ignore[arg-type]
    (samples,) = asked
    Orders(federation, None).check_calibration(samples)


def test_no_experiment_keeps_devices_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    federation = build(load_experiment(overrides=SETTINGS)).federation
    (plan, *_) = all_plans(federation)
    steps = int(plan.jobs.steps.max())
    monkeypatch.setattr("tifed.nodes.orders.MOST_STEPS", steps)
    Orders(federation, None).check_plan(plan)
    monkeypatch.setattr("tifed.nodes.orders.MOST_STEPS", steps - 1)
    with pytest.raises(MessageError, match=f"for {steps} steps: {steps - 1} an exchange are the m"):
        Orders(federation, None).check_plan(plan)
