import numpy as np
import pytest

from tifed.errors import UsageError
from tifed.native.choice import ENGINES, engine
from tifed.rule.learning import LocalWork, oracle
from tifed.rule.network import Parameters, start_parameters
from tifed.rule.recipes import Tuned


def test_an_engine_by_its_name() -> None:
    assert engine("oracle").train is oracle.train
    assert engine("oracle").classify is oracle.classify
    assert list(ENGINES) == ["oracle", "native"]


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(UsageError, match="engine: 'gpu' is not one of oracle, native"):
        engine("gpu")


def test_work_that_only_says_how_much() -> None:
    assert LocalWork(1, 0, 2, (0,)) == LocalWork(1, 0, 2, (0,), 0, 0, 0, 0)


def test_counts_of_a_step() -> None:
    """Two of three samples are missed; outputs are equal at first, so class 0 is said."""
    network = Tuned(centred=False).network((4, 3), 3)
    start = start_parameters(network, (0,), 1)
    samples = np.full((3, 4), 50, np.int8)
    labels = np.array([0, 1, 2], np.int32)
    _, counted = oracle.train(network, start, (), samples, labels, LocalWork(3, 0, 2, (0,)))
    assert counted.visits == 6
    _, once = oracle.train(network, start, (), samples, labels, LocalWork(3, 0, 1, (0,)))
    assert (once.visits, once.missed) == (3, 2)
    assert (once.clipped_deltas, once.clipped_parameters) == (0, 0)


def test_the_class_is_the_first_of_the_largest_outputs() -> None:
    network = Tuned(centred=False).network((4, 5), 3)
    start = start_parameters(network, (0,), 1)
    for biases, expected in (
        ([0, 0, 0, 0, 0], 0),
        ([-9000, 7000, 9000, 9000, 8000], 2),
        ([-9000, -7000, -8000, -9000, -6999], 1),
    ):
        given = Parameters(start.centre, start.weights, (np.array(biases, np.int16),))
        found = oracle.classify(network, given, np.zeros((2, 4), np.int8))
        assert found.tolist() == [expected] * 2
        assert found.dtype == np.int32
