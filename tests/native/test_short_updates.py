"""Short updates of the native engine against the rule: every kernel, whatever has changed."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.federation import Job, Jobs, Plan, Update, planned_update, total
from tifed.federation.residuals import Residuals
from tifed.federation.travel import bytes_up
from tifed.rule.compression import Change
from tifed.rule.compression.residual import unit_for
from tifed.rule.learning import LARGEST_CLIP, LocalWork, feedback_matrices, oracle
from tifed.rule.learning.work import (
    FleetJobs,
    FleetResult,
    FleetWork,
    SharedSamples,
    Statistics,
)
from tifed.rule.network import Activation, ErrorKind, Feedback, Layer, Network, Parameters
from tifed.rule.network.parameters import weight_dtype

from .conftest import Case, cases

try:
    from tifed.native import engine as native
except UsageError as missing:
    pytest.skip(str(missing), allow_module_level=True)
KERNELS = (*native.kernels(), *native.DEVICE_KERNELS)
CHANGES = st.builds(
    Change,
    st.one_of(st.sampled_from([0, 1, 7, 127]), st.integers(0, 127)),
    st.integers(0, 14),
    st.one_of(st.just(1), st.integers(1, 16)),
)
KEEPING = st.builds(
    lambda top, shift, unit: Change(top, shift, unit=unit),
    st.one_of(st.sampled_from([1, 7, 127]), st.integers(1, 127)),
    st.integers(0, 14),
    st.integers(0, 7),
)


def jobs_of(case: Case, devices: range) -> Jobs:
    """The same work for each device, with samples as long as it is."""
    work = case.work
    return Jobs.of(
        Job(device, work.layers, 0, len(case.labels), work.first_step, work.steps)
        for device in devices
    )


Trained = dict[int, tuple[Parameters, Statistics]]


def trained_by_rule(case: Case, devices: Iterable[int]) -> Trained:
    """What the oracle makes of each device's work, however it is sent."""
    feedback = feedback_matrices(case.network, case.work.seed)
    return {
        device: oracle.train(
            case.network, case.parameters, feedback, case.samples, case.labels,
            replace(case.work, device=device),
        )
        for device in devices
    }  # fmt: skip


def by_rule(case: Case, plan: Plan, trained: Trained) -> Update:
    """What the oracle's devices send."""
    return total(
        [planned_update(plan, job, case.parameters, *trained[job.device]) for job in plan.jobs]
    )


def by_engine(case: Case, plan: Plan, kernel: str) -> FleetResult:
    """The same from a kernel."""
    jobs, work = plan.jobs, case.work
    own = FleetJobs(
        jobs.device, 0 * jobs.device, 0 * jobs.device + len(case.labels), jobs.position,
        jobs.samples, jobs.first_step, jobs.steps, jobs.layers, jobs.samples,
        0 * jobs.device + plan.clip,
    )  # fmt: skip
    asked = FleetWork(
        own, work.batch, work.extra_shift, work.seed, work.exchange, work.energy_shift,
        plan.upload, plan.round, plan.frame, side_by_side(plan),
    )  # fmt: skip
    return native.Native(kernel, threads=1).train_fleet(
        case.network, case.parameters, feedback_matrices(case.network, work.seed),
        SharedSamples(case.samples, case.labels, np.arange(len(case.labels))), asked,
    )  # fmt: skip


def side_by_side(plan: Plan) -> dict[int, NDArray[np.int8]]:
    """What all devices have left, as the engine takes it."""
    if plan.residuals is None:
        return {}
    every = [plan.residuals.before(device) for device in plan.jobs.device.tolist()]
    return {layer: np.stack([left[layer] for left in every]) for layer in every[0]}


def some_left(case: Case, plan: Plan, seed: int) -> Residuals:
    """What devices may have left before an exchange: anything."""
    rng, devices = np.random.default_rng(seed), plan.jobs.device.tolist()
    of = {
        device: {
            layer: rng.integers(-127, 128, case.parameters.weights[layer].shape, np.int8)
            for layer, change in enumerate(plan.upload)
            if change.unit is not None
        }
        for device in devices
    }
    return Residuals(np.zeros(max(devices) + 1, np.int64), of)


def assert_equal(case: Case, plan: Plan, trained: Trained) -> None:
    """Every kernel's sums are the rule's, its frames the coder's, and what is left is the same."""
    expected = by_rule(case, plan, trained)
    for kernel in KERNELS:
        result = by_engine(case, plan, kernel)
        assert result.sums.keys() == expected.layers.keys()
        for number, part in expected.layers.items():
            assert np.array_equal(result.sums[number][0], part.weight), (kernel, number)
            assert np.array_equal(result.sums[number][1], part.bias), (kernel, number)
        if plan.frame:
            coded = int(result.coded[:, 0].sum())
            assert bytes_up(case.network, plan, plan.jobs, coded) == expected.bytes_up, kernel
        else:
            assert not result.coded.any()
        for place, (device, left) in enumerate(expected.residuals.items()):
            assert device == plan.jobs.device[place]
            assert left.keys() == result.residuals.keys()
            for number, kept in left.items():
                assert np.array_equal(result.residuals[number][place], kept), (kernel, number)


def refused_for_its_size(case: Case, plan: Plan) -> bool:
    """Whether its sums are some that no 32-bit device could hold, as they are without changes."""
    try:
        by_engine(case, plan, KERNELS[0])
    except UsageError as refused:
        why = str(refused)
        assert "overflow" in why or "32 bits" in why
        return True
    return False


@pytest.mark.slow(10)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    cases(),
    st.lists(CHANGES, min_size=4, max_size=4),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0, 1, 100, 12_345, LARGEST_CLIP]),
    st.sampled_from([0, 21, 200]),
)
def test_every_kernel_shortens_as_the_rule_says(
    case: Case, changes: list[Change], number: int, clip: int, frame: int
) -> None:
    work = case.work
    first = min(work.device - work.device % 3, 2**32 - 3)  # three devices, whichever is drawn
    jobs = jobs_of(case, range(first, first + 3))
    plan = Plan(
        number, work.exchange, work.extra_shift, jobs, work.energy_shift, clip,
        upload=tuple(changes[: case.network.depth]), seed=work.seed, frame=frame,
    )  # fmt: skip
    if refused_for_its_size(case, plan):
        return
    assert_equal(case, plan, trained_by_rule(case, range(first, first + 3)))


@pytest.mark.slow(10)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    cases(),
    st.lists(st.one_of(KEEPING, KEEPING, CHANGES), min_size=4, max_size=4),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0, 21, 200]),
)
def test_every_kernel_keeps_what_the_rule_keeps(
    case: Case, changes: list[Change], seed: int, frame: int
) -> None:
    work = case.work
    upload = tuple(changes[: case.network.depth])
    plan = Plan(
        seed, work.exchange, work.extra_shift, jobs_of(case, range(3)), work.energy_shift,
        upload=upload, seed=work.seed, frame=frame,
    )  # fmt: skip
    if refused_for_its_size(case, plan):
        return
    trained = trained_by_rule(case, range(3))
    assert_equal(case, replace(plan, residuals=some_left(case, plan, seed)), trained)
    assert_equal(case, replace(plan, residuals=Residuals.none(3)), trained)


def swinging(weight_bits: int, units: int) -> Case:
    """Weights that a few steps take from any place to either bound; more rows than a block has."""
    layer = Layer(
        131, units, 128, Activation.IDENTITY, 8, 0, weight_bits=weight_bits, bias_shift=0
    )  # fmt: skip
    network = Network((layer,), ErrorKind.MARGIN, 127, Feedback.BALANCED)
    rng = np.random.default_rng(units)
    places = rng.integers(-layer.weight_bound, layer.weight_bound + 1, (131, units))
    ends = rng.choice([-layer.weight_bound, layer.weight_bound], places.shape)
    weight = np.where(rng.integers(0, 2, places.shape), places, ends).astype(weight_dtype(layer))
    return Case(
        network,
        Parameters(
            np.zeros(131, np.int8),
            (weight,),
            (np.zeros(units, np.int16),),
        ),
        rng.choice([-128, -1, 0, 1, 127], (300, 131)).astype(np.int8),
        rng.integers(0, units, 300).astype(np.int32),
        LocalWork(batch=100, first_step=0, steps=3, layers=(0,), seed=2**40 + 1, exchange=3),
    )


@pytest.mark.no_cover
@pytest.mark.parametrize("weight_bits", [8, 16])
@pytest.mark.parametrize("units", [10, 16, 37])
def test_differences_of_every_size_have_the_rules_numbers(weight_bits: int, units: int) -> None:
    case = swinging(weight_bits, units)
    sent = case.parameters.weights[0].astype(np.int64)
    feedback = feedback_matrices(case.network, case.work.seed)
    trained, _ = oracle.train(
        case.network, case.parameters, feedback, case.samples, case.labels, case.work
    )
    moved = trained.weights[0] - sent
    bound = case.network.layers[0].weight_bound
    assert moved.max() == 2 * bound == -moved.min()
    assert (moved == 0).any()
    by_device = trained_by_rule(case, range(3))
    for top in (1, 2, 7, 126, 127):
        for shift in range(15):
            plan = Plan(
                0, case.work.exchange, 0, jobs_of(case, range(3)),
                upload=(Change(top, shift, rows=1 + shift % 3),), seed=case.work.seed,
                frame=60 * (shift == 6),
            )  # fmt: skip
            assert_equal(case, plan, by_device)


@pytest.mark.no_cover
@pytest.mark.parametrize("weight_bits", [8, 16])
@pytest.mark.parametrize("units", [10, 16, 37])
def test_what_is_left_of_differences_of_every_size_is_the_rules(
    weight_bits: int, units: int
) -> None:
    case = swinging(weight_bits, units)
    trained = trained_by_rule(case, range(2))
    for top in (1, 2, 7, 127):
        for shift in range(15):
            for unit in {0, unit_for(shift), 7}:
                plan = Plan(
                    0, case.work.exchange, 0, jobs_of(case, range(2)),
                    upload=(Change(top, shift, unit=unit),), seed=case.work.seed,
                    frame=60 * (shift == 6),
                )  # fmt: skip
                assert_equal(case, replace(plan, residuals=some_left(case, plan, shift)), trained)


@pytest.mark.parametrize(
    ("left", "problem"),
    [({1: np.zeros((2, 3, 2), np.int8)}, r"of layers \[1\]"),
     ({0: np.zeros((1, 4, 3), np.int8)}, "shape"), ({0: np.zeros((2, 4, 3))}, "float64"),
     ({0: np.full((2, 4, 3), -128, np.int8)}, "-128 is not in")],
    ids=["layer", "shape", "type", "magnitude"],
)  # fmt: skip
def test_what_is_left_of_nothing_or_of_another_shape_is_refused(left: Any, problem: str) -> None:
    from tifed.rule.recipes import Tuned

    network = Tuned().network((4, 3, 2), 1)
    parameters = Tuned().start_parameters(network, 1)
    one = np.array([0, 1])
    job = Job(0, (0, 1), 0, 2, 0, 1)
    jobs = Jobs.of([job, replace(job, device=1)])
    own = FleetJobs(
        one, 0 * one, 0 * one + 2, jobs.position, jobs.samples, jobs.first_step, jobs.steps,
        jobs.layers, jobs.samples, 0 * one,
    )  # fmt: skip
    work = FleetWork(own, 1, upload=(Change(1, 3, unit=0), Change(127)), residuals=left)
    shared = SharedSamples(np.zeros((2, 4), np.int8), np.zeros(2, np.int32), np.arange(2))
    with pytest.raises(UsageError, match=f"^residuals: .*{problem}"):
        native.Native().train_fleet(
            network, parameters, feedback_matrices(network, 1), shared, work
        )


@pytest.mark.parametrize(
    "upload", [(Change(1),), (Change(1), Change(1), Change(1)), ("ternary", Change(1))], ids=str
)
def test_what_is_no_change_of_each_layer_is_refused(upload: Any) -> None:
    from tifed.rule.recipes import Tuned

    network = Tuned().network((4, 3, 2), 1)
    case = Case(
        network, Tuned().start_parameters(network, 1), np.zeros((2, 4), np.int8),
        np.zeros(2, np.int32), LocalWork(1, 0, 1, (0, 1)),
    )  # fmt: skip
    plan = Plan(0, 0, 0, jobs_of(case, range(2)), upload=upload)
    with pytest.raises(UsageError, match="^upload: "):
        by_engine(case, plan, KERNELS[-1])


def test_frames_that_cannot_hold_a_number_are_refused() -> None:
    case = swinging(8, 10)
    plan = Plan(0, 0, 0, jobs_of(case, range(2)), upload=(Change(7),), frame=8)
    with pytest.raises(UsageError, match="^frame: is shorter than 3 bytes for each bit"):
        by_engine(case, plan, KERNELS[-1])
    assert by_engine(case, replace(plan, frame=9), KERNELS[-1]).coded.all()
