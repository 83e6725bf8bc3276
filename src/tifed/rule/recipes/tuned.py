"""The best recipe known: integers and shifts only, level with floating point.

How its constants were found: DESIGN.md, "The tuned recipe", and docs/tuned.md.
"""

from itertools import pairwise
from typing import Literal

from pydantic import Field

from tifed.errors import UsageError
from tifed.rule.integer import Rounding
from tifed.rule.network import INPUT_LIMIT, Activation, ErrorKind, Feedback, Layer, Network
from tifed.rule.recipes.recipe import AssignmentKind, Mode, Recipe, Server

LARGEST_RESCALE_SHIFT = 14
"""More would push the weights of wide layers against the bound of their 32-bit sums."""

MOST_ABSOLUTE_LAYERS = 3
"""Deeper networks diverge with absolute value; their hidden layers are ReLU."""

SHORT = 16
"""Runs of fewer rounds do not halve their steps: they end before smaller ones have led anywhere."""

WIDE = 1024
"""First layers with more inputs start nearly linear in deeper networks, too."""

USUAL_BITS = 13
"""Length in binary of a feature's mean square in the pictures that the shifts were found on."""

FAINTEST = 4
"""Shifts less by more than this are not taken: weights for a fainter input pass their bound."""


def _log2(value: int) -> int:
    """Binary logarithm to the nearest integer, in integers.

    >>> [_log2(n) for n in (1, 32, 100, 200, 784)]
    [0, 5, 7, 8, 10]
    """
    return (value * value).bit_length() >> 1


def _half_log2(fan_in: int) -> int:
    """Half of the logarithm, rounded up: a sum of that many random terms grows with the root."""
    return _log2(fan_in) + 1 >> 1


def shifts(fan_in: int, depth: int, batch: int, weight_bits: int) -> tuple[int, int]:
    """A layer's rescale shift, and its sum with the update shift of ReLU (SPEC, section 5.7).

    Only the sum decides how far one sample moves a unit, so it follows fan-in; the split only
    decides how large weights become.

    >>> [shifts(fan_in, 2, 10, 16) for fan_in in (784, 200, 64, 32)]
    [(14, 23), (13, 21), (12, 19), (12, 18)]
    """
    rescale = min(LARGEST_RESCALE_SHIFT, (5 if weight_bits == 8 else 9) + _half_log2(fan_in))
    return rescale, _log2(fan_in) + 11 + min(depth, 3) + (batch >= 16)


def _starts_linear(network: Network, layer: Layer) -> bool:
    return network.depth <= 2 or layer.fan_in > WIDE


class Tuned(Recipe):
    """Centred input, absolute values, margin error, sign feedback, a server with memory."""

    rescale_shifts: tuple[int, ...] | None = Field(
        None,
        description="for each layer, sums are divided by 2 to this power; default from the number "
        "of its inputs",
    )
    update_shifts: tuple[int, ...] | None = Field(
        None,
        description="for each layer, gradients are divided by 2 to this power; default from the "
        "number of its inputs, for the first layer from the input's energy",
    )
    start_range: int | None = Field(
        None,
        ge=0,
        description="weights of hidden layers start at random between minus and plus this; default "
        "from the number of inputs",
    )
    start_bias: int | None = Field(
        None,
        ge=0,
        le=32767,
        description="biases of hidden layers start at this; default a quarter of the activation's "
        "range in networks of two layers, else 0",
    )
    activation: Literal[Activation.RELU, Activation.ABSOLUTE] | None = Field(
        None,
        description="activation of hidden layers; default `absolute`, and `relu` with 4 or more "
        "layers of weights",
    )
    margin: int = Field(
        48,
        ge=1,
        le=127,
        description="training pushes the true class until it leads every other one by this much",
    )
    feedback: Literal[Feedback.BALANCED, Feedback.OUTPUT_SIGN] = Field(
        Feedback.OUTPUT_SIGN,
        description="feedback matrix that carries the error to hidden layers",
    )
    update_rounding: Literal[Rounding.FLOOR, Rounding.NEAREST, Rounding.STOCHASTIC] | None = Field(
        None,
        description="how updates are rounded; default `nearest`, or `stochastic` for 8-bit weights",
    )
    weight_bits: Literal[8, 16] = Field(
        16, description="bits of a weight on the device; 8 halves what it stores and sends"
    )
    centred: bool = Field(True, description="subtract the mean of each feature")
    calibration: int = Field(
        50,
        ge=1,
        description="samples of each device from which those means and the input's energy are "
        "computed",
    )
    decay_percent: int = Field(
        60, ge=0, le=100, description="updates are halved after this percentage of the rounds"
    )
    server_rate: int | None = Field(
        None,
        ge=1,
        le=4,
        description="how far the server moves towards the mean of the devices; 1 is all the way, 2 "
        "twice as far; default 2 in full-network mode; in single-layer mode of two layers 2 for "
        "the first and 1/2 for the last; else 1",
    )
    server_momentum: int = Field(
        8,
        ge=0,
        le=15,
        description="full-network mode: sixteenths of the server's last step that are added to the "
        "next one",
    )
    halvings: int | None = Field(
        None,
        ge=0,
        le=4,
        description="how often updates are halved, from the first round on; default 1 in "
        "full-network mode with 16 rounds or more, else 0",
    )
    running_mean: int = Field(
        16,
        ge=1,
        le=1024,
        description="the published model is a mean over about this many exchanges",
    )
    running_mean_growth: int = Field(
        3,
        ge=0,
        le=16,
        description="that mean begins with the last exchange alone, and grows by one exchange "
        "every 2 to this power exchanges",
    )

    def network(self, shape: tuple[int, ...], batch: int) -> Network:
        """Shifts from `shifts` where the settings leave them open."""
        depth = len(shape) - 1
        hidden = self.hidden_activation(depth)
        # Every unit answers every sample, where half of the rectifiers are silent: half the step,
        # and for the output, of which all inputs are such units, half of that.
        calmer = int(hidden is Activation.ABSOLUTE and depth > 1)
        derived = [shifts(fan_in, depth, batch, self.weight_bits) for fan_in in shape[:-1]]
        rescale_shifts = self.rescale_shifts or tuple(rescale for rescale, _ in derived)
        update_shifts = self.update_shifts or tuple(
            max(0, total - rescale + calmer * (2 if number == depth - 1 else 1))
            for number, ((_, total), rescale) in enumerate(
                zip(derived, rescale_shifts, strict=False)
            )
        )
        for name, given in (("rescale_shifts", rescale_shifts), ("update_shifts", update_shifts)):
            if len(given) != depth:
                raise UsageError(f"recipe_settings.{name}: {len(given)} values for {depth} layers")
        stochastic = Rounding.STOCHASTIC if self.weight_bits == 8 else Rounding.NEAREST
        return Network(
            layers=tuple(
                Layer(
                    fan_in=fan_in,
                    fan_out=fan_out,
                    input_limit=127 if number else INPUT_LIMIT,
                    activation=hidden if number < depth - 1 else Activation.IDENTITY,
                    rescale_shift=rescale_shifts[number],
                    update_shift=update_shifts[number],
                    update_rounding=self.update_rounding or stochastic,
                    bias_shift=6,
                    weight_bits=self.weight_bits,
                )
                for number, (fan_in, fan_out) in enumerate(pairwise(shape))
            ),
            error=ErrorKind.MARGIN,
            error_level=self.margin,
            feedback=self.feedback,
            input_shift=1,
            centred=self.centred,
        )

    def hidden_activation(self, depth: int) -> Activation:
        """The activation of the hidden layers of a network of ``depth`` layers of weights."""
        usual = Activation.ABSOLUTE if depth <= MOST_ABSOLUTE_LAYERS else Activation.RELU
        return self.activation or usual

    def energy_shift(self, network: Network, energy: int) -> int:
        """How many times the input's energy, or the bias's, is twice what it usually is.

        Nothing is added to ``update_shifts`` that were given.
        """
        if self.update_shifts is not None:
            return 0
        # A bias is the weight of one more input, which is 2**bias_shift: beside few faint features
        # it alone would make steps too long.
        bias = 1 << 2 * (network.layers[0].bias_shift + network.input_shift)
        length = max(energy, bias).bit_length()
        return max(-FAINTEST, length - USUAL_BITS - _log2(network.features))

    def start(self, network: Network, energy: int | None = None) -> tuple[int, ...]:
        """Hidden layers random; the output layer 0, or random too where its signs are feedback."""
        del energy
        limits = []
        if self.start_range is not None:
            for number, layer in enumerate(network.layers[:-1]):
                if self.start_range > layer.weight_bound:
                    raise UsageError(
                        f"recipe_settings.start_range: {self.start_range} is more than the "
                        f"{layer.weight_bound} that a weight of layer {number} can be"
                    )
        for layer in network.layers:
            limit = 1 << max(0, layer.rescale_shift - _half_log2(layer.fan_in) - 1)
            if _starts_linear(network, layer):
                limit = max(1, limit // 4)
            limits.append(limit if self.start_range is None else self.start_range)
        signs = self.feedback is Feedback.OUTPUT_SIGN and network.depth > 1
        limits[-1] = limits[-1] // 2 if signs else 0
        return tuple(limits)

    def start_biases(self, network: Network, energy: int | None = None) -> tuple[int, ...]:
        """A quarter of an activation's range for a hidden layer, so that all units begin active.

        Small random weights beside it leave a unit on one side of its kink at first. With many
        features, samples are nearly orthogonal: else noise would decide on which side a unit is
        for each sample, and the updates of samples of one class would cancel. Units that a nearly
        linear layer feeds get nearly equal inputs, so hidden layers behind others start without.
        """
        del energy
        hidden = network.layers[:-1]
        limits = [
            1 << max(0, layer.rescale_shift - 2) if _starts_linear(network, layer) else 0
            for layer in hidden
        ]
        return (*(limit if self.start_bias is None else self.start_bias for limit in limits), 0)

    def server(self, mode: Mode, depth: int) -> Server:
        """Eight fractional bits and a running mean; momentum where all devices train everything.

        In single-layer mode of two layers the first, which most devices train, steps four times as
        far as the last, which few train: its mean is noisy.
        """
        if self.server_rate is not None:
            halves: tuple[int, ...] = (2 * self.server_rate,)
        elif mode == "single-layer" and depth == 2:
            halves = (4, 1)
        else:
            halves = (4,) if mode == "full-network" else (2,)
        return Server(
            fraction_bits=8,
            rounding=Rounding.NEAREST,
            rate_halves=halves,
            running_mean=self.running_mean,
            running_mean_growth=self.running_mean_growth,
            # Where few devices train a layer, a step that goes on is noise that goes on.
            momentum=self.server_momentum if mode == "full-network" else 0,
        )

    def extra_shift(self, number: int, rounds: int, mode: Mode) -> int:
        """`halvings`, and one more from ``decay_percent`` of the rounds on."""
        halvings = self.halvings
        if halvings is None:  # where momentum makes up for it
            halvings = int(mode == "full-network" and rounds >= SHORT)
        return halvings + int(100 * number >= self.decay_percent * rounds)

    @property
    def assignment(self) -> AssignmentKind:
        """Roles rotate, for devices' data differ; few are enough for the small last of two layers.

        A device sends three quarters of what it sends in full-network mode, then.
        """
        return "rotating-quarter"

    @property
    def calibration_samples(self) -> int:
        """Samples per device that the centre and the energy are computed from."""
        return self.calibration if self.centred else 0
