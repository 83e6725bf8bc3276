"""The native engine against the oracle: every kernel, random networks, extreme parameters."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tifed.errors import UsageError
from tifed.federation import Federation, Job, Jobs, Plan, Update, total
from tifed.federation.assignment import full_network
from tifed.federation.device import Stream
from tifed.fleets import FleetInputs, SimulatedFleet
from tifed.rule.compression import Change
from tifed.rule.integer import Rounding
from tifed.rule.learning import LARGEST_CLIP, LocalWork, clipped, feedback_matrices, oracle
from tifed.rule.learning.work import FleetJobs, FleetWork, SharedSamples
from tifed.rule.network import Activation, ErrorKind, Feedback, Layer, Network, Parameters

from .conftest import Case, cases

try:
    from tifed.native import engine as native
except UsageError as missing:
    pytest.skip(str(missing), allow_module_level=True)
KERNELS = (*native.kernels(), *native.DEVICE_KERNELS)


@pytest.mark.slow(5)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_every_kernel_equals_the_oracle(case: Case) -> None:
    network, work = case.network, case.work
    feedback = feedback_matrices(network, work.seed)
    given_ = (network, case.parameters, feedback, case.samples, case.labels, work)
    expected, counted = oracle.train(*given_)
    judged = case.samples if case.samples.ndim == 2 else case.samples[0]
    classes = oracle.classify(network, case.parameters, judged)
    for kernel in KERNELS:
        engine = native.Native(kernel, threads=1)
        try:
            trained, statistics = engine.train(*given_)
        except UsageError as refused:
            why = str(refused)
        else:
            why = ""
        if why:  # sums that no 32-bit device could hold, and no other reason
            large = min(work.batch, len(case.labels)) > network.largest_batch // 2
            assert ("overflow" in why and large) or "32 bits" in why
            return
        assert trained == expected, kernel
        assert statistics == counted, kernel
        assert np.array_equal(engine.classify(network, case.parameters, judged), classes)


@pytest.mark.slow(5)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases(), st.sampled_from([1, 2, "norm - 1", "norm", 12_345, LARGEST_CLIP]), st.booleans())
def test_every_kernel_clips_as_the_oracle(case: Case, wanted: int | str, by_layer: bool) -> None:
    network, work, count = case.network, case.work, len(case.labels)
    feedback = feedback_matrices(network, work.seed)
    given_ = (network, case.parameters, feedback, case.samples, case.labels, work)
    trained, _ = oracle.train(*given_)
    groups = [(number,) for number in work.layers] if by_layer else [work.layers]
    norms, clips = [0] * (network.depth if by_layer else 1), [LARGEST_CLIP] * network.depth
    expected = trained
    for layers in groups:
        place = layers[0] if by_layer else 0
        _, norm = clipped(case.parameters, trained, layers, LARGEST_CLIP)
        clips[place] = max(1, int({"norm": norm, "norm - 1": norm - 1}.get(str(wanted), wanted)))
        expected, norms[place] = clipped(case.parameters, expected, layers, clips[place])
        assert norms[place] == norm
    row = (
        work.device, 0, count, 0, count, work.first_step, work.steps,
        sum(1 << number for number in work.layers), 3, 0 if by_layer else clips[0],
    )  # fmt: skip
    jobs = FleetJobs(*np.array([row], np.int64).T.copy())
    asked = FleetWork(
        jobs, work.batch, work.extra_shift, work.seed, work.exchange, work.energy_shift,
        clips=tuple(clips) if by_layer else (),
    )  # fmt: skip
    shared = SharedSamples(case.samples, case.labels, np.arange(count))
    for kernel in KERNELS:
        engine = native.Native(kernel, threads=1)
        try:
            result = engine.train_fleet(network, case.parameters, feedback, shared, asked)
        except UsageError as refused:
            why = str(refused)
        else:
            why = ""
        if why:  # the same as without a bound: see above
            assert "overflow" in why or "32 bits" in why
            return
        assert result.norms.tolist() == [norms], kernel
        for number in work.layers:
            assert np.array_equal(
                result.sums[number][0], 3 * expected.weights[number].astype(int)
            ), kernel
            assert np.array_equal(
                result.sums[number][1], 3 * expected.biases[number].astype(int)
            ), kernel


def test_threads_and_order_do_not_matter() -> None:
    rng = np.random.default_rng(5)
    layers = (
        Layer(30, 20, 128, Activation.RELU, 10, 4, update_rounding=Rounding.STOCHASTIC),
        Layer(20, 5, 127, Activation.IDENTITY, 8, 3),
    )
    network = Network(layers, ErrorKind.MARGIN, 48, Feedback.BALANCED)
    parameters = Parameters(
        np.zeros(30, np.int8),
        (rng.integers(-300, 300, (30, 20)).astype(np.int16), np.zeros((20, 5), np.int16)),
        (np.zeros(20, np.int16), np.zeros(5, np.int16)),
    )
    samples = rng.integers(-128, 128, (400, 30)).astype(np.int8)
    labels = rng.integers(0, 5, 400).astype(np.int32)
    feedback = feedback_matrices(network, 3)
    order = rng.permutation(400).astype(np.int64)
    d = np.arange(40)
    jobs = FleetJobs(
        device=d, begin=10 * d, end=10 * d + 10, position=d % 10, samples=7 + d % 9,
        first_step=0 * d, steps=0 * d + 6, layers=1 + d % 3, weight=7 + d % 9,
        clip=np.where(d % 4, 20 * d, 0),
    )  # fmt: skip
    reverse = FleetJobs(**{name: column[::-1].copy() for name, column in vars(jobs).items()})
    shared = SharedSamples(samples, labels, order)
    wrong_columns: dict[str, Any] = {"device": d[:0], "layers": d.astype(np.float64)}
    for name, column in wrong_columns.items():
        with pytest.raises(UsageError, match="is not"):
            native.Native().train_fleet(
                network, parameters, feedback, shared,
                FleetWork(replace(jobs, **{name: column}), batch=4),
            )  # fmt: skip
    columns: list[Any] = [d.astype(np.int32), d[:-1], np.array([d]), d.tolist()]
    for wrong in columns:
        with pytest.raises(UsageError, match="steps: is not"):
            native.Native().train_fleet(
                network, parameters, feedback, shared,
                FleetWork(replace(jobs, steps=wrong), batch=4),
            )  # fmt: skip
    results = []
    for threads, chosen in ((1, jobs), (5, jobs), (3, reverse)):
        engine = native.Native(threads=threads)
        results.append(
            engine.train_fleet(
                network, parameters, feedback, shared,
                FleetWork(
                    chosen, batch=4, seed=3, upload=(Change(3, 4, rows=3), Change(127)), frame=21
                ),
            )
        )  # fmt: skip
    first, *others = results
    assert (first.norms[d % 4 > 0] > 0).all()
    assert not first.norms[d % 4 == 0].any()
    assert (first.norms[:, 0] > jobs.clip).sum() > 5  # so that some of them were clipped
    assert (first.coded > 0).all()
    for name in ("norms", "coded"):
        assert np.array_equal(getattr(others[0], name), getattr(first, name))
        assert np.array_equal(getattr(others[1], name), getattr(first, name)[::-1])
    for other in others:
        assert other.statistics == first.statistics
        for layer, (weight, bias) in other.sums.items():
            assert np.array_equal(weight, first.sums[layer][0])
            assert np.array_equal(bias, first.sums[layer][1])


@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize("buffers", [1, 4])
@pytest.mark.parametrize("clips", [{}, {1: 5}, {0: 300, 1: 40}, {0: LARGEST_CLIP}])
@pytest.mark.parametrize(
    "upload", [(), (Change(1, 6), Change(127, 0)), (Change(7, 3, rows=3), Change(0, rows=2))]
)
def test_simulated_fleet_is_as_with_the_oracle(
    copies: int, buffers: int, clips: dict[int, int], upload: tuple[Change, ...]
) -> None:
    from tifed.native.choice import engine
    from tifed.rule.recipes import RECIPES, Server

    network = RECIPES["paper"]().network((12, 8, 3), 4)
    rng = np.random.default_rng(2)
    samples = rng.integers(-128, 128, (90, 12)).astype(np.int8)
    labels = rng.integers(0, 3, 90).astype(np.int32)
    several = None
    if copies > 1:
        others = rng.integers(-128, 128, (copies - 1, 90, 12)).astype(np.int8)
        several = np.concatenate([samples[np.newaxis], others])
    streams = tuple(Stream(samples, labels, np.arange(d, 90, 6), several) for d in range(6))
    parameters = Parameters(
        np.zeros(12, np.int8),
        (np.zeros((12, 8), np.int16), np.zeros((8, 3), np.int16)),
        (np.zeros(8, np.int16), np.zeros(3, np.int16)),
    )
    jobs = Jobs.of(Job(d, (0, 1) if d % 2 else (1,), d, 4 + d, d, 9) for d in range(6))
    federation = Federation(
        network, Server(), (15,) * 6, full_network(2), (0,), seed=1, buffer=9, batch=4,
        local_epochs=1, buffers_per_round=buffers,
    )  # fmt: skip
    plan = Plan(4, 0, 0, jobs, clips=clips, upload=upload, seed=federation.seed, frame=30)
    updates = []
    engines = [engine("oracle"), engine("native")]
    if buffers > 1:
        engines += [native.Native(kernel) for kernel in native.DEVICE_KERNELS]
    for each in engines:
        inputs = FleetInputs(federation, streams, streams, parameters, None, each)
        fleet = SimulatedFleet(inputs)
        updates.append(total(fleet.fit(plan, parameters)))
    for other in updates[1:]:
        _alike(updates[0], other, upload, clips)


def _alike(
    first: Update, second: Update, upload: tuple[Change, ...], clips: dict[int, int]
) -> None:
    assert first.devices.tolist() == second.devices.tolist()
    assert first.statistics == second.statistics
    assert first.norms.tolist() == second.norms.tolist()
    assert first.norms.shape == ((6, 2) if clips else (0, 1))
    assert (first.bytes_up is not None) == bool(upload)
    assert first.bytes_up == second.bytes_up
    assert first.layers.keys() == second.layers.keys()
    for number, part in first.layers.items():
        other = second.layers[number]
        assert (part.samples, part.devices) == (other.samples, other.devices)
        assert np.array_equal(part.weight, other.weight)
        assert np.array_equal(part.bias, other.bias)


GOOD_SAMPLES = np.zeros((4, 3), np.int8)
GOOD_LABELS = np.zeros(4, np.int32)


def read_only(array: np.ndarray) -> np.ndarray:
    copy = array.copy()
    copy.setflags(write=False)
    return copy


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("samples", {"samples": np.zeros((4, 2), np.int8)}),
        ("samples", {"samples": np.zeros((4, 3), np.int16)}),
        ("samples", {"samples": np.zeros((4, 6), np.int8)[:, ::2]}),
        ("samples", {"samples": [[0, 0, 0]] * 4}),
        ("samples", {"samples": np.zeros((0, 3), np.int8), "labels": np.zeros(0, np.int32)}),
        ("labels", {"labels": np.zeros(3, np.int32)}),
        ("labels", {"labels": np.full(4, 2, np.int32)}),
        ("labels", {"labels": np.full(4, -1, np.int32)}),
        ("batch", {"batch": 0}),
        ("batch", {"batch": 1.5}),
        ("layers", {"layers": (2,)}),
        ("layers", {"layers": ()}),
        ("steps", {"steps": -1}),
        ("extra_shift", {"extra_shift": 7}),
        ("energy_shift", {"energy_shift": -5}),
        ("energy_shift", {"energy_shift": 27}),
        ("energy_shift", {"energy_shift": 31}),
        ("seed", {"seed": 1 << 64}),
        ("feedback", {"feedback": (np.full((2, 4), 2**40),)}),
        ("feedback", {"feedback": ()}),
        ("layer.0.weight", {"weight": np.full((3, 4), 32767, np.int16)}),
        ("layer.0.weight", {"weight": np.zeros((4, 3), np.int16)}),
        ("layer.0.weight", {"weight": np.zeros((3, 4), np.int32)}),
    ],
)
def test_wrong_arguments_are_named(name: str, change: dict[str, Any]) -> None:
    layers = (
        Layer(3, 4, 128, Activation.RELU, 0, 4, bias_shift=8, weight_bits=16, rescale_factor=65536,
              rescale_rounding=Rounding.FLOOR),
        Layer(4, 2, 127, Activation.IDENTITY, 8, 3),
    )  # fmt: skip
    network = Network(layers, ErrorKind.MARGIN, 48, Feedback.BALANCED)
    if "weight" in change and name == "layer.0.weight":
        wide = (Layer(2000, 4, 128, Activation.RELU, 8, 4), layers[1])
        if np.asarray(change["weight"]).max() > 0:
            network = Network(wide, ErrorKind.MARGIN, 48, Feedback.BALANCED)
            change = {"weight": np.full((2000, 4), 32767, np.int16),
                      "samples": np.zeros((4, 2000), np.int8)}  # fmt: skip
    weight = change.get("weight", np.zeros((3, 4), np.int16))
    parameters = Parameters(
        np.zeros(network.features, np.int8),
        (weight, np.zeros((4, 2), np.int16)),
        (np.zeros(4, np.int16), np.zeros(2, np.int16)),
    )
    fields = ("batch", "layers", "steps", "extra_shift", "seed", "energy_shift")
    settings_: dict[str, Any] = {"batch": 2, "first_step": 0, "steps": 1, "layers": (0, 1)}
    settings_.update({key: value for key, value in change.items() if key in fields})
    work = LocalWork(**settings_)
    with pytest.raises(UsageError, match=f"^{name}"):
        native.Native().train(
            network, parameters, change.get("feedback", feedback_matrices(network, 1)),
            change.get("samples", GOOD_SAMPLES), change.get("labels", GOOD_LABELS), work,
        )  # fmt: skip


def test_output_array_is_checked() -> None:
    network = Network(
        (Layer(3, 2, 128, Activation.IDENTITY, 8, 3),), ErrorKind.MARGIN, 9, Feedback.BALANCED
    )
    parameters = Parameters(
        np.zeros(3, np.int8), (np.zeros((3, 2), np.int16),), (np.zeros(2, np.int16),)
    )
    engine = native.Native()
    wrong: list[Any] = [read_only(np.zeros(4, np.int32)), np.zeros(4), np.zeros(8, np.int32)[::2]]
    for out in wrong:
        with pytest.raises(UsageError, match="^out"):
            engine.classify(network, parameters, GOOD_SAMPLES, out=out)
    with pytest.raises(UsageError, match="^kernel"):
        native.Native("cray")
    with pytest.raises(UsageError, match="^threads"):
        native.Native(threads=0)
