"""All pictures of a run."""

import numpy as np

from tifed.experiment.report.confusion import confusion_picture
from tifed.experiment.report.curves import accuracy_curve, training_error_curve
from tifed.experiment.report.device_accuracy import device_picture
from tifed.experiment.report.ownership import ownership_picture
from tifed.experiment.report.svg import Drawing
from tifed.experiment.result import FinishedRun


def pictures(run: FinishedRun) -> dict[str, Drawing]:
    """By name: accuracy, training_error, and those of confusion, devices, partition that it has.

    A table that is empty has no picture.
    """
    rounds = [row.round for row in run.rounds]
    result, details = run.result, run.details
    drawn = {
        "accuracy": accuracy_curve(
            rounds,
            [row.accuracy for row in run.rounds],
            "held-out" if result.held_out == "devices" else result.held_out,
            result.held_out_samples,
        )
    }
    errors = [row.training_error for row in run.rounds]
    if any(error is not None for error in errors):
        drawn["training_error"] = training_error_curve(rounds, errors)
    names = details.class_names
    if details.confusion:
        drawn["confusion"] = confusion_picture(np.array(details.confusion, np.int64), names)
    if details.device_scores:
        columns = np.array(
            [(score.device, score.correct, score.samples) for score in details.device_scores],
            np.int64,
        )
        drawn["devices"] = device_picture(columns[:, 0], columns[:, 1], columns[:, 2])
    if details.partition:
        drawn["partition"] = ownership_picture(np.array(details.partition, np.int64), names)
    return drawn
