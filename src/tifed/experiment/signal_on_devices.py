"""The signal front end of devices whose readings nobody else has, from the experiment alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from tifed.errors import UsageError
from tifed.rule.signal import SignalFrontEnd
from tifed.rule.signal.log_mel import LogMel
from tifed.rule.signal.motion import LARGEST_WINDOW, LEAST_WINDOW, MotionFrontEnd

SIGNAL_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "motion": ("axes", "window", "hop", "mirror_axes", "scale"),
    "log-mel": ("patch_frames", "frames"),
}
"""Options of ``[data]`` that each signal front end is made from."""


def signal_on_devices(name: str, options: Mapping[str, Any]) -> SignalFrontEnd:
    """The signal front end ``name`` with the options of ``[data]``.

    Raises:
        UsageError: naming the option that is missing or wrong.
    """
    for key in ("window", "hop", "patch_frames", "frames"):
        if type(options.get(key, 1)) is not int:
            raise UsageError(f"data.{key}: must be a whole number, not {options[key]!r:.40}")
    return _log_mel(options) if name == LogMel.name else _motion(options)


def _log_mel(options: Mapping[str, Any]) -> LogMel:
    """Slices, or a picture of ``patch_frames`` rows, of recordings of ``frames`` at most."""
    rows, most = options.get("patch_frames"), options.get("frames", LogMel.frames)
    try:
        return LogMel(rows, most)
    except UsageError as error:
        raise UsageError(f"data.{str(error).replace('rows:', 'patch_frames:', 1)}") from error


def _motion(options: Mapping[str, Any]) -> MotionFrontEnd:
    """Windows of a motion sensor's axes."""
    axes = _names("axes", options.get("axes"))
    if "window" not in options:
        raise UsageError(
            "data.window: is missing; say how many readings of each axis the front end 'motion' "
            f"looks at, {LEAST_WINDOW}..{LARGEST_WINDOW}"
        )
    mirrored = _names("mirror_axes", options.get("mirror_axes", ()))
    for axis in mirrored:
        if axis not in axes:
            raise UsageError(f"data.mirror_axes: {axis!r} is not one of data.axes")
    try:
        return MotionFrontEnd(
            axes=len(axes),
            window=options["window"],
            mirrored=tuple(map(axes.index, mirrored)),
            axis_names=axes,
            scale=_scale(options.get("scale"), len(axes)),
            hop=options.get("hop", 0),
        )
    except UsageError as error:
        raise UsageError(f"data.{error}") from error


def _names(key: str, given: object) -> tuple[str, ...]:
    """A list of different names."""
    names: Sequence[Any] = given if isinstance(given, list | tuple) else ()
    good = given is not None and all(isinstance(name, str) for name in names)
    if not isinstance(given, list | tuple) or not good or len(set(names)) != len(names):
        raise UsageError(
            f"data.{key}: must be a list of the names of a motion sensor's axes, such as "
            f"['ax', 'ay', 'az'], not {given!r:.80}"
        )
    return tuple(names)


def _scale(given: Any, axes: int) -> tuple[float, ...]:
    """Readings per unit of each axis; none if nobody says it."""
    if given is None:
        return ()
    factors = list(given) if isinstance(given, list | tuple) else [given] * axes
    for factor in factors:
        if type(factor) not in (int, float) or not 0 < factor < 1e12:
            raise UsageError(f"data.scale: {factor!r} is not a number above 0")
    return tuple(map(float, factors))
