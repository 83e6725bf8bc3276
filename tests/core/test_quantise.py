"""Readings to int8: Python and C agree at every edge, and on ten million random readings."""

import ctypes
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tifed.data import Quantisation, calibrate
from tifed.data.quantisation.on_device import DeviceMap, device_maps
from tifed.data.quantisation.quantisation import fixed_point

CORE = Path(__file__).parents[2] / "src" / "tifed" / "core"
READINGS = 10_000_000
"""How many random ones are compared: it takes a second."""

LEAST, MOST = -(1 << 31), (1 << 31) - 1
MAP = np.dtype(
    [("bias_high", "i4"), ("bias_low", "u2"), ("multiplier", "u2"), ("shift", "u1")], align=True
)

pytestmark = [
    pytest.mark.slow(2),
    pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc"),
]

InC = Callable[[tuple[DeviceMap, ...], NDArray[np.int32]], NDArray[np.int8]]


class InStruct(ctypes.Structure):
    """``tifed_quantisation``."""

    _fields_ = (
        ("maps", ctypes.c_void_p),
        ("features", ctypes.c_uint32),
        ("shared", ctypes.c_bool),
    )


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The C, compiled."""
    file = tmp_path_factory.mktemp("quantise") / "quantise.so"
    source = CORE / "tifed_quantise.c"
    subprocess.run(
        ["gcc", "-std=c99", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", source, "-o", file],
        check=True,
    )
    return ctypes.CDLL(str(file))


@pytest.fixture(scope="module")
def in_c(library: ctypes.CDLL) -> InC:
    """A function from constants of D features and readings (N, D) to levels (N, D), by the C."""

    def levels(maps: tuple[DeviceMap, ...], readings: NDArray[np.int32]) -> NDArray[np.int8]:
        constants = np.array([tuple(getattr(m, f) for f in MAP.names or ()) for m in maps], MAP)
        count, features = readings.shape
        about = InStruct(constants.ctypes.data, features, len(maps) == 1)
        readings, out = np.ascontiguousarray(readings, np.int32), np.empty(readings.shape, np.int8)
        for row in range(count):
            library.tifed_quantise(
                ctypes.byref(about), ctypes.c_void_p(readings[row:].ctypes.data),
                ctypes.c_void_p(out[row:].ctypes.data),
            )  # fmt: skip
        return out

    return levels


def random_maps(rng: np.random.Generator, count: int) -> Iterator[Quantisation]:
    """Maps of one feature: of all constants that there can be, and as calibration makes them."""
    for number in range(count):
        if number % 2:
            high = int(rng.integers(1, 48))
            yield Quantisation(
                "affine", (0,), (int(rng.integers(0, 1 << int(rng.integers(1, 16)))),),
                (int(rng.integers(-(1 << high - 1), 1 << high - 1)),), (int(rng.integers(0, 32)),),
            )  # fmt: skip
        else:
            middle, width = rng.normal(0, 3), 10.0 ** rng.integers(-8, 1)
            made = calibrate(rng.normal(middle, width, (60, 1)) * 10.0 ** rng.integers(-9, 12))
            yield of_readings(made)


def of_readings(made: Quantisation) -> Quantisation:
    """The same map for readings, which are in its fixed point already."""
    return Quantisation("affine", (0,) * len(made.shift), made.multiplier, made.bias, made.shift)


def around(values: NDArray[Any]) -> NDArray[np.int32]:
    """int32 (N, 1): the values and their neighbours."""
    near: NDArray[Any] = values[:, None] + np.arange(-2, 3)
    limited: NDArray[np.int32] = np.clip(near.ravel(), LEAST, MOST).astype(np.int32)
    return limited[:, None]


def wrong_at(
    found: NDArray[np.int8], expected: NDArray[np.int8], readings: NDArray[np.int32]
) -> Any:
    """The first reading that became something else."""
    differs = np.flatnonzero(found != expected)
    return None if not len(differs) else (readings.ravel()[differs[0]], found.ravel()[differs[0]])


def test_random_readings_become_the_same_levels(in_c: InC) -> None:
    rng = np.random.default_rng(20)
    each = 10_000
    for quantisation in random_maps(rng, -(-READINGS // each)):
        readings = rng.integers(LEAST, MOST + 1, (1, each)).astype(np.int32)
        low, high = device_maps(quantisation)[0].range
        wide = max(abs(high - low), 256)
        # Half of them where levels differ.
        near = np.clip(rng.integers(low - wide, high + wide, each // 2), LEAST, MOST)
        readings[0, ::2] = near.astype(np.int32)
        found = in_c(device_maps(quantisation), readings)
        expected = quantisation.apply(readings)
        assert wrong_at(found, expected, readings) is None, quantisation


def test_every_edge_of_every_level(in_c: InC) -> None:
    """Where a level begins, where halves of a word end, and the ends of int32."""
    for quantisation in random_maps(np.random.default_rng(21), 60):
        one = device_maps(quantisation)[0]
        bias = (one.bias_high << 16) + one.bias_low
        begins = [
            -(-((level << one.shift) - bias) // max(1, one.multiplier))
            for level in range(-129, 130)
        ]
        places = np.concatenate(
            [np.clip(begins, LEAST - 9, MOST + 9), [LEAST, MOST, 0], np.arange(-99, 99) << 16]
        )
        readings = around(places).T
        found, expected = in_c((one,), readings), quantisation.apply(readings)
        assert wrong_at(found, expected, readings) is None, quantisation


@pytest.mark.parametrize("kind", ["identity", "minus-128"])
def test_maps_without_constants_have_their_place(kind: Any, in_c: InC) -> None:
    quantisation = Quantisation(kind)
    readings = np.append(np.arange(-70_000, 70_000), [LEAST, MOST]).astype(np.int32)[None]
    assert np.array_equal(in_c(device_maps(quantisation), readings), quantisation.apply(readings))


def test_the_largest_constants_do_not_overflow(in_c: InC) -> None:
    for bias in (-(1 << 47), (1 << 47) - 1, 1 << 46, -(1 << 46), (1 << 46) + (1 << 39)):
        for multiplier in (0, 1, (1 << 15) - 1):
            for shift in (0, 15, 16, 17, 31):
                quantisation = Quantisation("affine", (0,), (multiplier,), (bias,), (shift,))
                readings = around(np.array([LEAST, MOST, 0, 1 << 16, -(1 << 16)])).T
                found = in_c(device_maps(quantisation), readings)
                assert wrong_at(found, quantisation.apply(readings), readings) is None


def test_the_edges_of_a_maps_range(in_c: InC) -> None:
    for quantisation in random_maps(np.random.default_rng(22), 200):
        one = device_maps(quantisation)[0]
        low, high = one.range
        if one.multiplier and LEAST < low < high < MOST:
            readings = np.array([[low, low + 1, high - 1, high]], np.int32)
            made = in_c((one,), readings)[0].tolist()
            assert made[0] == -128 < made[1]
            assert made[2] < 127 == made[3]


def test_each_feature_has_its_own_constants(in_c: InC) -> None:
    rng = np.random.default_rng(23)
    table = rng.normal(0, 1, (300, 5)) * [1e-6, 1.0, 9.81, 101_325.0, 1e12]
    made = calibrate(table)
    maps = device_maps(made)
    bits = np.array([one.fraction_bits for one in maps])
    readings = fixed_point(table, bits).astype(np.int32)
    assert np.array_equal(in_c(maps, readings), made.apply(table))


def test_integers_are_put_to_fixed_point_as_python_does(library: ctypes.CDLL) -> None:
    library.tifed_fixed_point.argtypes = (ctypes.c_int32, ctypes.c_int)
    numbers = [LEAST, LEAST + 1, MOST, MOST - 1, *range(-40, 41), *(3 << n for n in range(29))]
    numbers += [-number for number in numbers[-29:]]
    for bits in range(-64, 65):
        expected = fixed_point(np.array(numbers), np.array(bits)).tolist()
        assert [library.tifed_fixed_point(number, bits) for number in numbers] == expected
