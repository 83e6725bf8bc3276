"""Samples and data sets check themselves; digests notice every change; validation is fair."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tifed.data import Dataset, Samples
from tifed.errors import UsageError


def samples(count: int, *, groups: bool = False) -> Samples:
    place = np.arange(count)
    return Samples(
        (place[:, None] * [1, 3] % 256 - 128).astype(np.int8),
        (place % 5).astype(np.int32),
        (place // 5 % 2).astype(np.int32) if groups else None,
    )


def dataset(**changes: Any) -> Dataset:
    fields: dict[str, Any] = {
        "name": "small",
        "train": samples(100),
        "test": samples(10),
        "class_names": ("a", "b", "c", "d", "e"),
    }
    return Dataset(**(fields | changes))


def test_samples_are_read_only_but_their_origin_is_not() -> None:
    origin = np.zeros((3, 2), np.int8)
    held = Samples(origin, np.zeros(3, np.int32))
    with pytest.raises(ValueError, match="read-only"):
        held.features[0, 0] = 1
    origin[0, 0] = 1
    assert not held.labels.flags.writeable
    fortran = Samples(np.asfortranarray(samples(4).features), np.zeros(4, np.int32))
    assert fortran.features.flags.c_contiguous


@pytest.mark.parametrize(
    ("features", "labels", "groups", "message"),
    [
        (np.zeros((2, 2)), np.zeros(2, np.int32), None, "features: must be int8 .* quantise them"),
        (np.zeros(2, np.int8), np.zeros(2, np.int32), None, "features: must be int8"),
        (np.zeros((2, 2), np.int8), np.zeros(2), None, r"labels: must be int32 of shape \(2,\)"),
        (np.zeros((2, 2), np.int8), np.zeros(3, np.int32), None, r"labels: .* not int32 of .*3"),
        (np.zeros((1, 2), np.int8), np.array([-1], np.int32), None, "labels: -1 is negative"),
        (np.zeros((1, 2), np.int8), np.zeros(1, np.int32), np.zeros(1), "groups: must be int32"),
    ],
)
def test_samples_refuse(features: Any, labels: Any, groups: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Samples(features, labels, groups)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": samples(0)}, "train: has no samples"),
        ({"test": samples(0)}, "test: has no samples"),
        ({"class_names": ("a", "b")}, r"train labels: 4 is not in 0\.\.1; there are 2 class"),
        ({"group_names": ("x", "y")}, "train groups: groups and group_names go together"),
        ({"image_shape": (2, 2, 1)}, r"image_shape: \(2, 2, 1\) is not 2 features"),
        (
            {"test": Samples(np.zeros((1, 3), np.int8), np.zeros(1, np.int32))},
            "test: has 3 features where the training samples have 2",
        ),
        (
            {
                "train": samples(9, groups=True),
                "test": samples(9, groups=True),
                "group_names": ("x",),
            },
            r"groups: 1 is not in 0\.\.0",
        ),
    ],
)
def test_a_dataset_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        dataset(**changes)


def test_the_digest_notices_any_change_of_samples_and_nothing_else() -> None:
    digest = dataset().digest
    assert digest == dataset(name="other", class_names=tuple("vwxyz")).digest
    features = samples(100).features.copy()
    features[50, 1] ^= 1
    assert digest != dataset(train=replace(samples(100), features=features)).digest
    assert digest != dataset(train=samples(100).take(np.arange(100)[::-1])).digest
    assert len(digest) == 64


def test_validation_is_carved_from_training_for_each_group_and_class() -> None:
    whole = dataset(
        train=samples(100, groups=True), test=samples(10, groups=True), group_names=("x", "y")
    )
    fold = whole.with_validation(20, seed=1)
    assert (len(fold.train), len(fold.test)) == (80, 20)
    assert fold.test.groups is not None
    pairs = fold.test.groups * 5 + fold.test.labels
    assert np.bincount(pairs, minlength=10).tolist() == [2] * 10
    rows = np.vstack([fold.train.features, fold.test.features])
    assert len(np.unique(rows, axis=0)) == 100
    assert fold.digest == whole.with_validation(20, seed=1).digest
    assert fold.digest != whole.with_validation(20, seed=2).digest
    # What is left keeps its order.
    assert np.array_equal(fold.train.features[:, 0], np.sort(fold.train.features[:, 0]))


@pytest.mark.parametrize("count", [0, 100, -3])
def test_validation_must_leave_samples_to_train_on(count: int) -> None:
    with pytest.raises(UsageError, match=r"count: cannot take .* of 100 samples; choose 1\.\.99"):
        dataset().with_validation(count)


def test_some_classes_alone_are_numbered_anew() -> None:
    some = dataset().of_classes([4, 1])
    assert (some.class_names, some.classes) == (("e", "b"), 2)
    assert (len(some.train), len(some.test)) == (40, 4)
    whole = dataset().train
    assert some.train.features.tolist() == whole.features[np.isin(whole.labels, [1, 4])].tolist()
    assert some.train.labels.tolist() == [1, 0] * 20
    for wrong in ([1], [1, 1], [1, 5], [-1, 2]):
        with pytest.raises(UsageError, match=r"only_classes: .*different classes of 0\.\.4"):
            dataset().of_classes(wrong)
