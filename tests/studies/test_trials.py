"""A sweep gives every trial's outcome, runs each identity once, and caches at once."""

from functools import partial
from pathlib import Path

import pytest

from tifed.studies import SweepProgress, Trial, sweep


def append(path: Path, number: int) -> int:
    """Leave a line for every call, from whatever process."""
    with path.open("a") as file:
        file.write(f"{number}\n")
    return number * number


def trials(path: Path, *numbers: int) -> list[Trial[int]]:
    return [Trial(f"trial {n}", f"identity {n}", partial(append, path, n)) for n in numbers]


@pytest.mark.parametrize("jobs", [None, 1, 2])
def test_each_identity_is_run_once_and_every_trial_has_its_outcome(
    tmp_path: Path, jobs: int | None
) -> None:
    path = tmp_path / "calls"
    assert sweep(trials(path, 3, 1, 3, 2), {"identity 1": 100}, jobs=jobs) == [9, 100, 9, 4]
    assert sorted(path.read_text().split()) == ["2", "3"]


def test_an_outcome_is_cached_before_anybody_is_told(tmp_path: Path) -> None:
    cache = {"identity 2": 4}
    seen: list[SweepProgress[int]] = []

    def stop(progress: SweepProgress[int]) -> None:
        seen.append(progress)
        assert len(cache) == progress.done
        if progress.trial is not None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(trials(tmp_path / "calls", 1, 2, 3), cache, watch=stop)
    assert cache == {"identity 2": 4, "identity 1": 1}
    first, second = seen
    assert (first.done, first.total, first.cached, first.outcome) == (1, 3, 1, None)
    assert (second.done, second.cached, second.outcome) == (2, 1, 1)
    assert second.trial is not None
    assert second.trial.name == "trial 1"
