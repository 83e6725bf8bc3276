import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tifed.rule.learning import feedback_matrices
from tifed.rule.learning.feedback import output_sign
from tifed.rule.recipes import Paper, Tuned


@given(classes=st.integers(2, 41), units=st.integers(1, 20), seed=st.integers(0, 2**64 - 1))
def test_balanced_feedback_has_as_many_of_each_sign_as_it_can(
    classes: int, units: int, seed: int
) -> None:
    (signs,) = feedback_matrices(Tuned().network((3, units, classes), 1), seed)
    assert signs.shape == (classes, units)
    assert set(np.unique(signs)) <= {-1, 1}
    plus = (signs == 1).sum(axis=0)
    assert (plus == [(classes + unit % 2) // 2 for unit in range(units)]).all()


def test_uniform_feedback_has_the_published_range() -> None:
    network = Paper().network((784, 200, 10), 25)
    assert network.feedback_range(0) == 43
    (B,) = feedback_matrices(network, 1)
    assert B.shape == (10, 200)
    assert (B.min(), B.max()) == (-43, 42)


def test_matrices_differ_by_layer_and_seed_and_not_otherwise() -> None:
    network = Tuned().network((5, 64, 64, 10), 1)
    first, second = feedback_matrices(network, 1)
    again, _ = feedback_matrices(network, 1)
    other, _ = feedback_matrices(network, 2)
    np.testing.assert_array_equal(first, again)
    assert (first != second).any()
    assert (first != other).any()


def test_the_sign_of_a_zero_weight_is_plus() -> None:
    assert output_sign(np.array([[-3, 0], [4, -1]])).tolist() == [[-1, 1], [1, -1]]
