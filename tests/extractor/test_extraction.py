"""Features of a data set: extracted once, kept by content, made again if a file is damaged."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tifed.data import Dataset, load
from tifed.errors import UsageError
from tifed.extractor import Extractor, MaxPool, extraction
from tifed.extractor.extraction import extracted
from tifed.extractor.float_layers import FloatConvolution, FloatExtractor
from tifed.extractor.oracle import extract
from tifed.extractor.quantise import quantise
from tifed.extractor.shipped import find_extractor, shipped_names


def digits_extractor(seed: int) -> Extractor:
    random = np.random.default_rng(seed)
    weights = random.normal(size=(4, 3, 3, 1)).astype(np.float32)
    layer = FloatConvolution(weights, np.zeros(4, np.float32), 1, 1, relu=True)
    net = FloatExtractor((8, 8, 1), (-128.0,), (1 / 255,), (layer, MaxPool(2, 2)))
    return quantise(net, load("digits").train.features).extractor


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by a number of samples whenever some are extracted."""
    calls: list[int] = []
    real: Callable[..., object] = extraction.extract

    def counting(extractor: Extractor, samples: np.ndarray) -> object:
        calls.append(len(samples))
        return real(extractor, samples)

    monkeypatch.setattr(extraction, "extract", counting)
    return calls


def test_features_take_the_place_of_samples(tmp_path: Path) -> None:
    digits, extractor = load("digits"), digits_extractor(1)
    seen = extracted(digits, extractor, tmp_path)
    assert seen.train.features.tolist() == extract(extractor, digits.train.features).tolist()
    assert seen.test.labels.tolist() == digits.test.labels.tolist()
    assert (seen.features, seen.image_shape) == (64, (4, 4, 4))
    assert seen.class_names == digits.class_names


def test_the_cache_is_by_content_and_checked(tmp_path: Path, counted: list[int]) -> None:
    digits = load("digits")
    first = extracted(digits, digits_extractor(1), tmp_path)
    assert counted == [1437, 360]
    assert extracted(digits, digits_extractor(1), tmp_path).digest == first.digest
    assert len(counted) == 2
    other = extracted(digits, digits_extractor(2), tmp_path)
    fewer = extracted(digits.with_validation(100), digits_extractor(1), tmp_path)
    assert (len(counted), len(fewer.test)) == (6, 100)
    assert other.digest != first.digest
    for path in (tmp_path / "features").iterdir():
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    assert extracted(digits, digits_extractor(1), tmp_path).digest == first.digest
    assert len(counted) == 8
    for path in (tmp_path / "features").iterdir():
        path.write_bytes(b"short")
    assert extracted(digits, digits_extractor(1), tmp_path).digest == first.digest
    assert len(counted) == 10


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    assert extracted(load("digits"), digits_extractor(1), blocked).features == 64


def test_samples_of_another_shape_are_refused(tmp_path: Path) -> None:
    digits: Dataset = load("digits")
    with pytest.raises(UsageError, match=r"extractor: .*28x28x1 = 784 values, .*'digits' has 64"):
        extracted(digits, find_extractor("mnist"), tmp_path)


def test_extractors_that_ship_are_whole_and_found_by_name(tmp_path: Path) -> None:
    assert "mnist" in shipped_names()
    for name in shipped_names():
        extractor = find_extractor(name)
        assert extractor.features == 200
        assert "trained on" in extractor.source
    with pytest.raises(UsageError, match=r"'mnits' is no file .*; choose from .*mnist"):
        find_extractor("mnits")
    with pytest.raises(UsageError, match="no such extractor file"):
        find_extractor(str(tmp_path / "mine.safetensors"))
