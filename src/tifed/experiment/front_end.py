"""An experiment's front end, and its data as features that the front end has made."""

from tifed.data import Dataset
from tifed.data.feature_cache import kept_features, made_features, raw_rows, with_features
from tifed.data.quantisation.quantised import report_on
from tifed.errors import UsageError
from tifed.experiment.schema import Experiment
from tifed.native.choice import front_end_features
from tifed.rule.front_end import EDGE_FRONT_ENDS, FRONT_ENDS, FrontEnd, FrontEndBase
from tifed.rule.signal import SIGNALS, SignalFrontEnd


def front_end_of(experiment: Experiment, raw: Dataset) -> FrontEndBase | None:
    """The front end that the experiment names, for samples as ``raw`` has them.

    None without one, and for a signal front end, which the loader has applied (`Dataset.signal`).

    Raises:
        UsageError: if it does not take such samples.
    """
    name = experiment.front_end
    if raw.signal is not None and name in (None, raw.signal.name):
        return None
    if raw.signal is not None:
        raise UsageError(
            f"front_end: {name!r} does not take the samples of {raw.name!r}, which the signal "
            f"front end {raw.signal.name!r} has made of readings; leave front_end out"
        )
    if name is None:
        return None
    shape = raw.image_shape or (raw.features,)
    try:
        front_end = FRONT_ENDS[name](shape)
    except UsageError as error:
        what = f"pictures of {'x'.join(map(str, shape))}" if raw.image_shape else "no pictures"
        raise UsageError(
            f"front_end: {name!r} does not take the samples of {raw.name!r}, which are {what} "
            f"({error}); leave front_end out, or use data that it takes (docs/front-ends.md)"
        ) from error
    if not isinstance(front_end, FrontEndBase):
        raise UsageError(
            f"front_end: {name!r} of {FRONT_ENDS.provider(name)} gives {front_end!r:.80}, which is "
            "no tifed.rule.front_end.FrontEndBase"
        )
    if isinstance(front_end, FrontEnd) and raw.report and raw.report.map == "per-feature":
        raise UsageError(
            f"front_end: {name!r} compares pixels with their neighbours, but every pixel of "
            f"{raw.name!r} has a scale of its own; set data.quantise = 'shared'"
        )
    return front_end


def device_front_end(experiment: Experiment, raw: Dataset) -> FrontEnd | None:
    """The front end that devices compute themselves, so that they are sent raw samples.

    None without a front end, or if it comes from a script or a package: the firmware has no C for
    it, so devices are sent its features.

    Raises:
        UsageError: if it does not take such samples.
    """
    front_end = front_end_of(experiment, raw)
    return front_end if isinstance(front_end, FrontEnd) else None


def through_front_end(experiment: Experiment, raw: Dataset) -> Dataset:
    """The same samples, labels and groups with the front end's features; without one, ``raw``.

    With ``engine = "oracle"`` the features are made by the reference, every time; else in C where
    there is C, and kept in the cache.

    Raises:
        UsageError: if the front end does not take such samples, or gives what are no features.
    """
    front_end = front_end_of(experiment, raw)
    if front_end is None:
        return raw
    if experiment.engine == "oracle":
        arrays = made_features(raw, front_end.compute)
    else:
        arrays = kept_features(
            raw,
            front_end.digest,
            front_end.features,
            lambda samples: front_end_features(front_end, samples),
        )
    for part, made in arrays.items():
        expected = (len(raw_rows(raw)[part]), front_end.features)
        if made.dtype != "int8" or made.shape != expected:
            raise UsageError(
                f"front_end: {experiment.front_end!r} gives {made.dtype} {made.shape} for the "
                f"{part} samples; its output_shape means int8 {expected}"
            )
    shape = front_end.output_shape
    plane = (shape[0], shape[1], shape[2]) if len(shape) == 3 else None
    return with_features(raw, arrays, plane, report_on("front-end", arrays["train"]))


def front_end_in_c(experiment: Experiment, front_end: FrontEndBase | None) -> FrontEnd | None:
    """The experiment's front end where a device has to compute it.

    Args:
        experiment: that names it.
        front_end: from `front_end_of`.

    Raises:
        UsageError: if there is no C of it.
    """
    if front_end is None or isinstance(front_end, FrontEnd):
        return front_end
    raise UsageError(
        f"front_end: {experiment.front_end!r} of {FRONT_ENDS.provider(experiment.front_end or '')} "
        f"has no C that a board could compute it with, so it is neither planned nor exported; "
        f"leave front_end out and set the first of layers to {front_end.features}, the number of "
        "its features, for the network alone"
    )


def require_front_end(
    experiment: Experiment, front_end: FrontEnd | None, signal: SignalFrontEnd | None = None
) -> None:
    """Make sure that the front end that an experiment names is not silently left out.

    Args:
        experiment: that names it.
        front_end: of pictures, that was given.
        signal: of a sensor's readings, that was given.

    Raises:
        UsageError: if ``front_end`` is another one, or None where the experiment names one.
    """
    if experiment.front_end in SIGNALS and signal is not None:
        return
    given, named = None if front_end is None else front_end.name, experiment.front_end
    # A package may have given one of TIFeD's another name.
    other = named in EDGE_FRONT_ENDS and given != named
    if other or (given is None) != (named is None):
        raise UsageError(
            f"front_end: the experiment names {named!r}, but {given!r} was given; "
            f"give what {'signal' if named in SIGNALS else 'front_end'}_for(experiment) makes"
        )
