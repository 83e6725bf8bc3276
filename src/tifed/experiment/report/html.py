"""The page: one HTML file that needs nothing but a browser."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tifed.experiment import contributions
from tifed.experiment.report import own_data, privacy
from tifed.experiment.report.amounts import amount_of_bytes, amount_of_work
from tifed.experiment.report.page import render
from tifed.experiment.report.svg import Drawing
from tifed.experiment.result import FinishedRun, Result


def page(run: FinishedRun, drawn: Mapping[str, Drawing]) -> str:
    """The report of ``run`` with the pictures ``drawn`` inside it."""
    return render(
        "tifed.experiment.report",
        "report.html",
        {"bytes": amount_of_bytes, "work": amount_of_work},
        pictures=drawn,
        result=run.result,
        details=run.details,
        comparison_only=run.result.baseline is not None,
        # With a dash that does not break the line.
        shape="\u2011".join(map(str, run.result.layers)),
        interval=confidence_interval(run.result.accuracy, run.result.held_out_samples),
        settings=list(settings(run.experiment)),
        last=run.rounds[-1],
        rounds=len(run.rounds),
        totals=_totals(run),
        spread=_spread(run),
        judged_on=judged_on(run.result),
        more_sentences=[
            *own_data.sentences(run.result),
            *privacy.sentences(run.result.privacy),
            *contributions.sentences(run.contributions),
        ],
        own_rows=own_data.rows(run.details.own_devices),
        by_class=any(one.by_class for one in run.details.own_devices),
    )


def judged_on(result: Result) -> str:
    """What the samples are called that accuracy was measured on."""
    return "held-out" if result.held_out == "devices" else result.held_out


def confidence_interval(accuracy: float, samples: int) -> tuple[float, float]:
    """Wilson's 95 % interval: what another draw of as many held-out samples could have shown.

    >>> [round(end, 3) for end in confidence_interval(0.87, 10_000)]
    [0.863, 0.876]
    """
    z = 1.96
    centre = (accuracy + z * z / (2 * samples)) / (1 + z * z / samples)
    variance = accuracy * (1 - accuracy) / samples + z * z / (4 * samples * samples)
    half = z * variance**0.5 / (1 + z * z / samples)
    return max(0.0, centre - half), min(1.0, centre + half)


def settings(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every setting of an experiment, those of tables with the tables' names before them.

    >>> list(settings({"rounds": 3, "partition": {"kind": "iid"}, "centred": True}))
    [('rounds', '3'), ('centred', 'true'), ('partition.kind', 'iid')]
    """
    for name, value in table.items():
        if not isinstance(value, Mapping):
            yield prefix + name, _as_text(value)
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from settings(value, f"{prefix}{name}.")


def _as_text(value: object) -> str:
    """A TOML value as a reader expects it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(map(_as_text, value))
    return str(value)


def _totals(run: FinishedRun) -> dict[str, Any]:
    """Sums over rounds of what is counted, not measured per device."""
    return {
        "asked": sum(row.asked for row in run.rounds),
        "answered": sum(row.answered for row in run.rounds),
        "updates": [sum(column) for column in zip(*(r.updates for r in run.rounds), strict=True)],
        "clipped_parameters": sum(row.clipped_parameters for row in run.rounds),
        "clipped_deltas": sum(row.clipped_deltas for row in run.rounds),
    }


def _spread(run: FinishedRun) -> dict[str, float] | None:
    """Least, median and greatest accuracy of a device; None if none was measured."""
    scores = [score.correct / score.samples for score in run.details.device_scores]
    if not scores:
        return None
    return {"least": min(scores), "median": float(np.median(scores)), "most": max(scores)}
