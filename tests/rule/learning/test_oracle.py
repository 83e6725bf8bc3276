"""The learning rule against sums written out by hand, sample by sample and unit by unit."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tifed.rule.integer import Purpose, Rounding, random32, stream_key
from tifed.rule.learning import LocalWork, classify, feedback_matrices, forward, train
from tifed.rule.learning.oracle import output_error
from tifed.rule.network import Activation, Feedback, Network, Parameters, start_parameters
from tifed.rule.recipes import Paper, Recipe, Tuned

SHAPES = [(6, 3), (6, 5, 3), (6, 5, 4, 2), (6, 5, 4, 3, 7)]
RECIPES: list[Recipe] = [
    Paper(inverse_learning_rate=64),
    Tuned(),
    Tuned(activation=Activation.ABSOLUTE),
    Tuned(feedback=Feedback.OUTPUT_SIGN),
]


def by_hand(
    network: Network,
    parameters: Parameters,
    feedback: tuple[np.ndarray, ...],
    samples: np.ndarray,
    labels: np.ndarray,
    layers: tuple[int, ...],
    shift: int,
) -> Parameters:
    """One mini-batch with floor or nearest updates, in plain Python integers (SPEC 5)."""
    tanh = network.error.value == "squared"
    W = [w.astype(int).tolist() for w in parameters.weights]
    b = [x.astype(int).tolist() for x in parameters.biases]
    G = [[[0] * len(row) for row in w] for w in W]
    g = [[0] * len(x) for x in b]
    for s, y in zip(samples.astype(int).tolist(), labels.tolist(), strict=True):
        a = [(x - int(c)) >> network.input_shift for x, c in zip(s, parameters.centre, strict=True)]
        trace = []
        for number, layer in enumerate(network.layers):
            inputs, out, slopes = a, [], []
            for j in range(layer.fan_out):
                z = sum(x * W[number][i][j] for i, x in enumerate(inputs))
                z += b[number][j] * 2**layer.bias_shift
                v = (z + layer.offset) // layer.divisor
                if tanh:
                    for limit, value, slope in (
                        (-127, -127, 128), (-74, v // 4 - 88, 8), (-31, v - 32, 2), (32, 2 * v, 1),
                        (75, v + 32, 2), (128, v // 4 + 88, 8), (2**40, 128, 128),
                    ):  # fmt: skip
                        if v < limit:
                            break
                elif layer.activation.value == "absolute":
                    value, slope = min(abs(v), 127), (0 < v <= 127) - (-127 <= v < 0)
                elif number < network.depth - 1:
                    value, slope = min(max(v, 0), 127), int(0 < v <= 127)
                else:
                    value, slope = v, 1
                out.append(value)
                slopes.append(slope)
            trace.append((inputs, slopes))
            a = out
        if tanh:
            e = [o - network.error_level * (c == y) for c, o in enumerate(a)]
        else:
            r = max((c for c in range(len(a)) if c != y), key=lambda c: (a[c], -c))
            u = min(max(network.error_level - (a[y] - a[r]), 0), 127)
            e = [u * (c == r) - u * (c == y) for c in range(len(a))]
        for number in layers:
            inputs, slopes = trace[number]
            for j, slope in enumerate(slopes):
                if number == network.depth - 1:
                    reached = e[j]
                elif network.feedback.value == "output-sign" and number == network.depth - 2:
                    signs = [-1 if parameters.weights[-1][j, c] < 0 else 1 for c in range(len(e))]
                    reached = sum(x * s for x, s in zip(e, signs, strict=True))
                else:
                    reached = sum(x * int(feedback[number][c][j]) for c, x in enumerate(e))
                d = min(max(reached // slope, -32767), 32767) if slope else 0
                g[number][j] += d * 2 ** network.layers[number].bias_shift
                for i, x in enumerate(inputs):
                    G[number][i][j] += x * d
    for number in layers:
        layer, s = network.layers[number], network.layers[number].update_shift + shift
        half = (1 << s) // 2 if layer.update_rounding.value == "nearest" else 0
        limit = layer.weight_bound
        for i in range(layer.fan_in):
            for j in range(layer.fan_out):
                w = W[number][i][j] - (G[number][i][j] + half) // 2**s
                W[number][i][j] = min(max(w, -limit), limit)
        b[number] = [
            min(max(x - (y + half) // 2**s, -32767), 32767)
            for x, y in zip(b[number], g[number], strict=True)
        ]
    return Parameters(
        parameters.centre,
        tuple(np.array(w, old.dtype) for w, old in zip(W, parameters.weights, strict=True)),
        tuple(np.array(x, old.dtype) for x, old in zip(b, parameters.biases, strict=True)),
    )


@settings(max_examples=60, deadline=None)
@given(
    shape=st.sampled_from(SHAPES),
    recipe=st.sampled_from(RECIPES),
    seed=st.integers(0, 2**32),
    count=st.integers(1, 5),
    extreme=st.booleans(),
    data=st.data(),
)
def test_a_step_equals_the_sums_by_hand(
    shape: tuple[int, ...],
    recipe: Recipe,
    seed: int,
    count: int,
    extreme: bool,
    data: st.DataObject,
) -> None:
    network = recipe.network(shape, count)
    generator = np.random.default_rng(seed)
    weights, biases = [], []
    for layer in network.layers:
        bound = layer.weight_bound if extreme else layer.weight_bound // 50
        size = (layer.fan_in, layer.fan_out)
        weights.append(generator.integers(-bound, bound + 1, size).astype(np.int16))
        biases.append(generator.integers(-32767, 32768, layer.fan_out).astype(np.int16))
    centre = generator.integers(-128, 128, shape[0]).astype(np.int8) * network.centred
    parameters = Parameters(centre.astype(np.int8), tuple(weights), tuple(biases))
    samples = generator.integers(-128, 128, (count, shape[0])).astype(np.int8)
    labels = generator.integers(0, shape[-1], count).astype(np.int32)
    layers = tuple(sorted(data.draw(st.sets(st.integers(0, len(shape) - 2), min_size=1))))
    shift = data.draw(st.integers(0, 1))
    feedback = feedback_matrices(network, seed)
    work = LocalWork(count, 0, 1, layers, shift)
    trained, statistics = train(network, parameters, feedback, samples, labels, work)
    assert trained == by_hand(network, parameters, feedback, samples, labels, layers, shift)
    assert statistics.visits == count


def test_a_buffer_is_walked_in_mini_batches_the_last_one_smaller() -> None:
    recipe = Paper(inverse_learning_rate=16)
    network = recipe.network((4, 3), 2)
    generator = np.random.default_rng(1)
    samples = generator.integers(-128, 128, (5, 4)).astype(np.int8)
    labels = generator.integers(0, 3, 5).astype(np.int32)
    start = start_parameters(network, (0,), 0)
    whole, statistics = train(network, start, (), samples, labels, LocalWork(2, 0, 6, (0,)))
    parts = start
    for rows in (slice(0, 2), slice(2, 4), slice(4, 5)) * 2:
        one = LocalWork(2, 0, 1, (0,))
        parts, _ = train(network, parts, (), samples[rows], labels[rows], one)
    assert whole == parts
    assert statistics.visits == 10
    halves = start
    for first in (0, 3):
        work = LocalWork(2, first, 3, (0,))
        halves, _ = train(network, halves, (), samples, labels, work)
    assert halves == whole


def test_layers_that_are_not_trained_keep_their_arrays() -> None:
    network = Tuned().network((6, 5, 3), 2)
    parameters = start_parameters(network, (300, 300), 1)
    samples, labels = np.full((2, 6), 90, np.int8), np.array([0, 2], np.int32)
    feedback = feedback_matrices(network, 1)
    trained, _ = train(network, parameters, feedback, samples, labels, LocalWork(2, 0, 9, (1,)))
    assert trained.weights[0] is parameters.weights[0]
    assert (trained.biases[1] != parameters.biases[1]).any()


def test_a_class_that_never_occurs_is_only_pushed_down() -> None:
    network = Tuned().network((6, 3), 2)
    parameters = start_parameters(network, (0,), 1)
    samples = np.random.default_rng(0).integers(-128, 128, (40, 6)).astype(np.int8)
    labels = np.arange(40, dtype=np.int32) % 2
    trained, _ = train(network, parameters, (), samples, labels, LocalWork(2, 0, 400, (0,)))
    assert trained.biases[0][2] < 0
    assert not (classify(network, trained, samples) == 2).all()


def test_margin_error_takes_the_first_of_equal_rivals_and_stops_at_the_margin() -> None:
    network = Tuned(margin=48).network((2, 4), 1)
    output = np.array([[0, 5, 5, 5], [100, 52, 0, 0], [100, 53, 0, 0], [-500, 0, 0, 0]])
    e = output_error(network, output, np.array([2, 0, 0, 0], np.int32))
    assert e.tolist() == [[0, 48, -48, 0], [0, 0, 0, 0], [-1, 1, 0, 0], [-127, 127, 0, 0]]


def test_hidden_deltas_saturate_to_sixteen_bits() -> None:
    recipe = Paper(inverse_learning_rate=1 << 20, target=127)
    network = recipe.network((2, 1, 300), 1)
    feedback = (np.full((300, 1), -36, np.int64),)
    start = start_parameters(network, (0, 0), 0)
    biases = (start.biases[0], np.full(300, 32767, np.int16))
    parameters = Parameters(start.centre, start.weights, biases)
    work = LocalWork(1, 0, 1, (0,))
    samples, labels = np.zeros((1, 2), np.int8), np.zeros(1, np.int32)
    # 32767 // 256 = 127 at every output gives 119: 299·119·36 is far past 32,767.
    output = forward(network, parameters, samples).output
    assert int((output_error(network, output, labels) @ feedback[0])[0, 0]) < -32767
    _, statistics = train(network, parameters, feedback, samples, labels, work)
    assert statistics.clipped_deltas == 1


def test_stochastic_rounding_uses_the_halves_that_the_specification_names() -> None:
    recipe = Tuned(update_rounding=Rounding.STOCHASTIC, update_shifts=(8,), centred=False)
    network = recipe.network((3, 2), 1)
    start = start_parameters(network, (0,), 0)
    samples, labels = np.array([[80, -60, 40]], np.int8), np.array([1], np.int32)
    work = LocalWork(1, 0, 1, (0,), seed=11, device=5, exchange=7)
    trained, _ = train(network, start, (), samples, labels, work)
    key = stream_key(11, Purpose.ROUNDING, 5, 7, 0, 0)
    d = [48, -48]
    expected = []
    for place in range(8):
        number = int(random32(key, place >> 1))
        bits = (number >> 16 if place & 1 else number & 0xFFFF) % 256
        i, j = divmod(place, 2)
        gradient = int(samples[0, i] >> 1) * d[j] if place < 6 else d[j] << 6
        expected.append(-(gradient + bits >> 8))
    assert [*trained.weights[0].ravel(), *trained.biases[0]] == expected
