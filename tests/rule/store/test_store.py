"""Which samples a store keeps, how fair that is, and what it refuses."""

import functools
from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from tifed.rule.store import (
    Policy,
    Store,
    StoreError,
    StoreShape,
    format_store,
    open_store,
    records_for,
    store_image,
)  # fmt: skip


def one_value(number: int) -> NDArray[np.int8]:
    return np.array([number % 256 - 128], np.int8)


def filled(shape: StoreShape, labels: list[int | None]) -> Store:
    store = format_store(shape)
    for number, label in enumerate(labels):
        store.add(one_value(number), label)
    return store


def numbers(store: Store, held_out: bool) -> list[int]:
    return [one.number for one in store.kind(held_out)]


def test_every_kth_is_held_out_and_neither_kind_takes_the_others_place() -> None:
    store = filled(StoreShape(1, 5, 2, held_out_every=3), [0] * 30)
    assert (store.shape.room(False), store.shape.room(True)) == (4, 1)
    assert numbers(store, True) == [29]
    assert numbers(store, False) == [24, 25, 27, 28]


def test_the_newest_stay_in_the_order_of_arrival() -> None:
    store = filled(StoreShape(1, 10, 2), [number % 2 for number in range(100)])
    assert numbers(store, False) == [90, 91, 92, 93, 95, 96, 97, 98]
    assert [one.label for one in store.labelled(False)] == [0, 1, 0, 1, 1, 0, 1, 0]
    assert numbers(store, True) == [94, 99]


@functools.cache
def filled_by_chance(seeds: int, arrivals: int) -> list[Store]:
    """A store for each seed, in which a fair draw says what stays."""
    shapes = (StoreShape(1, 8, 2, 2, Policy.UNIFORM, seed) for seed in range(seeds))
    return [filled(shape, [0] * arrivals) for shape in shapes]


@pytest.mark.no_cover
@pytest.mark.parametrize("held_out", [False, True])
def test_of_all_that_arrived_each_stays_with_the_same_chance(held_out: bool) -> None:
    """Over many seeds; a count further off than this happens once in ten thousand for each."""
    seeds, arrivals = 1500, 40
    shape = StoreShape(1, 8, 2, held_out_every=2, policy=Policy.UNIFORM)
    stayed: Counter[int] = Counter()
    for store in filled_by_chance(seeds, arrivals):
        assert len(store.kind(held_out)) == 4
        stayed.update(numbers(store, held_out))
    arrived = [number for number in range(arrivals) if shape.is_held_out(number) == held_out]
    chance = 4 / len(arrived)
    spread = (seeds * chance * (1 - chance)) ** 0.5
    assert sorted(stayed) == arrived
    assert all(abs(count - seeds * chance) < 3.9 * spread for count in stayed.values())


@pytest.mark.no_cover
def test_pairs_stay_together_as_often_as_chance_has_it() -> None:
    """A reservoir that is fair to each sample can still be unfair to pairs of them."""
    seeds, together = 3000, Counter[tuple[int, int]]()
    for seed in range(seeds):
        store = filled(StoreShape(1, 4, 2, 65535, Policy.UNIFORM, seed), [0] * 8)
        kept = numbers(store, False)
        together.update((a, b) for a in kept for b in kept if a < b)
    chance = 3 / 8 * 2 / 7  # of 28 pairs 3 are in a store of three
    spread = (seeds * chance * (1 - chance)) ** 0.5
    assert len(together) == 28
    assert all(abs(count - seeds * chance) < 3.9 * spread for count in together.values())


def test_rare_classes_keep_their_share_where_it_is_balanced() -> None:
    labels: list[int | None] = [0] * 60
    labels[10] = labels[21] = 1
    labels[30] = 2
    counts = {}
    for policy in Policy:
        store = filled(StoreShape(1, 10, 3, policy=policy), labels)
        counts[policy] = Counter(one.label for one in store.labelled(False))
    assert counts[Policy.BALANCED] == {0: 5, 1: 2, 2: 1}
    assert counts[Policy.NEWEST] == {0: 8}


def test_many_classes_come_to_equal_numbers() -> None:
    rng = np.random.default_rng(0)
    labels: list[int | None] = rng.choice(4, 500, p=[0.85, 0.05, 0.05, 0.05]).tolist()
    store = filled(StoreShape(1, 20, 4, policy=Policy.BALANCED), labels)
    assert Counter(one.label for one in store.labelled(False)) == {0: 4, 1: 4, 2: 4, 3: 4}
    assert Counter(one.label for one in store.labelled(True)) == {0: 1, 1: 1, 2: 1, 3: 1}


def test_those_without_a_label_take_no_more_than_the_share_of_a_class() -> None:
    labels: list[int | None] = [0, 1] * 10 + [None] * 200
    store = filled(StoreShape(1, 15, 2, policy=Policy.BALANCED), labels)
    assert Counter(one.label for one in store.kind(False)) == {0: 4, 1: 4, None: 4}


def test_a_label_that_comes_later_makes_a_sample_count() -> None:
    store = filled(StoreShape(1, 6, 3, held_out_every=3), [None] * 6)
    assert store.labelled(False) == store.labelled(True) == []
    before = store.revision
    store.label(5, 2)
    store.label(3, 1)
    store.label(0, 0)
    assert [one.number for one in store.labelled(False)] == [0, 3]
    assert [(one.number, one.label) for one in store.labelled(True)] == [(5, 2)]
    assert store.revision != before
    store.label(0, 2)  # corrected
    again = open_store(store.shape, store.memory)
    assert [one.label for one in again.labelled(False)] == [2, 1]
    assert again.revision == store.revision


def test_a_label_for_what_is_not_there_is_refused() -> None:
    store = filled(StoreShape(1, 4, 2), [None] * 12)
    with pytest.raises(StoreError, match="number: no sample that arrived as 0 is in the store"):
        store.label(0, 1)
    with pytest.raises(StoreError, match="label: 2 is not in 0..1"):
        store.label(11, 2)
    with pytest.raises(StoreError, match="label: 2 is not in 0..1"):
        store.add(one_value(0), 2)


def test_what_was_seen_is_known_after_a_reset_though_it_was_passed_over() -> None:
    shape = StoreShape(1, 4, 2, policy=Policy.UNIFORM, seed=3)
    store = filled(shape, [0] * 500)
    assert max(one.number for one in store.samples) < 499
    assert open_store(shape, store.memory).seen == 500


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (StoreShape(2, 4, 2), "another shape"),
        (StoreShape(1, 5, 2), "another shape"),
        (StoreShape(1, 4, 3), "another shape"),
        (StoreShape(1, 4, 2, 4), "another shape"),
        (StoreShape(1, 4, 2, policy=Policy.UNIFORM), "another shape"),
    ],
)
def test_a_store_of_another_shape_is_not_opened(other: StoreShape, says: str) -> None:
    store = filled(StoreShape(1, 4, 2), [0] * 9)
    with pytest.raises(StoreError, match=says):
        open_store(other, store.memory)


def test_no_store_and_a_damaged_one_are_told_apart() -> None:
    shape = StoreShape(1, 4, 2)
    with pytest.raises(StoreError, match="no store"):
        open_store(shape, bytearray(shape.bytes))
    store = filled(shape, [0] * 9)
    store.memory[30] ^= 1
    with pytest.raises(StoreError, match="damaged"):
        open_store(shape, store.memory)


@pytest.mark.parametrize("samples", [1, 2, 4, 5, 6, 23])
def test_an_image_holds_all_samples_in_their_order(samples: int) -> None:
    values = np.arange(3 * samples, dtype=np.int8).reshape(samples, 3)
    labels = [number % 4 for number in range(samples)]
    image = store_image(values, labels, 4, held_out_every=5)
    shape = StoreShape(3, records_for(samples, 5), 4)
    assert len(image) == shape.bytes
    store = open_store(shape, bytearray(image))
    held_out = np.arange(samples) % 5 == 4
    for kind in (False, True):
        kept = store.labelled(kind)
        assert [one.label for one in kept] == [labels[n] for n in np.flatnonzero(held_out == kind)]
        assert np.array_equal(
            np.array([one.values for one in kept]).reshape(-1, 3), values[held_out == kind]
        )


def test_an_image_of_no_sample_or_of_too_few_labels_is_refused() -> None:
    with pytest.raises(ValueError, match="labels: 1 for samples of shape"):
        store_image(np.zeros((2, 3), np.int8), [0], 2, held_out_every=5)
    with pytest.raises(ValueError, match="labels: 0 for samples of shape"):
        store_image(np.zeros((0, 3), np.int8), [], 2, held_out_every=5)
    with pytest.raises(ValueError, match="held_out_every: 1 is not in 2..65535"):
        store_image(np.zeros((2, 3), np.int8), [0, 0], 2, held_out_every=1)
    with pytest.raises(ValueError, match="records: 65534 of 65536 values"):
        StoreShape(65536, 65534, 2)
