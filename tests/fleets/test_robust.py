"""Bounds on devices' updates, medians and trimmed means are the same wherever devices are."""

from typing import Any

import pytest

EXPERIMENT: dict[str, Any] = {"dataset": "digits", "devices": 4, "rounds": 5, "seed": 3}
CHOICES: list[dict[str, Any]] = [
    {"robust": {"clip": 1}},
    {"robust": {"clip": 0.5}, "recipe": "paper"},
    {"robust": {"clip": 1}, "recipe_settings": {"weight_bits": 8}, "average_every": "epoch"},
    {"robust": {"clip": 1}, "mode": "single-layer"},
    {"robust": {"aggregate": "median"}},
    {"robust": {"aggregate": "trimmed", "trim": 0.25, "clip": 1.5}, "mode": "single-layer"},
]


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_every_engine_has_one_digest(simulated: Any, choice: dict[str, Any]) -> None:
    settings = EXPERIMENT | choice
    native, oracle = (simulated(**settings, engine=name) for name in ("native", "oracle"))
    assert native == oracle
    without = {name: value for name, value in settings.items() if name != "robust"}
    assert native.digest != simulated(**without).digest


@pytest.mark.slow(30)
@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_boards_have_the_simulators_digest(
    emulated: Any, simulated: Any, choice: dict[str, Any]
) -> None:
    settings = EXPERIMENT | choice
    assert emulated(**settings, board="cortex-m4") == simulated(**settings)


def test_what_is_within_any_bound_is_as_without_but_for_the_first_exchange(simulated: Any) -> None:
    """All later updates come whole; so a bound that nobody reaches decides nothing."""
    wide, wider = (simulated(**EXPERIMENT, robust={"clip": clip}).digest for clip in (500, 1000))
    assert wide == wider
