"""What an experiment says of data that are on devices alone, in place of a data set."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tifed.data import SampleFormat
from tifed.data.quantisation.quantisation import Quantisation
from tifed.data.quantisation.quantisation_file import load_quantisation
from tifed.errors import UsageError
from tifed.experiment.own_data import ON_DEVICES
from tifed.experiment.schema import Experiment
from tifed.experiment.signal_on_devices import SIGNAL_OPTIONS, signal_on_devices
from tifed.federation.device import Stream
from tifed.rule.front_end import FRONT_ENDS, FrontEnd
from tifed.rule.signal import SignalFrontEnd

_OPTIONS = ("class_names", "quantise", "image_shape")


@dataclass(frozen=True)
class DataOnDevices:
    """What is known of samples that nobody but the devices has.

    Attributes:
        samples: the name of every class, and how devices make int8 values of readings, if the
            experiment says it.
        front_end: what pictures go through first, on the device, if anything.
        signal: what makes the samples of a sensor's readings, on the device, if anything.
        features: how many values the network takes.
    """

    samples: SampleFormat
    front_end: FrontEnd | None
    signal: SignalFrontEnd | None
    features: int

    @property
    def features_made(self) -> int:
        """How many features a sample has once it reaches the network."""
        made = self.front_end or self.signal
        return self.features if made is None else made.features

    def streams(self, devices: int) -> tuple[Stream, ...]:
        """A stream without samples for each device."""
        samples = np.zeros((0, self.features), np.int8)
        none = Stream(samples, np.zeros(0, np.int32), np.zeros(0, np.int64))
        return (none,) * devices


def data_on_devices(experiment: Experiment) -> DataOnDevices:
    """What ``experiment``, whose ``dataset`` is ``on-devices``, says of its data.

    Raises:
        UsageError: naming the option that is unknown, or does not fit the network.
    """
    options, layers = experiment.data, experiment.layers
    if layers is None:
        raise UsageError(f"layers: needed with dataset = {ON_DEVICES!r}")
    of_readings = SIGNAL_OPTIONS.get(experiment.front_end or "")
    known = _OPTIONS if of_readings is None else ("class_names", *of_readings)
    for key in options:
        if key not in known:
            raise UsageError(
                f"data.{key}: there is no such option with dataset = {ON_DEVICES!r}; it has "
                + ", ".join(f"data.{name}" for name in known)
            )
    signal, front_end = None, None
    if experiment.front_end is not None and of_readings is not None:
        signal = signal_on_devices(experiment.front_end, options)
    else:
        front_end = _front_end(experiment, options)
    quantisation = None
    if "quantise" in options:
        if not str(options["quantise"]).endswith(".json"):
            raise UsageError(
                f"data.quantise: with dataset = {ON_DEVICES!r} there are no numbers here to make "
                "a map from; name a file that was saved, such as a run's quantisation.json"
            )
        quantisation = load_quantisation(Path(options["quantise"]))
        values = layers[0] if front_end is None else int(np.prod(front_end.input_shape))
        if len(quantisation.shift) not in (0, 1, values):
            raise UsageError(
                f"data.quantise: {options['quantise']} is for {len(quantisation.shift)} features, "
                f"but a sample has {values}"
            )
    samples = SampleFormat(
        quantisation,
        () if quantisation is None else quantisation.feature_names,
        _class_names(options, quantisation, layers[-1]),
    )
    return DataOnDevices(samples, front_end, signal, layers[0])


def _class_names(
    options: Mapping[str, Any], quantisation: Quantisation | None, classes: int
) -> tuple[str, ...]:
    """The option's, else those that the map was made with, else numbers."""
    names = options.get("class_names")
    if names is None and quantisation is not None and quantisation.class_names:
        names = quantisation.class_names
    if names is None:
        return tuple(map(str, range(classes)))
    if (
        not isinstance(names, list | tuple)
        or not all(isinstance(name, str) for name in names)
        or len(set(names)) != classes
        or len(names) != classes
    ):
        raise UsageError(
            f"data.class_names: must be {classes} different names, one for each class, in "
            f"quotation marks, not {names!r:.80}"
        )
    return tuple(names)


def _front_end(experiment: Experiment, options: Mapping[str, Any]) -> FrontEnd | None:
    """The front end that devices compute, of pictures of the shape that the option says."""
    name, shape = experiment.front_end, options.get("image_shape")
    if (name is None) != (shape is None):
        raise UsageError(
            f"data.image_shape: goes with front_end and dataset = {ON_DEVICES!r}, "
            + ("and only with them" if name is None else "which needs it, such as [28, 28, 1]")
        )
    if name is None:
        return None
    sizes = list(shape) if isinstance(shape, list | tuple) else []
    if len(sizes) != 3 or not all(type(size) is int and size > 0 for size in sizes):
        raise UsageError(
            "data.image_shape: must be height, width and channels, such as [28, 28, 1], not "
            f"{shape!r:.80}"
        )
    front_end = FRONT_ENDS[name](tuple(sizes))
    if not isinstance(front_end, FrontEnd):
        raise UsageError(
            f"front_end: {name!r} has no C that a device could compute it with, but with dataset "
            f"= {ON_DEVICES!r} samples are nowhere else; leave front_end out"
        )
    return front_end
