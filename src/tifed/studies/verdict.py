"""What a table over numbers of devices says of integers beside float federated averaging."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tifed.studies.setting import FLOAT, TUNED

if TYPE_CHECKING:
    from tifed.studies.summary import SummaryRow

LEVEL_FROM, NEAR_FROM = 8, 32
"""Devices from which full-network is to be level with floats, and single-layer near them."""
NEAR = 0.02


def against_float(rows: "Sequence[SummaryRow]") -> tuple[str, ...]:
    """Whether `tuned` reaches each float baseline, and by how much where it does not."""
    means: dict[str, dict[int, float]] = {}
    for row in rows:
        means.setdefault(series(row), {})[row.devices] = row.final_round.mean
    floats = [name for name in means if name.startswith(FLOAT)]
    return tuple(
        _said(name, means[name], baseline, means[baseline], first, allowed)
        for mode, first, allowed in (
            ("full-network", LEVEL_FROM, 0.0),
            ("single-layer", NEAR_FROM, NEAR),
        )
        if (name := f"{TUNED} {mode}") in means
        for baseline in floats
        if means[name].keys() & means[baseline].keys()
    )


def series(row: "SummaryRow") -> str:
    """A setting's name without the number of devices."""
    return row.setting.removesuffix(f" {row.devices} devices")


def _said(
    name: str,
    ours: dict[int, float],
    baseline: str,
    floats: dict[int, float],
    first: int,
    allowed: float,
) -> str:
    """One comparison's sentence."""
    differences = {devices: ours[devices] - floats[devices] for devices in ours.keys() & floats}
    differences = dict(sorted(differences.items()))
    short = {
        devices: apart
        for devices, apart in differences.items()
        if devices >= first and apart < -allowed
    }
    aim = "at or above" if allowed == 0 else f"within {100 * allowed:.0f} points of"
    verdict = f"{aim} {baseline} at every number of devices from {first} up"
    if short:
        missing = ", ".join(f"{devices} ({100 * -apart:.2f})" for devices, apart in short.items())
        verdict = f"not {verdict}: points below it at {missing}"
    listed = ", ".join(f"{devices}: {100 * apart:+.2f}" for devices, apart in differences.items())
    return f"{name} is {verdict}. Points of difference by devices: {listed}."
