"""From an experiment to the things that run it: data, streams, network, federation, fleet."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tifed.data import Dataset, SampleFormat, default_signal, load, options
from tifed.data.partition import PARTITIONS, Partition
from tifed.errors import UsageError
from tifed.experiment.class_weights import stream_orders
from tifed.experiment.constants import federation_of
from tifed.experiment.front_end import (
    device_front_end,
    front_end_in_c,
    front_end_of,
    through_front_end,
)
from tifed.experiment.on_devices import data_on_devices
from tifed.experiment.own_data import NO_DATA_HERE, ON_DEVICES, split_orders
from tifed.experiment.pixel_shifts import (
    checked_pictures,
    device_shifts,
    require_shifts,
    with_shift_copies,
)
from tifed.experiment.schema import Experiment
from tifed.extractor import Extractor
from tifed.extractor.extraction import extracted
from tifed.extractor.shipped import find_extractor
from tifed.federation import Federation, Fleet
from tifed.federation.device import Stream
from tifed.files.paths import AnyPath
from tifed.fleets import FaultyFleet, FleetInputs, NoisyFleet
from tifed.fleets.faulty import SCALE
from tifed.native.choice import engine
from tifed.registry import BUILT_IN
from tifed.rule.front_end import FrontEnd, FrontEndBase
from tifed.rule.learning.engine import Engine
from tifed.rule.network import Network, Parameters
from tifed.rule.signal import SIGNALS, SignalFrontEnd

DEFAULT_HIDDEN = 32
"""Hidden units where an experiment does not name its layers."""


@dataclass(frozen=True)
class DealtData:
    """A data set, and which device owns which of its training samples.

    Attributes:
        dataset: training samples for the devices, held-out ones for the server; as features if
            the experiment has a front end or an extractor.
        partition: who owns which of the training samples.
    """

    dataset: Dataset
    partition: Partition


@dataclass(frozen=True)
class Setup:
    """An experiment, ready to run.

    Attributes:
        data: the data set and its partition; None where the devices alone have any samples.
        inputs: what the fleet is made from, and what any other fleet for the same run would be.
        fleet: who does the local work; of a baseline only its failing devices count.
        samples: how samples come to be, as far as it is known, and the name of every class.
    """

    data: DealtData | None
    inputs: FleetInputs
    fleet: Fleet
    samples: SampleFormat

    @property
    def dataset(self) -> Dataset:
        """The data set.

        Raises:
            UsageError: if there is none here.
        """
        return self._dealt.dataset

    @property
    def partition(self) -> Partition:
        """Which device owns which training samples.

        Raises:
            UsageError: if that is not known here.
        """
        return self._dealt.partition

    @property
    def _dealt(self) -> DealtData:
        if self.data is None:
            raise UsageError(NO_DATA_HERE)
        return self.data

    @property
    def federation(self) -> Federation:
        """The run's constants."""
        return self.inputs.federation

    @property
    def network(self) -> Network:
        """What every device holds."""
        return self.inputs.network

    @property
    def data_digest(self) -> str:
        """SHA-256 (hex) of the samples; where the devices alone have any, of what is known of them.

        That is the classes' names, and the digests of the front end and of the signal front end.
        """
        if self.data is not None:
            return self.data.dataset.digest
        front_end = self.inputs.front_end
        known = (
            self.samples.class_names,
            None if front_end is None else front_end.digest,
            self.inputs.signal_digest,
        )
        return hashlib.sha256(f"tifed data on devices 1\n{json.dumps(known)}".encode()).hexdigest()

    @property
    def start(self) -> Parameters:
        """The parameters before the first round."""
        return self.inputs.start

    @property
    def extractor(self) -> Extractor | None:
        """What samples go through before they reach the network, if anything does."""
        return self.inputs.extractor

    @property
    def engine(self) -> Engine:
        """Who computes the learning rule, here for the server's own evaluation."""
        return self.inputs.engine


def build(
    experiment: Experiment,
    data_dir: AnyPath | None = None,
    *,
    extractor: Extractor | None = None,
    dataset: Dataset | None = None,
) -> Setup:
    """Load the data and make everything that a run needs.

    Args:
        experiment: what to run.
        data_dir: the user's folder of data sets.
        extractor: to be used instead of the file that the experiment names.
        dataset: what `load_data` gave before, for many runs on the same data.

    Raises:
        UsageError: naming the field that does not fit the data or another field.
    """
    if experiment.dataset == ON_DEVICES:
        return _on_devices(experiment)
    extractor = extractor or extractor_of(experiment)
    loaded = None
    if dataset is None:
        loaded = loaded_data(experiment, data_dir)
        dataset = _for_network(experiment, loaded, extractor)
    elif (dataset.train.copies is not None) != experiment.pixel_shifts:
        raise UsageError(
            f"pixel_shifts: is {str(experiment.pixel_shifts).lower()}, but the data that were "
            f"given {'do not have' if dataset.train.copies is None else 'have'} moved copies; "
            "give what load_data makes for this experiment"
        )
    partition = partition_of(experiment, dataset)
    network = network_of(experiment, dataset.features, dataset.classes)
    stored = stream_orders(experiment, partition, dataset)
    orders, held_out = stored, stored
    if experiment.own_data:
        orders, held_out = split_orders(stored, experiment.held_out_every)
    train = dataset.train
    streams = tuple(Stream(train.features, train.labels, order, train.copies) for order in orders)
    raw, front_end, shifts = train.features, None, None
    kind = experiment.build_fleet_kind()
    made = experiment.front_end is not None or extractor is not None or experiment.pixel_shifts
    # Raw samples are not worth loading for a fleet that is sent none.
    if made and (loaded is not None or kind.sends_samples):
        loaded = loaded or loaded_data(experiment, data_dir)
        front_end = device_front_end(experiment, loaded)
        shifts = device_shifts(experiment, loaded)
        if front_end is not None or extractor is not None:
            as_sent = loaded if front_end else through_front_end(experiment, loaded)
            raw = _held_out(experiment, as_sent).train.features
    sent = streams
    if raw is not train.features:
        sent = tuple(Stream(raw, train.labels, order) for order in orders)
    inputs = FleetInputs(
        federation=federation_of(experiment, network, orders, tuple(partition.sizes.tolist())),
        streams=streams,
        sent=sent,
        start=_start(experiment, network),
        extractor=extractor,
        engine=engine(experiment.engine),
        front_end=front_end,
        shifts=shifts,
        device_masks=experiment.privacy.device_masks,
    )
    if experiment.own_data:
        inputs = replace(
            inputs,
            own_data=True,
            held_out=tuple(Stream(train.features, train.labels, order) for order in held_out),
            stored=tuple(Stream(raw, train.labels, order) for order in stored),
            held_out_every=experiment.held_out_every,
            signal=dataset.signal,
            recorded=train.recorded,
            report_classes=experiment.report_classes,
        )
    fleet = site_of(experiment, inputs, kind.fleet(experiment, inputs))
    dealt = DealtData(dataset, partition)
    return Setup(dealt, inputs, fleet, dataset.sample_format)


def _on_devices(experiment: Experiment) -> Setup:
    """`build` where nobody but the devices has any samples."""
    known = data_on_devices(experiment)
    network = network_for(experiment)
    streams = known.streams(experiment.devices)
    inputs = FleetInputs(
        federation=federation_of(experiment, network, [stream.order for stream in streams]),
        streams=streams,
        sent=streams,
        start=_start(experiment, network),
        extractor=None,
        engine=engine(experiment.engine),
        front_end=known.front_end,
        own_data=True,
        held_out=streams,
        stored=streams,
        held_out_every=experiment.held_out_every,
        signal=known.signal,
        report_classes=experiment.report_classes,
        device_masks=experiment.privacy.device_masks,
    )
    fleet = site_of(experiment, inputs, experiment.build_fleet_kind().fleet(experiment, inputs))
    return Setup(None, inputs, fleet, known.samples)


def require_devices(experiment: Experiment) -> None:
    """Make sure that devices can do what the experiment asks for.

    Raises:
        UsageError: if it names a baseline, which is there for comparison only.
    """
    if experiment.baseline is not None:
        raise UsageError(
            f"baseline: {experiment.baseline!r} is for comparison only: `tifed run` can simulate "
            "it, but no device or Flower client can compute it; leave it out"
        )


def extractor_of(experiment: Experiment) -> Extractor | None:
    """The extractor that the experiment names, if it names one."""
    return None if experiment.extractor is None else find_extractor(experiment.extractor)


def site_of(experiment: Experiment, inputs: FleetInputs, fleet: Fleet) -> Fleet:
    """``fleet`` as others see it: with the failures and the noise that the experiment asks for."""
    if experiment.faults.probability:
        fleet = FaultyFleet(fleet, experiment.seed, round(experiment.faults.probability * SCALE))
    noise = inputs.federation.noise
    return fleet if noise is None else NoisyFleet(fleet, inputs.federation, noise)


def _start(experiment: Experiment, network: Network) -> Parameters:
    """The parameters before the first round."""
    start = experiment.build_recipe().start_parameters(network, experiment.seed)
    if experiment.privacy.centre is None:
        return start
    return replace(start, centre=np.full_like(start.centre, experiment.privacy.centre))


def load_data(experiment: Experiment, data_dir: AnyPath | None = None) -> Dataset:
    """The experiment's data as its network sees them."""
    return _for_network(experiment, loaded_data(experiment, data_dir), extractor_of(experiment))


def front_end_for(experiment: Experiment, data_dir: AnyPath | None = None) -> FrontEndBase | None:
    """The experiment's front end; the data are only looked at if there is one."""
    if experiment.front_end is None:
        return None
    if experiment.dataset == ON_DEVICES:
        return data_on_devices(experiment).front_end
    return front_end_of(experiment, loaded_data(experiment, data_dir))


def signal_for(experiment: Experiment, data_dir: AnyPath | None = None) -> SignalFrontEnd | None:
    """The signal front end that makes the experiment's samples; None if its data have none.

    The data are only looked at if the experiment names one, or they have one by default.
    """
    named = experiment.front_end or default_signal(experiment.dataset, data_dir)
    if named not in SIGNALS:
        return None
    if experiment.dataset == ON_DEVICES:
        return data_on_devices(experiment).signal
    return loaded_data(experiment, data_dir).signal


def intake_of(
    experiment: Experiment, data_dir: AnyPath | None = None
) -> tuple[FrontEnd | None, tuple[int, int, int] | None]:
    """What a device has to do with samples as they arrive; the data are read once, if it has to.

    Returns:
        The front end that it computes, and height, width and channels of the pictures that it makes
        shift copies of; each None if the experiment has it not.

    Raises:
        UsageError: if the experiment asks for what no device can do.
    """
    if experiment.front_end in (None, *SIGNALS) and not experiment.pixel_shifts:
        return None, None
    if experiment.dataset == ON_DEVICES:
        return data_on_devices(experiment).front_end, None
    raw = loaded_data(experiment, data_dir)
    front_end = front_end_in_c(experiment, front_end_of(experiment, raw))
    if not experiment.pixel_shifts:
        return front_end, None
    checked_pictures(raw)
    shifts = device_shifts(experiment, raw)
    require_shifts(experiment, shifts)
    return front_end, shifts


def loaded_data(
    experiment: Experiment, data_dir: AnyPath | None = None, *, download: bool = True
) -> Dataset:
    """The experiment's data as they come; only with ``download`` from the network, if need be.

    Raises:
        UsageError: if there are none here, or there is no such option.
    """
    if experiment.dataset == ON_DEVICES:
        raise UsageError(NO_DATA_HERE)
    known = options(experiment.dataset)
    for key in experiment.data:
        # Checked here, so that none is taken for a parameter of `load` itself.
        if key not in known:
            others = ", ".join(f"data.{name}" for name in known)
            raise UsageError(
                f"data.{key}: the data set {experiment.dataset!r} has no such option; "
                + (f"it has {others}" if others else "it has none")
                + ("; give the folder of data sets with --data-dir" * (key == "data_dir"))
            )
    given: Mapping[str, Any] = experiment.data
    signal = experiment.front_end if experiment.front_end in SIGNALS else None
    return load(experiment.dataset, data_dir=data_dir, signal=signal, download=download, **given)


def _for_network(experiment: Experiment, loaded: Dataset, extractor: Extractor | None) -> Dataset:
    """The samples as the network takes them, their copies, and those that are held out.

    ``loaded`` is as the samples come.
    """
    raw = through_front_end(experiment, with_shift_copies(experiment, loaded))
    return _held_out(experiment, raw if extractor is None else extracted(raw, extractor))


def _held_out(experiment: Experiment, dataset: Dataset) -> Dataset:
    """With ``held_out = "validation"`` the test split is put away."""
    if experiment.held_out == "validation":
        dataset = dataset.with_validation(max(1, len(dataset.train) // 6))
    return dataset


def partition_of(experiment: Experiment, dataset: Dataset) -> Partition:
    """Who owns which training samples."""
    partition = experiment.partition.deal(dataset.train, experiment.devices, experiment.seed)
    kind = experiment.partition.kind
    if not isinstance(partition, Partition):
        raise UsageError(
            f"partition.kind: {kind!r} deals {partition!r:.80}, not a "
            "tifed.data.partition.Partition"
        )
    if len(partition) != experiment.devices:
        raise UsageError(
            f"partition.kind: {kind!r} deals to {len(partition)} devices of {experiment.devices}"
        )
    return partition


def partition_digest(experiment: Experiment, setup: Setup) -> str | None:
    """SHA-256 of who owns what where a package or a script deals it, else None.

    Another version of a package may deal the same samples in another way.
    """
    own = PARTITIONS.provider(experiment.partition.kind) == BUILT_IN
    return None if own or setup.data is None else setup.data.partition.digest


def network_of(experiment: Experiment, features: int, classes: int) -> Network:
    """The network, once its shape is known to fit data with ``features`` and ``classes``."""
    shape = experiment.layers or (features, DEFAULT_HIDDEN, classes)
    if (shape[0], shape[-1]) != (features, classes):
        steps = [
            *([f"the front end {experiment.front_end!r}"] if experiment.front_end else []),
            *([repr(experiment.extractor)] if experiment.extractor else []),
        ]
        through = f"through {' and '.join(steps)} " if steps else ""
        raise UsageError(
            f"layers: {'-'.join(map(str, shape))} does not fit {experiment.dataset!r}, which "
            f"{through}has {features} features and {classes} classes"
        )
    return experiment.build_recipe().network(shape, experiment.batch)


def network_for(experiment: Experiment, data_dir: AnyPath | None = None) -> Network:
    """The network alone; the data are only looked at if the experiment names no layers.

    Raises:
        UsageError: if there is no such network on a device.
    """
    require_devices(experiment)
    extractor = extractor_of(experiment)
    if experiment.dataset == ON_DEVICES:
        known = data_on_devices(experiment)
        return network_of(experiment, known.features_made, len(known.samples.class_names))
    if experiment.layers is not None:
        if extractor is not None and experiment.layers[0] != extractor.features:
            raise UsageError(
                f"layers: the first is {experiment.layers[0]}, but {experiment.extractor!r} gives "
                f"{extractor.features} features"
            )
        return network_of(experiment, experiment.layers[0], experiment.layers[-1])
    dataset = load_data(experiment, data_dir)
    return network_of(experiment, dataset.features, dataset.classes)
