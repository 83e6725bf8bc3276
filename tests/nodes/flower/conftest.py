"""For tests with Flower's simulation engine."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture
def collected() -> Iterator[None]:
    """Ray's rubbish is collected here, where its warnings are expected."""
    yield
    gc.collect()
