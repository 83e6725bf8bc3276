"""The norm of a difference and the bound on it, at the corners of what parameters can be."""

from math import isqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tifed.errors import UsageError
from tifed.rule.learning import LARGEST_CLIP, check_clip, clipped, norm_of
from tifed.rule.learning.clipping import largest_squares
from tifed.rule.network import Parameters
from tifed.rule.recipes import Paper, Tuned

CENTRE = np.zeros(3, np.int8)


def parameters(weight: list[list[int]], bias: list[int], dtype: type = np.int16) -> Parameters:
    """One layer."""
    return Parameters(CENTRE, (np.array(weight, dtype),), (np.array(bias, np.int16),))


def squares(sent: Parameters, trained: Parameters) -> int:
    """Sum of squares of all that differs, in Python's integers."""
    return sum(
        (int(after) - int(before)) ** 2
        for (_, first), (_, last) in zip(sent.named, trained.named, strict=True)
        for before, after in zip(first.ravel(), last.ravel(), strict=True)
    )


def test_what_is_within_the_bound_stays_as_it_is() -> None:
    sent, trained = parameters([[1, 2]], [3, 4]), parameters([[4, 2]], [3, 8])
    same, norm = clipped(sent, trained, (0,), 5)
    assert same is trained
    assert norm == 5


def test_what_is_beyond_the_bound_is_scaled_down_and_truncated() -> None:
    sent, trained = parameters([[0, 10]], [0, -5]), parameters([[30, 10]], [0, -45])
    after, norm = clipped(sent, trained, (0,), 21)
    assert norm == 50
    # 30 * 21 / 50 = 12.6, and -40 * 21 / 50 = -16.8: towards nothing.
    assert after.weights[0].tolist() == [[12, 10]]
    assert after.biases[0].tolist() == [0, -21]
    assert (after.weights[0].dtype, after.biases[0].dtype) == (np.int16, np.int16)


def test_a_norm_is_rounded_up_so_that_just_beyond_the_bound_is_beyond() -> None:
    sent, trained = parameters([[0, 0]], [0, 0]), parameters([[5, 1]], [0, 0])
    after, norm = clipped(sent, trained, (0,), 5)
    assert norm == 6
    assert after.weights[0].tolist() == [[4, 0]]


def test_only_the_layers_that_were_trained_count() -> None:
    first, last = np.array([[7]], np.int8), np.array([[1000]], np.int16)
    zero = np.zeros(1, np.int16)
    sent = Parameters(CENTRE, (np.array([[1]], np.int8), np.array([[0]], np.int16)), (zero, zero))
    trained = Parameters(CENTRE, (first, last), (zero + 9, zero + 9))
    after, norm = clipped(sent, trained, (0,), 1)
    assert norm == 11  # of 6 and 9
    assert after.weights[0].tolist() == [[1]]
    assert after.weights[1] is last


PAIRS = st.sampled_from([(np.int8, 127), (np.int16, 32767)]).flatmap(
    lambda kind: st.tuples(
        *(
            arrays(
                kind[0],
                (3, 2),
                elements=st.one_of(
                    st.sampled_from([-kind[1], 0, kind[1]]), st.integers(-kind[1], kind[1])
                ),
            )
            for _ in range(2)
        ),
        *(
            arrays(np.int16, (2,), elements=st.sampled_from([-32767, -1, 0, 1, 32767]))
            for _ in range(2)
        ),
    )
)


@given(PAIRS, st.one_of(st.sampled_from([1, 2, LARGEST_CLIP]), st.integers(1, 200_000)))
def test_no_difference_is_longer_than_the_bound(
    pair: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray], clip: int
) -> None:
    sent = Parameters(CENTRE, (pair[0],), (pair[2],))
    trained = Parameters(CENTRE, (pair[1],), (pair[3],))
    before = squares(sent, trained)
    after, norm = clipped(sent, trained, (0,), clip)
    assert (norm - 1) ** 2 < before <= norm**2 or before == norm == 0
    assert squares(sent, after) <= min(before, clip**2)
    for was, now, wanted in zip(
        (sent.weights[0], sent.biases[0]),
        (after.weights[0], after.biases[0]),
        (trained.weights[0], trained.biases[0]),
        strict=True,
    ):
        between = (np.minimum(was, wanted) <= now) & (now <= np.maximum(was, wanted))
        assert between.all()
        assert now.dtype == wanted.dtype
        for was_one, now_one, end in zip(
            *(a.ravel().tolist() for a in (was, now, wanted)), strict=True
        ):
            far = abs(end - was_one) if norm <= clip else abs(end - was_one) * clip // norm
            assert now_one == was_one + (far if was_one < end else -far)


@given(st.integers(0, 1 << 63))
def test_norms_are_square_roots_rounded_up(number: int) -> None:
    root = isqrt(number)
    assert norm_of(number) == (root if root * root == number else root + 1)


def test_bounds_and_networks_that_do_not_fit_are_refused() -> None:
    network = Tuned().network((4, 3, 2), 1)
    check_clip(network, 0)
    check_clip(network, LARGEST_CLIP)
    for clip in (-1, LARGEST_CLIP + 1):
        with pytest.raises(UsageError, match=rf"^clip: {clip} is not in 0\.\.4294967295"):
            check_clip(network, clip)


def test_weights_of_32_bits_cannot_be_clipped() -> None:
    wide = Paper(weight_bits=32).network((4, 3, 2), 1)
    check_clip(wide, 0)
    assert largest_squares(wide) >= 1 << 63
    with pytest.raises(UsageError, match=r"^clip: the sum of squares .* 63 bits"):
        check_clip(wide, 1)


def test_the_largest_sum_of_squares_is_that_of_opposite_corners() -> None:
    network = Tuned().network((4, 3, 2), 1)
    corners = [
        Parameters(
            np.zeros(4, np.int8),
            tuple(
                np.full((layer.fan_in, layer.fan_out), sign * layer.weight_bound, np.int16)
                for layer in network.layers
            ),
            tuple(
                np.full(layer.fan_out, sign * layer.bias_bound, np.int16)
                for layer in network.layers
            ),
        )
        for sign in (-1, 1)
    ]
    assert largest_squares(network) == squares(*corners)
