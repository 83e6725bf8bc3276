"""Updates as vectors: rings that are wide enough, and the official stream."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from tifed.errors import UsageError
from tifed.experiment import Experiment, build
from tifed.federation import FeatureSums, begin, total
from tifed.federation.sum_numbers import SumNumbers
from tifed.secure_aggregation import require_privacy
from tifed.secure_aggregation.masks import Shape, Vector, width_for
from tifed.secure_aggregation.vectors import (
    CalibrationVectors,
    UpdateVectors,
    calibration_width,
    layers_in,
    update_widths,
)


def test_masks_are_the_stream_of_aes_256_in_counter_mode() -> None:
    """Of zeros under a zero key and counter: AES-256 of 0 and 1 (NIST's known answer for 0)."""
    made = Vector.zeros(Shape(1, ((2, 32),)))
    made.add_mask(bytes(32))
    stream = bytes.fromhex("dc95c078a2408989ad48a21492842087")
    assert made.counts.tobytes() + made.sum_data.tobytes() == stream
    Vector.zeros(Shape(0, ((0, 32),))).add_mask(bytes(32))


@pytest.mark.parametrize("width", range(8, 65, 8))
def test_a_mask_of_many_pieces_is_one_stream(width: int) -> None:
    key, shape = bytes(range(32)), Shape(8195, ((70_001, width), (3, 8)))
    made = Vector.zeros(shape)
    made.add_mask(key)
    size = next(size for size in (1, 2, 4, 8) if 8 * size >= width)
    stream = (
        Cipher(AES(key), CTR(bytes(16))).encryptor().update(bytes(8 * 8195 + size * 70_001 + 3))
    )
    counts, words, last = stream[: 8 * 8195], stream[8 * 8195 : -3], stream[-3:]
    lowest = np.frombuffer(words, np.uint8).reshape(-1, size)[:, : width // 8]
    assert made.counts.tobytes() + made.sum_data.tobytes() == counts + lowest.tobytes() + last
    again = Vector.from_data(made.counts, made.sum_data, shape)
    assert np.array_equal(again.whole_sums, made.whole_sums)
    made.subtract_mask(key)
    assert not made.counts.any()
    assert not made.whole_sums.any()


@pytest.mark.parametrize("width", range(8, 65, 8))
def test_sums_at_the_edge_of_the_ring_are_what_they_are(width: int) -> None:
    edge = (1 << width - 1) - 1
    sums = np.array([edge, -edge, 0, -1], np.int64)
    assert Vector.of([], (sums, width)).whole_sums.tolist() == sums.tolist()
    assert width_for(edge) == width


def test_no_ring_is_wide_enough_for_everything() -> None:
    with pytest.raises(UsageError, match="do not fit 64 bits"):
        width_for(1 << 63)


@pytest.mark.parametrize(
    ("settings", "devices", "widths"),
    [
        ({}, 8, (24, 24)),
        ({}, 1, (16, 16)),
        ({}, 100_000, (40, 40)),
        ({"at_end": "stop"}, 5000, (40, 40)),
        ({"compression": {"upload": ["ternary", "4-bit"]}}, 127, (8, 24)),
        ({"compression": {"upload": ["ternary", "4-bit"]}}, 128, (16, 24)),
        ({"compression": {"upload": ["8-bit", "4-bit"]}}, 258, (16, 32)),
        ({"compression": {"upload": ["8-bit", "4-bit"]}}, 259, (24, 32)),
        ({"compression": {"upload": "ternary"}, "at_end": "stop", "buffer": 50}, 3, (16, 24)),
    ],
)
def test_the_width_follows_from_the_largest_number_that_a_run_can_have(
    settings: dict[str, Any], devices: int, widths: tuple[int, int]
) -> None:
    setup = build(Experiment(devices=8, **settings))
    state, _ = begin(setup.federation, setup.fleet, setup.start)
    (plan,) = setup.federation.plans(state)
    federation = replace(setup.federation, devices_per_round=devices)
    numbers = SumNumbers(federation, plan, state.parameters)
    assert update_widths(numbers, 0) == widths
    bounds = numbers.bounds(0, devices * federation.buffer)
    assert all(bound < 1 << width - 1 for bound, width in zip(bounds, widths, strict=True))
    assert calibration_width(setup.federation) == 24


@pytest.mark.parametrize("upload", ["whole", "ternary", "4-bit", "8-bit"])
@pytest.mark.parametrize("rows", [1, 3])
def test_numbers_of_real_sums_are_within_their_bounds_and_give_the_sums_again(
    upload: str, rows: int
) -> None:
    """And those of the largest sums that devices can give are at the bounds."""
    chosen = Experiment(devices=4, compression={"upload": upload, "rows": rows})
    setup = build(chosen)
    state, _ = begin(setup.federation, setup.fleet, setup.start)
    (plan,) = setup.federation.plans(state)
    numbers = SumNumbers(setup.federation, plan, state.parameters)
    update = total(setup.fleet.fit(plan, state.parameters))
    for layer, part in update.layers.items():
        found = numbers.numbers(layer, part, update.devices)
        for own, bound in zip(found, numbers.bounds(layer, part.samples), strict=True):
            assert np.abs(own).max() <= bound
        again = numbers.sums(layer, found, update.devices)
        assert np.array_equal(again[0], part.weight)
        assert np.array_equal(again[1], part.bias)
        assert not found[0][~numbers.rows(layer, update.devices)].any()


def test_a_sum_that_is_no_multiple_is_never_cut() -> None:
    setup = build(Experiment(devices=4, compression={"upload": "ternary"}))
    state, _ = begin(setup.federation, setup.fleet, setup.start)
    (plan,) = setup.federation.plans(state)
    numbers = SumNumbers(setup.federation, plan, state.parameters)
    update = total(setup.fleet.fit(plan, state.parameters))
    for name in ("weight", "bias"):
        part = replace(update.layers[0], **{name: getattr(update.layers[0], name) + 1})
        with pytest.raises(UsageError, match="layer 0, .*: a sum is no multiple of"):
            numbers.numbers(0, part, update.devices)


def test_updates_come_back() -> None:
    setup = build(Experiment(devices=4, mode="single-layer"))
    state, _ = begin(setup.federation, setup.fleet, setup.start)
    (plan,) = setup.federation.plans(state)
    update = total(setup.fleet.fit(plan, state.parameters))
    vectors = UpdateVectors(SumNumbers(setup.federation, plan, state.parameters), layers_in(plan))
    vector = vectors.encoded(update)
    assert vector.shape == vectors.shape
    again = vectors.decoded(vector, update.devices)
    assert again.statistics == update.statistics
    assert again.layers.keys() == update.layers.keys()
    for number, part in update.layers.items():
        assert np.array_equal(again.layers[number].weight, part.weight)
        assert np.array_equal(again.layers[number].bias, part.bias)
        assert (again.layers[number].samples, again.layers[number].devices) == (
            part.samples, part.devices,
        )  # fmt: skip


def test_a_layer_that_nobody_trains_is_left_out_again() -> None:
    setup = build(Experiment(devices=4, mode="single-layer"))
    state, _ = begin(setup.federation, setup.fleet, setup.start)
    (plan,) = setup.federation.plans(state)
    first = plan.jobs.at(plan.jobs.of_layer(0))
    update = total(setup.fleet.fit(replace(plan, jobs=first), state.parameters))
    vectors = UpdateVectors(SumNumbers(setup.federation, plan, state.parameters), (0, 1))
    assert vectors.decoded(vectors.encoded(update), first.device).layers.keys() == {0}


def test_feature_sums_come_back() -> None:
    sums = FeatureSums(np.array([-5, 7, 0], np.int64), 1 << 40, 12, np.array([3]))
    vectors = CalibrationVectors(3, 32)
    again = vectors.decoded(vectors.encoded(sums), sums.devices)
    assert (again.total.tolist(), again.squares, again.samples) == ([-5, 7, 0], 1 << 40, 12)


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import tifed.secure_aggregation as package

    monkeypatch.setattr(package, "find_spec", lambda name: None)
    with pytest.raises(
        UsageError, match=r"cryptography is not installed; pip install 'tifed\[priv"
    ):
        require_privacy()
