"""Shift copies by the letter of the specification."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tifed.rule.integer import Purpose, random32, stream_key
from tifed.rule.learning import LocalWork, Statistics, feedback_matrices, oracle
from tifed.rule.learning.pixel_shifts import SHIFTS, chosen_copies, shifted, visited
from tifed.rule.recipes import RECIPES

NEIGHBOURS = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))
"""Where the pixel (y, x) of each copy comes from, as SPEC 15.1 has it."""


@settings(deadline=None)
@given(
    shape=st.tuples(st.integers(1, 6), st.integers(1, 6), st.sampled_from([1, 2, 3])),
    seed=st.integers(0, 1 << 32),
)
def test_each_pixel_of_a_copy_is_its_neighbour_or_empty(
    shape: tuple[int, int, int], seed: int
) -> None:
    height, width, _ = shape
    pictures = np.random.default_rng(seed).integers(-128, 128, (3, *shape)).astype(np.int8)
    assert len(SHIFTS) == len(NEIGHBOURS)
    for copy, (down, right) in enumerate(NEIGHBOURS):
        made = shifted(pictures.reshape(3, -1), shape, copy).reshape(pictures.shape)
        assert made.dtype == np.int8
        for y in range(height):
            for x in range(width):
                inside = 0 <= y + down < height and 0 <= x + right < width
                expected = pictures[:, y + down, x + right] if inside else -128
                assert (made[:, y, x] == expected).all()


def test_a_picture_moved_left_loses_its_first_column() -> None:
    picture = np.array([[1, 2, 3, 4, 5, 6]], np.int8)
    assert shifted(picture, (2, 3, 1), 0).tolist() == [[1, 2, 3, 4, 5, 6]]
    assert shifted(picture, (2, 3, 1), 1).tolist() == [[2, 3, -128, 5, 6, -128]]
    assert shifted(picture, (2, 3, 1), 2).tolist() == [[-128, 1, 2, -128, 4, 5]]
    assert shifted(picture, (2, 3, 1), 3).tolist() == [[4, 5, 6, -128, -128, -128]]
    assert shifted(picture, (2, 3, 1), 4).tolist() == [[-128, -128, -128, 1, 2, 3]]


@pytest.mark.parametrize("visit", [0, 7, (1 << 32) // 6])
def test_the_copy_is_the_one_that_the_specification_names(visit: int) -> None:
    key = stream_key(11, Purpose.COPY, 3, 9)
    chosen = chosen_copies(11, 3, 9, visit, 6, 5)
    for place in range(6):
        number = int(random32(key, (visit * 6 + place) % (1 << 32)))
        assert chosen[place] == number * 5 >> 32


def test_every_copy_comes_about_as_often_and_not_in_the_same_places() -> None:
    chosen = np.array([chosen_copies(1, 0, 0, visit, 200, 5) for visit in range(50)])
    counts = np.bincount(chosen.ravel(), minlength=5)
    assert counts.sum() == 10_000
    assert (abs(counts - 2000) < 200).all()
    for other in (
        chosen_copies(2, 0, 0, 0, 200, 5), chosen_copies(1, 1, 0, 0, 200, 5),
        chosen_copies(1, 0, 1, 0, 200, 5), chosen[1],
    ):  # fmt: skip
        assert (other != chosen[0]).any()


def test_training_is_one_visit_after_the_other() -> None:
    """Of each visit a buffer without copies, whose steps are numbered on."""
    rng = np.random.default_rng(4)
    network = RECIPES["tuned"]().network((12, 6, 3), 4)
    parameters = RECIPES["tuned"]().start_parameters(network, 1)
    feedback = feedback_matrices(network, 1)
    copies = rng.integers(-128, 128, (5, 10, 12)).astype(np.int8)
    labels = rng.integers(0, 3, 10).astype(np.int32)

    def work(first_step: int, steps: int) -> LocalWork:
        return LocalWork(4, first_step, steps, (0, 1), seed=8, device=2, exchange=5)

    # Steps 2 to 10 of a buffer of three mini-batches: a part of a visit, two whole ones, a part.
    at_once, counted = oracle.train(network, parameters, feedback, copies, labels, work(2, 9))
    step_by_step, added = parameters, Statistics()
    for first, steps, visit in ((2, 1, 0), (3, 3, 1), (6, 3, 2), (9, 2, 3)):
        seen = visited(copies, 8, 2, 5, visit)
        assert seen.shape == (10, 12)
        step_by_step, more = oracle.train(
            network, step_by_step, feedback, seen, labels, work(first, steps)
        )
        added += more
    assert step_by_step == at_once
    assert added == counted
    unmoved, _ = oracle.train(network, parameters, feedback, copies[0], labels, work(2, 9))
    assert unmoved != at_once
