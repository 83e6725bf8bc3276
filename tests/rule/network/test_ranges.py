"""The table of worst cases, row by row, from SPEC 4 by hand."""

from dataclasses import replace

import pytest

from tifed.rule.network import Activation, Network, Range, ranges
from tifed.rule.recipes import Paper, Tuned

SAMPLE = ("sample", -128, 127, 8, "int8 by format")


def table(network: Network, layer: int | None) -> list[tuple[str, int, int, int, str]]:
    rows = [row for row in ranges(network, 4) if row.layer == layer]
    return [(row.quantity, row.low, row.high, row.bits, row.because) for row in rows]


def both(quantity: str, limit: int, bits: int, because: str) -> tuple[str, int, int, int, str]:
    return quantity, -limit, limit, bits, because


def test_pocket_tanh_and_squared_error() -> None:
    network = Paper(inverse_learning_rate=64, target=16).network((6, 5, 3), 4)
    assert table(network, None) == [SAMPLE, ("input", -128, 127, 8, "the sample")]
    assert table(network, 0) == [
        both("weight", 32767, 16, "saturates (SPEC 4)"),
        both("bias", 32767, 16, "saturates (SPEC 4)"),
        both("sum", 6 * 128 * 32767 + 32767, 32, "fan-in · input · weight + bias"),
        both("rescaled sum", 16405, 32, "sum / 1,536"),
        ("activation", -127, 128, 16, "pocket-tanh"),
        # r = isqrt(⌊12·32767 / 8⌋) = 221
        both("reached", 144 * 3 * 221, 32, "error · feedback"),
        both("delta", 32767, 16, "reached / slope, saturates"),
        both("gradient", 4 * 128 * 32767, 32, "4 samples · input · delta"),
        both("bias gradient", 4 * 32767, 32, "4 samples · delta"),
        both("new weight", 32767 + 4 * 128 * 32767 // 64, 32, "before it saturates"),
    ]
    assert table(network, 1)[5:] == [
        both("reached", 144, 32, "output error"),
        both("delta", 144, 16, "reached / slope, saturates"),
        both("gradient", 4 * 128 * 144, 32, "4 samples · input · delta"),
        both("bias gradient", 4 * 144, 32, "4 samples · delta"),
        both("new weight", 32767 + 4 * 128 * 144 // 64, 32, "before it saturates"),
    ]


def test_absolute_value_identity_and_margin_error() -> None:
    network = Tuned().network((6, 5, 3), 4)
    shifts = [layer.update_shift for layer in network.layers]
    assert shifts == [6, 7]
    assert table(network, None) == [SAMPLE, ("input", -128, 127, 8, "(sample - centre) >> 1")]
    assert table(network, 0)[4:] == [
        ("activation", 0, 127, 16, "absolute"),
        both("reached", 254, 32, "error · feedback"),
        both("delta", 254, 16, "reached / slope, saturates"),
        both("gradient", 4 * 128 * 254, 32, "4 samples · input · delta"),
        both("bias gradient", 4 * 254 * 64, 32, "4 samples · delta"),
        both("new weight", 32767 + 4 * 128 * 254 // 64, 32, "before it saturates"),
    ]
    total = 5 * 127 * 32767 + 32767 * 64 + 512
    assert table(network, 1) == [
        both("weight", 32767, 16, "saturates (SPEC 4)"),
        both("bias", 32767, 16, "saturates (SPEC 4)"),
        both("sum", total, 32, "fan-in · input · weight + bias"),
        both("rescaled sum", 22368, 32, "sum / 1,024"),
        both("activation", 22368, 32, "identity"),
        both("reached", 127, 32, "output error"),
        both("delta", 127, 16, "reached / slope, saturates"),
        both("gradient", 4 * 127 * 127, 32, "4 samples · input · delta"),
        both("bias gradient", 4 * 127 * 64, 32, "4 samples · delta"),
        # 64516 / 128 is not whole: a step may be the integer above.
        both("new weight", 32767 + 505, 32, "before it saturates"),
    ]


def test_other_inputs_activations_and_widths() -> None:
    tuned = Tuned(centred=False, activation=Activation.RELU).network((6, 5, 3), 4)
    assert table(tuned, None)[1] == ("input", -128, 127, 8, "sample >> 1")
    assert table(tuned, 0)[4] == ("activation", 0, 127, 16, Activation.RELU.value)
    wide = Paper(weight_bits=32).network((6, 5, 3), 4)
    bits = {row.quantity: row.bits for row in ranges(wide, 4)}
    assert bits == {
        "sample": 8, "input": 8, "weight": 32, "bias": 32, "sum": 64, "rescaled sum": 64,
        "activation": 16, "reached": 32, "delta": 32, "gradient": 64, "bias gradient": 64,
        "new weight": 64,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "fits"),
    [(-128, 127, True), (-129, 127, False), (-128, 128, False), (0, 0, True)],
)
def test_a_range_fits_if_both_ends_do(low: int, high: int, fits: bool) -> None:
    row = Range(None, "sample", low, high, 8, "")
    assert row.fits is fits
    assert replace(row, bits=9).fits
