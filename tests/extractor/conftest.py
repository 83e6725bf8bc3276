"""Random extractors, from the file that writes the vectors."""

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from tifed.extractor import Extractor

WRITER = Path(__file__).parents[1] / "vectors" / "write_features.py"


@pytest.fixture(scope="session")
def random_extractor() -> Callable[[int], Extractor]:
    """An extractor from a seed: every kind of layer, odd shapes, constants at their extremes."""
    written: Callable[[int], Extractor] = runpy.run_path(str(WRITER))["random_extractor"]
    return written
