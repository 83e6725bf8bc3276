"""Feature extraction in C, the device's and the host's, against the oracle."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tifed.errors import UsageError
from tifed.extractor import Dense, Extractor, oracle
from tifed.extractor.memory import extractor_memory
from tifed.extractor.native import DEVICE_EXTRACTION, _compiled, extract, extraction_kernels
from tifed.native import _native

WRITER = Path(__file__).parents[1] / "vectors" / "write_features.py"
random_extractor: Callable[[int], Extractor] = runpy.run_path(str(WRITER))["random_extractor"]


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 1 << 40),
    kernel=st.sampled_from([*extraction_kernels(), DEVICE_EXTRACTION]),
    threads=st.integers(1, 3),
)
def test_every_kernel_equals_the_oracle(seed: int, kernel: str, threads: int) -> None:
    extractor = random_extractor(seed)
    rng = np.random.default_rng(seed)
    samples = rng.integers(-128, 128, (rng.integers(20), extractor.input_features)).astype(np.int8)
    if seed % 2:
        samples = rng.choice([-128, 127], samples.shape).astype(np.int8)
    wanted = oracle.extract(extractor, samples)
    np.testing.assert_array_equal(extract(extractor, samples, kernel, threads), wanted)
    out = np.zeros_like(wanted)
    assert extract(extractor, samples, out=out) is out
    np.testing.assert_array_equal(out, wanted)


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 1 << 40))
def test_memory_is_what_the_core_asks_for(seed: int) -> None:
    extractor = random_extractor(seed)
    assert _compiled(extractor, DEVICE_EXTRACTION).memory == extractor_memory(extractor).total


def dense(outputs: int, inputs: int) -> Dense:
    constants = np.zeros(outputs, np.int32), np.zeros(outputs, np.uint8)
    return Dense(np.ones((outputs, inputs), np.int8), *constants)


def test_wrong_arguments_are_named() -> None:
    extractor = Extractor((2, 3, 1), 0, (dense(2, 6),))
    samples = np.zeros((4, 6), np.int8)
    with pytest.raises(UsageError, match="kernel: 'abacus' is not one of portable"):
        extract(extractor, samples, "abacus")
    with pytest.raises(UsageError, match=r"samples: shape \(4, 5\) is not \(any, 6\)"):
        extract(extractor, np.zeros((4, 5), np.int8))
    with pytest.raises(UsageError, match="samples: uint8 is not int8"):
        extract(extractor, samples.astype(np.uint8))
    with pytest.raises(UsageError, match="samples: is not contiguous"):
        extract(extractor, np.zeros((4, 12), np.int8)[:, ::2])
    with pytest.raises(UsageError, match="threads: 0 is not in 1..4096"):
        extract(extractor, samples, threads=0)
    with pytest.raises(UsageError, match=r"out: shape \(4, 3\) is not \(4, 2\)"):
        extract(extractor, samples, out=np.zeros((4, 3), np.int8))


def test_the_extension_itself_cannot_be_made_to_read_past_an_array() -> None:
    """What memory safety rests on is checked in C++ as well."""
    fields: dict[str, Any] = {
        "units": 4, "kernel_height": 1, "kernel_width": 1, "stride": 1, "padding": 0, "relu": True,
    }  # fmt: skip

    def layer(**changes: Any) -> _native.FeatureLayer:
        return _native.FeatureLayer(**fields | changes)

    for wrong, message in (
        ({"units": 1 << 16}, "units: not a whole number"),
        ({"units": -1}, "units: not a whole number"),
        ({"depth": 1}, "one is given that there is not"),
    ):
        with pytest.raises(ValueError, match=message):
            layer(**wrong)
    with pytest.raises(ValueError, match="relu: is missing"):
        _native.FeatureLayer(**{name: fields[name] for name in fields if name != "relu"})
    good: dict[str, Any] = {
        "shape": [1, 1, 4], "zero": 0, "layers": [layer()],
        "quads": [np.zeros(9, np.uint32)], "kernel": "device",
    }  # fmt: skip
    made = _native.Extractor(**good)
    with pytest.raises(ValueError, match="out: another shape"):
        made.extract(np.zeros((2, 4), np.int8), np.zeros((1, 4), np.int8), 1)
    with pytest.raises(ValueError, match="samples: not as long"):
        made.extract(np.zeros((2, 3), np.int8), np.zeros((2, 4), np.int8), 1)
    for name, value, message in (
        ("shape", [1, 1, 5000], "input: a side"),
        ("shape", [1, 1], "three sides"),
        ("layers", [], "layers: 1 to 32 of them"),
        ("layers", [layer(kernel_height=2)], "do not fit together"),
        ("layers", [layer(units=5)], "another length"),
        ("quads", [np.zeros(8, np.uint32)], "another length"),
        ("quads", [np.full(9, 1 << 31, np.uint32)], "a sum could pass 32 bits"),
        ("quads", [np.full(9, 25, np.uint32)], "a sum could pass 32 bits"),
        ("quads", [], "as many arrays"),
        ("kernel", "abacus", "kernel: not one"),
    ):
        with pytest.raises(ValueError, match=message):
            _native.Extractor(**{**good, name: value})
