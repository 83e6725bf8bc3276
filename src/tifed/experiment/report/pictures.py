"""All pictures of a run, each for a light and for a dark page."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tifed.experiment.report.confusion import confusion_picture
from tifed.experiment.report.curves import accuracy_curve, training_error_curve
from tifed.experiment.report.device_accuracy import device_picture
from tifed.experiment.report.theme import DARK, LIGHT, png
from tifed.experiment.result import FinishedRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Picture:
    """One picture as two PNG files.

    Attributes:
        light: for a light page, and for paper.
        dark: for a dark page.
    """

    light: bytes
    dark: bytes


def pictures(run: FinishedRun) -> dict[str, Picture]:
    """By name: accuracy, training_error, and those of confusion, devices, partition that it has."""
    return {name: Picture(png(figure, LIGHT), png(figure, DARK)) for name, figure in _figures(run)}


def _figures(run: FinishedRun) -> Iterator[tuple[str, "Figure"]]:
    """Each picture's name and figure; a table that is empty has none."""
    # Late, for it imports matplotlib.
    from tifed.data.partition import picture as partition_picture

    rounds = [row.round for row in run.rounds]
    result, details = run.result, run.details
    yield (
        "accuracy",
        accuracy_curve(
            rounds,
            [row.accuracy for row in run.rounds],
            "held-out" if result.held_out == "devices" else result.held_out,
            result.held_out_samples,
        ),
    )
    errors = [row.training_error for row in run.rounds]
    if any(error is not None for error in errors):
        yield "training_error", training_error_curve(rounds, errors)
    if details.confusion:
        yield (
            "confusion",
            confusion_picture(np.array(details.confusion, np.int64), details.class_names),
        )
    if details.device_scores:
        columns = np.array(
            [(score.device, score.correct, score.samples) for score in details.device_scores],
            np.int64,
        )
        yield "devices", device_picture(columns[:, 0], columns[:, 1], columns[:, 2])
    if details.partition:
        owned = partition_picture(np.array(details.partition, np.int64), details.class_names)
        owned.set_size_inches(5.6, 3.9)  # as wide as its neighbours, so that letters are as large
        yield "partition", owned
