"""Training: repeatable, better than chance by far, and nearly as good in integers."""

import numpy as np
import pytest

from tifed.data import load
from tifed.errors import UsageError
from tifed.extractor.architecture import Block, architecture
from tifed.extractor.oracle import extract
from tifed.extractor.quantise import quantise
from tifed.extractor.training import TrainingSettings, train

SETTINGS = TrainingSettings(channels=(8,), features=64, epochs=6)


@pytest.mark.slow
def test_integers_are_as_good_as_floats_on_the_source() -> None:
    digits = load("digits")
    told: list[tuple[int, int]] = []
    trained = train(digits, SETTINGS, watch=lambda done, total, _: told.append((done, total)))
    assert told == [(epoch, 6) for epoch in range(1, 7)]
    made = quantise(trained.network, digits.train.features)
    test = digits.test
    floats = trained.accuracy(trained.network.features(test.features), test.labels)
    integers = trained.accuracy(extract(made.extractor, test.features) * made.scales, test.labels)
    assert floats > 0.85
    assert abs(integers - floats) <= 0.01
    assert made.extractor.input_zero == -128
    again = train(digits, SETTINGS)
    assert np.array_equal(again.weights, trained.weights)


def test_the_architecture_follows_from_the_picture() -> None:
    assert architecture((28, 28, 1), (16,), 200, 5) == (
        Block(16, 5, 2, True),
        Block(8, 5, 0, True),
    )
    assert architecture((32, 20, 1), (8, 16), 200)[-1] == Block(25, 3, 1, True)
    for arguments, message in (
        (((8, 8, 1), (4, 4, 4, 4), 10), "4 blocks leave nothing of 8x8"),
        (((28, 28, 1), (16, 32), 201), "201 is a multiple of none of 2x2, 3x3, 5x5, 7x7"),
        (((28, 28, 1), (), 200), "all must be 1 or more"),
        (((28, 28, 1), (16,), 200, 4), "kernel: 4 is not an odd number"),
    ):
        with pytest.raises(UsageError, match=message):
            architecture(*arguments)


def test_pictures_of_unknown_shape_are_refused() -> None:
    from dataclasses import replace

    flat = replace(load("digits"), image_shape=None)
    with pytest.raises(UsageError, match="input_shape: nothing says what shape"):
        train(flat, SETTINGS)
    with pytest.raises(UsageError, match=r"input_shape: \(8, 9, 1\) is not the 64 values"):
        train(flat, SETTINGS, input_shape=(8, 9, 1))
