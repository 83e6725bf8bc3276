"""For tests with Flower's simulation engine, and tests that all of its ways give one digest."""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture
def collected() -> Iterator[None]:
    """Ray's rubbish is collected here, where its warnings are expected."""
    yield
    gc.collect()


@pytest.fixture
def three_rounds() -> list[str]:
    """Overrides; in the third round a device has used all of its 180 samples and begins again."""
    return ["rounds=3", "buffer=80", "evaluate_every=2"]


@pytest.fixture
def assert_same_files() -> Callable[..., None]:
    """Asserts that what the runs in some folders measured is the same, to the last digit."""

    def check(*folders: Path) -> None:
        for file in ("metrics.csv", "details.json"):
            assert len({(folder / file).read_text() for folder in folders}) == 1

    return check
