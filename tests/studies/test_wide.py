"""The wide engine equals the oracle, at the ends of its range as well."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tifed.errors import UsageError
from tifed.rule.learning import LocalWork, feedback_matrices
from tifed.rule.learning.engine import Oracle
from tifed.rule.network import Network, Parameters
from tifed.rule.recipes import Paper, Tuned
from tifed.studies.wide import Wide


def some_parameters(network: Network, generator: np.random.Generator, reach: int) -> Parameters:
    """Random wide weights in ±reach."""
    return Parameters(
        np.zeros(network.features, np.int8),
        tuple(
            generator.integers(-reach, reach, (one.fan_in, one.fan_out), endpoint=True).astype(
                np.int32
            )
            for one in network.layers
        ),
        tuple(
            generator.integers(-reach, reach, one.fan_out, endpoint=True).astype(np.int32)
            for one in network.layers
        ),
    )


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1 << 30),
    reach=st.sampled_from([0, 300, 1 << 17, (1 << 31) - 1]),
    shape=st.sampled_from([(7, 3), (9, 6, 4), (30, 8, 5, 3)]),
    shift=st.sampled_from([0, 4, 11]),
    batch=st.integers(1, 6),
    first_step=st.integers(0, 3),
    steps=st.integers(0, 5),
    copies=st.sampled_from([(), (5,)]),
)
def test_it_equals_the_oracle(
    seed: int, reach: int, shape: tuple[int, ...], shift: int, batch: int, first_step: int,
    steps: int, copies: tuple[int, ...],
) -> None:  # fmt: skip
    network = Paper(inverse_learning_rate=1 << shift, weight_bits=32).network(shape, batch)
    generator = np.random.default_rng(seed)
    parameters = some_parameters(network, generator, reach)
    samples = generator.integers(-128, 128, (*copies, 10, shape[0])).astype(np.int8)
    labels = generator.integers(0, shape[-1], 10).astype(np.int32)
    layers = tuple(np.flatnonzero(generator.integers(0, 2, network.depth)).tolist())
    work = LocalWork(batch, first_step, steps, layers, extra_shift=int(generator.integers(0, 2)))
    feedback = feedback_matrices(network, seed)
    trained, counted = Wide().train(network, parameters, feedback, samples, labels, work)
    expected, counts = Oracle.train(network, parameters, feedback, samples, labels, work)
    assert trained.digest == expected.digest
    assert counted == counts
    seen = samples.reshape(-1, shape[0])
    np.testing.assert_array_equal(
        Wide().classify(network, trained, seen), Oracle.classify(network, trained, seen)
    )


def test_saturation_is_counted_as_the_oracle_counts_it() -> None:
    network = Paper(inverse_learning_rate=1, weight_bits=32).network((6, 4, 3), 5)
    samples = np.full((5, 6), -128, np.int8)
    labels = np.zeros(5, np.int32)
    feedback = feedback_matrices(network, 1)
    bound = network.layers[0].weight_bound
    clipped = 0
    for sign, layers in product((-1, 1), ((0,), (1,), (0, 1))):
        parameters = Parameters(
            np.zeros(6, np.int8),
            tuple(np.full((n.fan_in, n.fan_out), sign * bound, np.int32) for n in network.layers),
            tuple(np.full(n.fan_out, sign * n.bias_bound, np.int32) for n in network.layers),
        )
        work = LocalWork(5, 0, 2, layers)
        trained, counted = Wide().train(network, parameters, feedback, samples, labels, work)
        expected, counts = Oracle.train(network, parameters, feedback, samples, labels, work)
        assert trained.digest == expected.digest
        assert counted == counts
        clipped += counted.clipped_parameters
    assert clipped > 0


def test_it_refuses_what_it_could_not_do_exactly() -> None:
    network = Paper(weight_bits=32).network((60_000, 2), 1)
    assert network.layers[0].sum_limit >= 1 << 53
    parameters = Parameters(
        np.zeros(60_000, np.int8), (np.zeros((60_000, 2), np.int32),), (np.zeros(2, np.int32),)
    )
    with pytest.raises(UsageError, match=r"2\*\*53"):
        Wide().classify(network, parameters, np.zeros((1, 60_000), np.int8))


def test_it_refuses_other_arithmetic() -> None:
    network = Tuned().network((5, 4, 3), 2)
    parameters = Parameters(
        np.zeros(5, np.int8),
        (np.zeros((5, 4), np.int16), np.zeros((4, 3), np.int16)),
        (np.zeros(4, np.int16), np.zeros(3, np.int16)),
    )
    with pytest.raises(UsageError, match="nearest and absolute is not the published"):
        Wide().classify(network, parameters, np.zeros((1, 5), np.int8))
