"""What an exported library is about: a network, what is trained of it, and where it starts."""

from dataclasses import dataclass, field

from tifed.board.firmware.short_header import CODER_SWITCH, QUIET_SWITCH, SHORT_SWITCH
from tifed.data import SampleFormat
from tifed.data.quantisation.on_device import DeviceMap, device_maps
from tifed.errors import UsageError
from tifed.experiment import Experiment
from tifed.experiment.constants import changes_of
from tifed.experiment.front_end import require_front_end
from tifed.experiment.pixel_shifts import require_shifts
from tifed.extractor import Extractor
from tifed.federation import AverageEvery
from tifed.files.paths import AnyPath
from tifed.plan import Preprocessing
from tifed.plan.device_network import check_for_devices
from tifed.rule.front_end import FrontEnd
from tifed.rule.network import Network, Parameters, check_parameters, model_front_end
from tifed.rule.network.memory import held_bytes
from tifed.rule.signal import SignalFrontEnd


@dataclass(frozen=True)
class Model:
    """Everything that the generated C follows from.

    Attributes:
        experiment: where it is from.
        network: every constant of the arithmetic.
        layers: trained on the device, ascending.
        parameters: to start from; None to start as the experiment does. Layers that are not trained
            then stay in flash.
        extractor: what makes the network's features of readings, or of what the front end makes of
            them, if anything does.
        energy_shift: added to the first layer's update shift, as in the training that the
            parameters are from.
        front_end: what readings go through first, if they do.
        shifts: height, width and channels of readings, if training makes shift copies of them.
        samples: how readings become samples, and what features and classes are called.
        signal: the signal front end that makes samples of a sensor's readings, if one does.
    """

    experiment: Experiment
    network: Network
    layers: tuple[int, ...]
    parameters: Parameters | None = None
    extractor: Extractor | None = None
    energy_shift: int = 0
    front_end: FrontEnd | None = None
    shifts: tuple[int, int, int] | None = None
    samples: SampleFormat = field(default_factory=SampleFormat)
    signal: SignalFrontEnd | None = None

    @property
    def maps(self) -> tuple[DeviceMap, ...]:
        """How a number becomes an int8: per value of a sample or once for all; none if unknown."""
        quantisation = self.samples.quantisation
        return () if quantisation is None else device_maps(quantisation)

    @property
    def fraction_bits(self) -> tuple[int, ...]:
        """Binary places of each value of a reading, or one number if all have the same."""
        bits = tuple(one.fraction_bits for one in self.maps)
        return bits[:1] if len(set(bits)) == 1 else bits

    @property
    def start(self) -> tuple[int, ...]:
        """Per layer the largest magnitude of a first weight, where there are no parameters."""
        return self.experiment.build_recipe().start(self.network)

    @property
    def start_biases(self) -> tuple[int, ...]:
        """Per layer the first value of its biases, where there are no parameters."""
        return self.experiment.build_recipe().start_biases(self.network)

    @property
    def inputs(self) -> int:
        """Values of a reading."""
        return self.before.inputs(self.network.features)

    @property
    def kept(self) -> int:
        """Bytes of a reading, or of what the front end makes of it while it arrives."""
        return self.before.kept(self.network.features)

    @property
    def before(self) -> Preprocessing:
        """How the network's features are made of a reading."""
        return Preprocessing(self.front_end, self.extractor, shifts=self.shifts, signal=self.signal)

    @property
    def makes_features(self) -> bool:
        """Whether a reading is not the network's features already."""
        return self.front_end is not None or self.extractor is not None

    @property
    def reading_shape(self) -> tuple[int, ...]:
        """Height, width and channels of a reading; its length where it is no picture."""
        first = self.front_end or self.extractor
        return (self.inputs,) if first is None else first.input_shape

    @property
    def short(self) -> tuple[str, ...]:
        """The switches of the device's side of the link for short updates; none if it has none."""
        experiment = self.experiment
        if self.frozen or not any(way.layers for way in changes_of(experiment, self.network)):
            return ()
        coder = (CODER_SWITCH,) * experiment.compression.coder
        return (SHORT_SWITCH, *coder, *(QUIET_SWITCH,) * experiment.link.quiet)

    @property
    def received(self) -> int:
        """Bytes of RAM in which a device with short updates keeps what it was given."""
        return sum(held_bytes(self.network, layer) for layer in self.layers if self.short)

    @property
    def frozen(self) -> tuple[int, ...]:
        """Layers that are in flash."""
        if self.parameters is None:
            return ()
        return tuple(number for number in range(self.network.depth) if number not in self.layers)

    @property
    def shape(self) -> str:
        """Features, units, classes: ``64-32-10``."""
        return "-".join(map(str, self.network.shape))

    @property
    def steps(self) -> int:
        """Mini-batches of a round."""
        experiment = self.experiment
        return experiment.local_epochs * -(-experiment.buffer // experiment.batch)

    @property
    def decays(self) -> tuple[tuple[int, int], ...]:
        """From which round on how much is added to every update shift, latest first.

        Past the experiment's last round it stays as a further round of it would have it.
        """
        recipe, rounds = self.experiment.build_recipe(), self.experiment.rounds
        found: list[tuple[int, int]] = []
        last = 0
        for number in range(rounds + 1):
            extra = recipe.extra_shift(number, rounds, self.experiment.mode)
            if extra != last:
                found.append((number, extra))
                last = extra
        return tuple(reversed(found))


def model_for(
    experiment: Experiment,
    network: Network,
    layers: tuple[int, ...] | None = None,
    trained: tuple[Network, Parameters] | None = None,
    extractor: Extractor | None = None,
    energy_shift: int = 0,
    front_end: FrontEnd | None = None,
    shifts: tuple[int, int, int] | None = None,
    samples: SampleFormat | None = None,
    *,
    signal: SignalFrontEnd | None = None,
) -> Model:
    """Check that an experiment can become a library.

    Args:
        experiment: what devices do.
        network: its network.
        layers: to be trained on the device; default all of them.
        trained: network and parameters of a model file to start from.
        extractor: what devices make the network's features with, if they do.
        energy_shift: of the model file.
        front_end: what their samples go through first, if they do.
        shifts: height, width and channels of samples, if training makes shift copies of them.
        samples: how they are made of readings, and names; None if nothing is known of it.
        signal: the signal front end that makes their samples of readings, if one does.

    Raises:
        UsageError: naming the field that a device cannot have, or that does not fit the file.
    """
    check_for_devices(network)
    require_front_end(experiment, front_end, signal)
    require_shifts(experiment, shifts)
    Preprocessing(front_end, extractor, shifts=shifts, signal=signal).check(network.features)
    if experiment.average_every is not AverageEvery.BUFFER:
        raise UsageError("average_every: a library trains a whole buffer at a time; use 'buffer'")
    chosen = tuple(range(network.depth)) if layers is None else tuple(sorted(set(layers)))
    wrong = [number for number in chosen if not 0 <= number < network.depth]
    if wrong or not chosen:
        raise UsageError(f"layer: {wrong} is not among the layers 0..{network.depth - 1}")
    parameters = None
    if trained is not None:
        made_for, parameters = trained
        if made_for != network:
            raise UsageError(f"parameters: {_difference(made_for, network)}")
        check_parameters(network, parameters)
    recipe, rounds = experiment.build_recipe(), experiment.rounds
    extra = max(recipe.extra_shift(number, rounds, experiment.mode) for number in range(rounds + 1))
    possible = network.energy_shift_within(energy_shift, experiment.batch, extra)
    if possible != energy_shift:
        raise UsageError(
            f"parameters: the model was trained with {energy_shift} added to the first layer's "
            f"update shift, and this experiment has room for {possible}; name the experiment.toml "
            "of its run folder"
        )
    samples = samples or SampleFormat()
    model = Model(
        experiment, network, chosen, parameters, extractor, energy_shift, front_end, shifts,
        samples, signal,
    )  # fmt: skip
    samples.check(model.inputs, network.classes, "export")
    return model


def require_same_front_end(path: AnyPath, experiment: Experiment) -> None:
    """Make sure that a model file's network takes what the experiment's samples become.

    Raises:
        UsageError: if it learnt from the features of another front end, or from raw samples.
    """
    found = model_front_end(path)
    if found != experiment.front_end:
        learnt = "raw samples" if found is None else f"the features of the front end {found!r}"
        own = "none" if experiment.front_end is None else repr(experiment.front_end)
        raise UsageError(
            f"parameters: {path}: the model learnt from {learnt}, but the experiment's front_end "
            f"is {own}; name the experiment.toml of the model's run folder"
        )


def _difference(made_for: Network, network: Network) -> str:
    """What tells the model file's network from the experiment's."""
    if made_for.shape != network.shape:
        shapes = ["-".join(map(str, one.shape)) for one in (made_for, network)]
        return f"the model is {shapes[0]}, the experiment {shapes[1]}; name the model's experiment"
    return (
        "the model was trained with other constants than the experiment's; "
        "name the experiment.toml of its run folder"
    )
