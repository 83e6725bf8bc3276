"""What a layer and a network may be, at both ends of each limit, and the numbers that follow."""

from dataclasses import replace
from typing import Any

import pytest

from tifed.errors import UsageError
from tifed.rule.integer import Rounding
from tifed.rule.network import Activation, ErrorKind, Feedback, Layer, Network
from tifed.rule.recipes import Paper, Tuned

INT32 = 2**31 - 1


def layer(**changes: Any) -> Layer:
    fields: dict[str, Any] = {
        "fan_in": 10,
        "fan_out": 5,
        "input_limit": 128,
        "activation": Activation.RELU,
        "rescale_shift": 14,
        "update_shift": 9,
    }
    return Layer(**(fields | changes))


def network(*layers: Layer, **changes: Any) -> Network:
    fields: dict[str, Any] = {
        "error": ErrorKind.MARGIN,
        "error_level": 48,
        "feedback": Feedback.BALANCED,
    }
    return Network(layers, **(fields | changes))


@pytest.mark.parametrize(
    ("field", "low", "high", "others"),
    [
        ("fan_in", 1, 65536, {}),
        ("fan_out", 1, 65536, {}),
        ("input_limit", 1, 128, {}),
        ("rescale_shift", 0, 24, {}),
        ("rescale_factor", 1, 65536, {}),
        ("update_shift", 0, 24, {}),
        ("update_shift", 0, 16, {"update_rounding": Rounding.STOCHASTIC}),
        ("bias_shift", 0, 8, {}),
    ],
)
def test_both_ends_of_a_layers_limits(
    field: str, low: int, high: int, others: dict[str, Any]
) -> None:
    for value in (low, high):
        assert getattr(layer(**others, **{field: value}), field) == value
    for value in (low - 1, high + 1):
        with pytest.raises(UsageError, match=rf"^{field}: {value} is not in {low}\.\.{high}$"):
            layer(**others, **{field: value})


def test_a_divisor_is_two_to_the_thirty_at_most() -> None:
    assert layer(rescale_factor=1 << 16, rescale_shift=14).divisor == 1 << 30
    with pytest.raises(UsageError, match="rescale_factor: a divisor of 1073774592 is not in"):
        layer(rescale_factor=(1 << 15) + 1, rescale_shift=15)


def test_what_a_layer_is_when_only_the_shape_is_given() -> None:
    plain = layer()
    assert (plain.rescale_factor, plain.bias_shift, plain.weight_bits) == (1, 0, 16)
    assert (plain.rescale_rounding, plain.update_rounding) == (Rounding.NEAREST, Rounding.NEAREST)
    bare = network(layer(fan_out=2))
    assert (bare.input_shift, bare.centred) == (0, False)


@pytest.mark.parametrize("rounding", [Rounding.TOWARD_ZERO, Rounding.STOCHASTIC])
def test_sums_are_rounded_to_floor_or_nearest(rounding: Rounding) -> None:
    with pytest.raises(UsageError, match=f"rescale_rounding: {rounding} is not floor or nearest"):
        layer(rescale_rounding=rounding)


@pytest.mark.parametrize(
    ("bits", "accumulator", "bias_bits", "delta_bits"), [(8, 32, 16, 16), (16, 32, 16, 16),
                                                         (32, 64, 32, 32)],
)  # fmt: skip
def test_widths(bits: int, accumulator: int, bias_bits: int, delta_bits: int) -> None:
    it = layer(weight_bits=bits, fan_out=2)
    assert (it.accumulator_bits, it.bias_bits) == (accumulator, bias_bits)
    assert it.bias_bound == 2 ** (bias_bits - 1) - 1
    of = network(it)
    assert (of.delta_bits, of.delta_bound) == (delta_bits, 2 ** (delta_bits - 1) - 1)


@pytest.mark.parametrize(
    ("changes", "weight_bound", "sum_limit", "rescaled_limit"),
    [
        # The weight's type is the limit: 10·128·32767 + 32767 + 2^13, over 2^14.
        ({}, 32767, 41_974_527 + 8192, 2563),
        # The accumulator is: ⌊(2^31 - 1 - 2^13 - (32767 << 6)) / (784·128)⌋.
        ({"fan_in": 784, "bias_shift": 6}, 21378, 2_145_325_056 + 2_097_088 + 8192, 131_069),
        # It is to the last bit: 65535·128·256 + 32767 is 2^31 - 1.
        ({"fan_in": 65535, "rescale_rounding": Rounding.FLOOR}, 256, INT32, 131_072),
        # With an offset of 1 the next larger weight would be past it by one.
        ({"fan_in": 65535, "rescale_shift": 1}, 255, 2_139_095_168, 1_069_547_584),
        # No offset, for sums are rounded down; an odd divisor.
        ({"rescale_rounding": Rounding.FLOOR, "rescale_factor": 3, "rescale_shift": 0},
         32767, 41_974_527, 13_991_509),
        ({"weight_bits": 8}, 127, 162_560 + 32767 + 8192, 13),
        ({"weight_bits": 32}, INT32, 1281 * INT32 + 8192, 167_903_233),
    ],
)  # fmt: skip
def test_bounds_by_hand(
    changes: dict[str, Any], weight_bound: int, sum_limit: int, rescaled_limit: int
) -> None:
    it = layer(**changes)
    assert it.weight_bound == weight_bound
    assert it.sum_limit == sum_limit
    assert it.rescaled_limit == rescaled_limit == -(-sum_limit // it.divisor)


def test_how_far_activations_go() -> None:
    assert {kind.value: kind.limit for kind in Activation} == {
        "pocket-tanh": 128, "relu": 127, "identity": None, "absolute": 127,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"error_level": 0}, r"error_level: 0 is not in 1\.\.127"),
        ({"error_level": 128}, r"error_level: 128 is not in 1\.\.127"),
        ({"input_shift": 2}, "input_shift: 2 is not 0 or 1"),
        ({"input_shift": -1}, "input_shift: -1 is not 0 or 1"),
        ({"centred": True}, "input_shift: a centred int8 sample needs a shift of 1"),
    ],
)
def test_a_networks_constants_have_limits(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        network(layer(fan_out=2), **changes)


def test_constants_at_their_limits_are_taken() -> None:
    for changes in ({"error_level": 1}, {"error_level": 127}, {"input_shift": 1, "centred": True}):
        network(layer(fan_out=2), **changes)


def test_a_layer_takes_all_that_the_one_before_it_gives() -> None:
    tanh, relu = Activation.POCKET_TANH, Activation.RELU
    network(layer(activation=relu), layer(fan_in=5, input_limit=127))
    network(layer(activation=tanh), layer(fan_in=5, input_limit=128))
    with pytest.raises(UsageError, match="layer 1 takes 127 at most, layer 0 gives up to 128"):
        network(layer(activation=tanh), layer(fan_in=5, input_limit=127))
    with pytest.raises(UsageError, match="layer 2 takes 126 at most, layer 1 gives up to 127"):
        network(layer(), layer(fan_in=5), layer(fan_in=5, input_limit=126))
    with pytest.raises(UsageError, match="layer 0 has to take an int8, up to 128"):
        network(layer(input_limit=127))
    with pytest.raises(UsageError, match="layer 0 gives 5 values, layer 1 takes 6"):
        network(layer(), layer(fan_in=6))
    with pytest.raises(UsageError, match="hidden layer 0 needs one that saturates"):
        network(layer(activation=Activation.IDENTITY), layer(fan_in=5))


def test_an_error_that_can_pass_32_bits_on_its_way_back_is_refused() -> None:
    """|e|·C·r with C = 2 and r = 1 may be 2^31 - 1 at most, so |e| has to stay below 2^30."""
    squared: dict[str, Any] = {
        "error": ErrorKind.SQUARED,
        "feedback": Feedback.BALANCED,
        "error_level": 1,
    }
    output = layer(
        fan_in=512,
        fan_out=2,
        activation=Activation.IDENTITY,
        rescale_shift=1,
        rescale_rounding=Rounding.FLOOR,
        bias_shift=1,
    )
    # 512·128·32767 + 2·32767 = 2^31 - 2, halved.
    assert output.rescaled_limit == 2**30 - 1
    with pytest.raises(UsageError, match="error: what reaches a hidden layer of it can pass 32"):
        network(layer(fan_out=512), output, **squared)
    network(layer(fan_out=512), replace(output, bias_shift=0), **squared)
    # A single layer has no way back.
    network(replace(output, input_limit=128), **squared)


def test_sizes_by_hand() -> None:
    it = Tuned().network((6, 5, 4, 3), 1)
    assert it.shape == (6, 5, 4, 3)
    assert (it.features, it.classes, it.depth) == (6, 3, 3)
    assert it.parameter_count == 6 * 5 + 5 + 5 * 4 + 4 + 4 * 3 + 3


def test_how_far_errors_and_deltas_go() -> None:
    paper = Paper(target=16).network((784, 200, 10), 25)
    assert paper.error_limit == 128 + 16
    # r = isqrt(⌊12·32767 / 210⌋) = isqrt(1872) = 43; at the output it is the error itself.
    assert paper.feedback_range(0) == 43
    assert [paper.reached_limit(number) for number in (0, 1)] == [144 * 10 * 43, 144]
    assert [paper.delta_limit(number) for number in (0, 1)] == [32767, 144]
    # 3²·43689 = 393201, just below 12·32767.
    assert Paper().network((1, 43687, 2), 1).feedback_range(0) == 3
    tuned = Tuned().network((64, 20, 20, 10), 10)
    assert tuned.error_limit == 127
    assert [tuned.reached_limit(number) for number in range(3)] == [254, 254, 127]
    assert [tuned.delta_limit(number) for number in range(3)] == [254, 254, 127]
    counted = replace(tuned, error=ErrorKind.SQUARED)
    assert counted.error_limit == tuned.layers[-1].rescaled_limit + 48


@pytest.mark.parametrize(
    ("of", "largest"),
    [
        # Hidden: ⌊(2^31 - 1 - 2^11) / (128·32767)⌋ = 512.
        (Paper().network((784, 200, 10), 25), 512),
        # Hidden: 2^6 < 128, so the weights' gradient is the larger: ⌊(2^31 - 1 - 2^9) / (128·254)⌋.
        (Tuned(update_shifts=(9, 8)).network((784, 200, 10), 10), 66_052),
        # 2^31 - 2^24 is 2^17·128·127: just too much.
        (network(layer(fan_out=2, update_shift=24)), 2**17 - 1),
        # One layer, whose biases count 2^8 times: ⌊(2^31 - 1 - 2^9) / (2^8·127)⌋.
        (network(layer(fan_out=2, bias_shift=8)), 66_052),
        (network(layer(fan_out=2, weight_bits=32)), (2**63 - 1 - 2**9) // (128 * 127)),
    ],
)
def test_the_largest_batch_by_hand(of: Network, largest: int) -> None:
    assert of.largest_batch == largest
