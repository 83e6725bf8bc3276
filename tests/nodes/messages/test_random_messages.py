"""Valid messages, changed at random: who reads one refuses it in words, or may use all of it."""

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from tifed.experiment import Setup, build, load_experiment
from tifed.federation import (
    DeviceCounts,
    DeviceScore,
    PersonalScore,
    PersonalWork,
    begin,
    total,
)
from tifed.federation.residuals import Residuals
from tifed.federation.sum_numbers import SumNumbers
from tifed.nodes.messages import masked, own_check, own_data
from tifed.nodes.messages.check import (
    checked_absence,
    checked_devices,
    checked_scores,
    checked_sums,
    checked_update,
)
from tifed.nodes.messages.content import (
    Arrays,
    Content,
    MessageError,
    check_head,
    fit_message,
    job_runs,
    message,
    parameter_arrays,
    parameters_from,
    plan_from,
    update_message,
)
from tifed.nodes.messages.device_ranges import to_ranges
from tifed.secure_aggregation.keys import PublicKeys
from tifed.secure_aggregation.masks import Shape, Vector
from tifed.secure_aggregation.site import SEALED, Opening
from tifed.secure_aggregation.vectors import feature_total

MESSAGES = int(os.environ.get("TIFED_FUZZ_MESSAGES", "20000"))
"""``TIFED_FUZZ_MESSAGES=10000000`` is the long run."""

SESSION, HOSTED = bytes(range(16)), range(1, 3)
KEYS = PublicKeys(b"m" * 32, b"s" * 32)
SHAPE = Shape(3, ((5, 32), (4, 8)))
ODD: tuple[Any, ...] = (
    -1, 0, 1, 2, 31, 33, 64, 255, 1 << 31, 1 << 63, 1 << 64, 1 << 4000, -(1 << 63), True, None,
    1.5, float("nan"), "", "7", "x" * 300, "\0\u202e", b"x", [], [1], [1, "2"], [[1]], {}, {"a": 1},
)  # fmt: skip
TYPES = ("i1", "u1", "i2", "<i4", ">i4", "i8", ">i8", "u8", "f4", "f8", "?", "S3", "c16")


@dataclass(frozen=True)
class Kind:
    """A valid message, and how it is read."""

    content: Content
    read: Callable[[Content], object]


@pytest.fixture(scope="module")
def setup() -> Setup:
    return build(load_experiment(overrides=["devices=3", "rounds=1", "layers=[64,4,10]"]))


@pytest.fixture(scope="module")
def kinds(setup: Setup) -> dict[str, Kind]:
    """Each kind of message, asked and answered."""
    federation, network = setup.federation, setup.network
    state, _ = begin(federation, setup.fleet, setup.start)
    (plan,) = federation.plans(state)
    asked = np.arange(3)
    parts = list(setup.fleet.calibrate(range(2), federation.calibration_samples))
    sums = feature_total(parts, network.features)
    known = own_check.OwnSamples(3, network.features, network.classes)
    scores = [DeviceScore(device, 3, 9) for device in range(3)]
    part = replace(plan, jobs=plan.jobs.for_devices(np.array(HOSTED)))
    fit = fit_message("it", part, setup.start)
    jobs = {"jobs": job_runs(part.jobs)}
    numbers = SumNumbers(federation, plan, setup.start)
    update = update_message("it", numbers, total(setup.fleet.fit(plan, setup.start)))
    calibrated = message(
        "calibrate", "it", {"devices": to_ranges(sums.devices), "total": sums.total},
        samples=sums.samples, squares=sums.squares, absent=[2], reasons=["gone"],
    )  # fmt: skip
    real = [DeviceScore(device, 0, int(federation.streams[device])) for device in range(3)]
    vector = Vector.of([0, 1, 2], (np.arange(5), 32), (np.arange(4), 8))
    neighbours = {3: KEYS, 5: KEYS}
    sealed = {3: bytes(SEALED), 5: bytes(SEALED)}

    def read_fit(content: Content) -> None:
        found = plan_from(content, network, HOSTED)
        assert set(found.jobs.device.tolist()) <= set(HOSTED)
        assert len(set(found.jobs.device.tolist())) == len(found.jobs.device)
        parameters_from(content, network)

    def read_devices(content: Content) -> None:
        found = checked_devices(content, 3, asked)
        assert set(found.tolist()) <= {0, 1, 2}
        checked_absence(content, asked, found)

    def read_masked(content: Content) -> None:
        assert len(masked.session_from(content)) == 16
        assert all(len(one) in (0, SEALED) for one in masked.received_from(content).values())

    def read_own_scores(content: Content) -> None:
        for score in own_check.checked_own_scores(content, known, asked):
            assert 0 <= score.correct <= score.samples

    kept = {"jobs": job_runs(part.jobs, Residuals(np.full(3, part.exchange - 1)))}

    def read_kept_fit(content: Content) -> None:
        found = plan_from(content, network, HOSTED, residual=True)
        assert found.residuals is not None
        assert (found.residuals.after < found.exchange).all()
        assert (found.residuals.after >= -1).all()

    return {
        "fit": Kind(Content("fit", fit.values, fit.arrays | jobs), read_fit),
        "fit with residuals": Kind(Content("fit", fit.values, fit.arrays | kept), read_kept_fit),
        "update": Kind(update, lambda c: checked_update(c, numbers)),
        "sums": Kind(
            calibrated,
            lambda c: checked_sums(c, federation, asked, federation.calibration_samples),
        ),
        "own sums": Kind(
            calibrated,
            lambda c: own_check.checked_own_sums(c, known, asked, federation.calibration_samples),
        ),
        "devices": Kind(calibrated, read_devices),
        "scores": Kind(
            own_data.scored("it", real, {}, 10), lambda c: checked_scores(c, federation, asked)
        ),
        "own scores": Kind(own_data.scored("it", scores, {}, 10), read_own_scores),
        "counts": Kind(
            own_data.counted("it", [DeviceCounts(d, 3, 4, 1, 1, 1) for d in range(3)], {}),
            lambda c: own_check.checked_counts(c, known, asked),
        ),
        "personal": Kind(
            own_data.personalised("it", [PersonalScore(d, 1, 2, 3) for d in range(3)], {}),
            lambda c: own_check.checked_personal(c, known, asked),
        ),
        "personalise": Kind(
            own_data.personalise_message("it", setup.start, PersonalWork(1, (0, 1), 0, 3, 0)),
            lambda c: own_data.work_from(c, network),
        ),
        "keep": Kind(
            message("keep", "it", parameter_arrays(setup.start), round=1),
            lambda c: (c.integer("round"), parameters_from(c, network)),
        ),
        "keys": Kind(masked.keys_answer("it", KEYS), masked.keys_from),
        "shares": Kind(
            with_arrays(
                masked.shares_message("it", SESSION, 3, 2), masked.neighbour_arrays(neighbours)
            ),
            lambda c: (masked.session_from(c), masked.neighbours_from(c)),
        ),
        "sealed": Kind(
            masked.shares_answer("it", sealed), lambda c: masked.sealed_from(c, list(sealed))
        ),
        "masked": Kind(
            with_arrays(
                masked.masked_calibrate_message("it", SESSION, 50),
                masked.sealed_arrays(sealed | {7: b""}),
            ),
            read_masked,
        ),
        "vector": Kind(
            masked.masked_answer("it", masked.MASKED_FIT, asked, vector, [], KEYS),
            lambda c: (
                masked.vector_from(c, SHAPE), checked_devices(c, 3, asked), masked.keys_from(c),
            ),
        ),
        "unmask": Kind(
            with_arrays(masked.unmask_message("it", SESSION), masked.survivor_arrays([1, 3, 5])),
            lambda c: (masked.session_from(c), masked.survivors_from(c)),
        ),
        "opening": Kind(
            masked.unmask_answer(
                "it", Opening(bytes(16), {3: bytes(16), 5: bytes(16)}), [3, 4, 5], sealed
            ),
            lambda c: (masked.opening_from(c, [3, 5]), masked.sealed_from(c, list(sealed))),
        ),
    }  # fmt: skip


def with_arrays(content: Content, arrays: Arrays) -> Content:
    return Content(content.kind, content.values, content.arrays | arrays)


def changed_array(array: np.ndarray, rng: random.Random) -> np.ndarray | None:
    """Another array in its place; None: it is gone."""
    how = rng.randrange(8)
    if how == 0:
        return None
    if how == 1:
        kind = rng.choice(TYPES)
        whole = array.dtype.kind in "iu"
        return array.astype(kind) if whole else np.zeros_like(array, dtype=kind)
    if how == 2:
        return array.reshape(-1)
    if how == 3:
        return array[: rng.randrange(len(array) + 1)] if array.ndim else array[np.newaxis]
    if how == 4:
        return np.concatenate([array, array[:1]]) if array.ndim else array[np.newaxis]
    if how == 5:
        return array[np.newaxis] if rng.randrange(2) else array.T
    if how == 6:
        return array[::-1] if array.ndim else array
    other = array.copy()
    if other.size and other.dtype.kind in "iu":
        bounds = np.iinfo(other.dtype)
        place = rng.randrange(other.size)
        near = int(other.flat[place]) + rng.choice((-2, -1, 1, 2))
        wanted = rng.choice((bounds.min, bounds.max, 0, 1, 2, near))
        other.flat[place] = max(int(bounds.min), min(int(bounds.max), wanted))
    return other


def changed(content: Content, rng: random.Random) -> Content:
    """One to three things in a message are others."""
    values: dict[str, Any] = dict(content.values)
    arrays = dict(content.arrays)
    for _ in range(rng.randrange(1, 4)):
        names = [*arrays, *values, "clip", "clips", "absent", "reasons", "norms"]
        name = rng.choice(names)
        if name in arrays and rng.randrange(8):
            other = changed_array(arrays[name], rng)
            if other is None:
                del arrays[name]
            else:
                arrays[name] = other
        elif name in arrays or (name in values and not rng.randrange(4)):
            (arrays if name in arrays else values).pop(name)
        elif isinstance(values.get(name), list) and values[name] and rng.randrange(2):
            listed = list(values[name])
            listed[rng.randrange(len(listed))] = rng.choice(ODD)
            values[name] = listed
        else:
            values[name] = rng.choice(ODD)
    return Content(content.kind, values, arrays)


def outcomes(kinds: dict[str, Kind], count: int, seed: int) -> Iterator[tuple[str, bool]]:
    """So many messages of all kinds; of each whether it was refused."""
    rng, names = random.Random(seed), list(kinds)  # noqa: S311 - no secret
    for number in range(count):
        kind = kinds[names[number % len(names)]]
        content = changed(kind.content, rng)
        try:
            check_head(content.values, kind.content.kind, "it")
            kind.read(content)
        except MessageError:
            yield names[number % len(names)], True
        else:
            yield names[number % len(names)], False


def test_every_message_is_used_or_refused_in_words(kinds: dict[str, Kind]) -> None:
    for kind in kinds.values():
        kind.read(kind.content)
    refused = dict.fromkeys(kinds, 0)
    used = dict.fromkeys(kinds, 0)
    for name, was_refused in outcomes(kinds, MESSAGES, 1):
        (refused if was_refused else used)[name] += 1
    print(f"{sum(refused.values())} refused, {sum(used.values())} used of {MESSAGES}")
    assert all(count > MESSAGES // len(kinds) // 4 for count in refused.values()), refused
    assert all(used.values()), used
