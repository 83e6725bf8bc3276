"""The proven worst case of every value that the arithmetic can form (SPEC, section 4)."""

from dataclasses import dataclass

from tifed.rule.network.layer import INPUT_LIMIT, Activation
from tifed.rule.network.network import Network


@dataclass(frozen=True)
class Range:
    """One kind of value and how far it can go.

    Attributes:
        layer: number of the layer, or None for what is not of a layer.
        quantity: what the value is.
        low: smallest possible value.
        high: largest possible value.
        bits: width of the signed type that holds it.
        because: why it cannot go further.
    """

    layer: int | None
    quantity: str
    low: int
    high: int
    bits: int
    because: str

    @property
    def fits(self) -> bool:
        """Whether the type holds the worst case; always true for a network that was built."""
        return -(1 << self.bits - 1) <= self.low and self.high < 1 << self.bits - 1


def ranges(network: Network, batch: int, energy_shift: int = 0) -> tuple[Range, ...]:
    """Every intermediate's proven worst case.

    Args:
        network: layers and constants.
        batch: samples per mini-batch.
        energy_shift: the least that can be added to the first layer's update shift, 0 or below.

    Returns:
        Rows in the order in which the values are formed.
    """
    rows = [
        Range(None, "sample", -INPUT_LIMIT, INPUT_LIMIT - 1, 8, "int8 by format"),
        Range(None, "input", -INPUT_LIMIT, INPUT_LIMIT - 1, 8, _input_reason(network)),
    ]
    for number, layer in enumerate(network.layers):
        wide = layer.accumulator_bits
        rescaled = layer.rescaled_limit
        low, high = {
            Activation.POCKET_TANH: (-127, 128),
            Activation.RELU: (0, 127),
            Activation.IDENTITY: (-rescaled, rescaled),
            Activation.ABSOLUTE: (0, 127),
        }[layer.activation]
        activation_bits = 16 if layer.activation.limit else 32
        reached, delta = network.reached_limit(number), network.delta_limit(number)
        through = "output error" if number == network.depth - 1 else "error · feedback"
        gradient = batch * layer.input_limit * delta
        bias_gradient = batch * delta << layer.bias_shift
        shift = layer.update_shift + (0 if number else energy_shift)
        step = -(-gradient >> shift)
        for quantity, limit, bits, because in (
            ("weight", layer.weight_bound, layer.weight_bits, "saturates (SPEC 4)"),
            ("bias", layer.bias_bound, layer.bias_bits, "saturates (SPEC 4)"),
            ("sum", layer.sum_limit, wide, "fan-in · input · weight + bias"),
            ("rescaled sum", rescaled, wide, f"sum / {layer.divisor:,}"),
        ):
            rows.append(Range(number, quantity, -limit, limit, bits, because))
        rows.append(Range(number, "activation", low, high, activation_bits, layer.activation.value))
        for quantity, limit, bits, because in (
            ("reached", reached, 32, through),
            ("delta", delta, network.delta_bits, "reached / slope, saturates"),
            ("gradient", gradient, wide, f"{batch} samples · input · delta"),
            ("bias gradient", bias_gradient, wide, f"{batch} samples · delta"),
            ("new weight", layer.weight_bound + step, wide, "before it saturates"),
        ):
            rows.append(Range(number, quantity, -limit, limit, bits, because))
    return tuple(rows)


def _input_reason(network: Network) -> str:
    """Why an input fits int8."""
    if network.centred:
        return "(sample - centre) >> 1"
    return f"sample >> {network.input_shift}" if network.input_shift else "the sample"
