"""An experiment's shift copies: its training pictures with those moved by one pixel."""

from dataclasses import replace

import numpy as np

from tifed.data import Dataset
from tifed.errors import UsageError
from tifed.experiment.schema import Experiment
from tifed.fleets.built_for import NO_COPIES
from tifed.rule.front_end import EDGE_FRONT_ENDS
from tifed.rule.learning.pixel_shifts import SHIFTS, shifted


def with_shift_copies(experiment: Experiment, raw: Dataset) -> Dataset:
    """``raw`` with the copies of its training samples, if the experiment wants them.

    Raises:
        UsageError: if the samples are no pictures whose pixels are on one scale.
    """
    if not experiment.pixel_shifts:
        return raw
    shape = checked_pictures(raw)
    features = raw.train.features
    copies = np.stack([shifted(features, shape, copy) for copy in range(len(SHIFTS))])
    return replace(raw, train=replace(raw.train, features=copies[0], copies=copies))


def checked_pictures(raw: Dataset) -> tuple[int, int, int]:
    """Height, width and channels of the samples of ``raw``.

    Raises:
        UsageError: if the samples are no pictures whose pixels are on one scale.
    """
    if raw.image_shape is None:
        raise UsageError(
            f"pixel_shifts: moves pictures by one pixel, but {raw.name!r} has no pictures; set "
            "pixel_shifts = false, or use data that say their height and width (docs/datasets.md)"
        )
    if raw.report is not None and raw.report.map == "per-feature":
        raise UsageError(
            f"pixel_shifts: moves pixels to their neighbours' places, but every pixel of "
            f"{raw.name!r} has a scale of its own; set data.quantise = 'shared'"
        )
    return raw.image_shape


def device_shifts(experiment: Experiment, raw: Dataset) -> tuple[int, int, int] | None:
    """Height, width and channels of the pictures that devices make shift copies of themselves.

    None without shift copies, and with an extractor or a front end of a script or a package, for
    which the firmware has no code that runs at each visit.
    """
    on_device = experiment.extractor is None and experiment.front_end in (None, *EDGE_FRONT_ENDS)
    return raw.image_shape if experiment.pixel_shifts and on_device else None


def require_shifts(experiment: Experiment, shifts: tuple[int, int, int] | None) -> None:
    """Make sure that shift copies are not silently left out of a plan.

    Raises:
        UsageError: if the experiment has them and ``shifts`` is None, or the other way round.
    """
    if experiment.pixel_shifts != (shifts is not None):
        raise UsageError(
            NO_COPIES
            if experiment.pixel_shifts
            else "pixel_shifts: the experiment has none, but shifts were given"
        )
