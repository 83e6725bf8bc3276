"""Data sets by name."""

import numpy as np
import pytest

from tifed.data import load, names, options
from tifed.errors import UsageError


def test_digits_need_no_file() -> None:
    dataset = load("digits", download=False)
    assert (len(dataset.train), len(dataset.test)) == (1437, 360)
    assert (dataset.features, dataset.classes, dataset.image_shape) == (64, 10, (8, 8, 1))
    assert (dataset.train.features.min(), dataset.train.features.max()) == (-128, 127)
    assert set(np.diff(np.unique(dataset.train.features.astype(int))).tolist()) == {15, 16}
    # The same on every machine, or seeds stop reproducing published digests.
    assert dataset.digest.startswith("376790edd5b4")


def test_unknown_names_and_options_are_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        load("fashionmnist")
    message = str(caught.value)
    assert "did you mean 'fashion-mnist'?" in message
    assert ".npz, .csv" in message
    assert all(name in message for name in names())
    with pytest.raises(UsageError, match=r"data\.held_out_speaker: .*'digits' has no such"):
        load("digits", held_out_speaker="theo")
    with pytest.raises(UsageError, match="it has label_column, group_column, .*test_fraction"):
        load("mine.csv", labels="x")
    assert options("mnist") == ("only_classes",)
