"""What one local round consists of, whatever the processor."""

from dataclasses import asdict, dataclass

from tifed.federation.costs import macs_per_visit
from tifed.rule.integer import Rounding
from tifed.rule.network import Feedback, Network


@dataclass(frozen=True)
class RoundOperations:
    """Counts of one device's round: full buffers, all their local epochs.

    Attributes:
        visits: samples trained on, each epoch counted.
        forward_macs: multiply-accumulates of forward passes.
        update_macs: of gradients, and of dense feedback.
        feedback_additions: of feedback whose entries are plus or minus one.
        random_numbers: drawn for feedback that is made again from the seed, and for rounding.
        parameters: updated, each mini-batch counted.
        units: passed through, each visit counted.
        divisions: of units whose divisor is no power of two.
        inputs: gathered for gradients, each visit counted.
    """

    visits: int
    forward_macs: int
    update_macs: int
    feedback_additions: int
    random_numbers: int
    parameters: int
    units: int
    divisions: int
    inputs: int

    @property
    def macs(self) -> int:
        """All multiply-accumulates, as a run counts them."""
        return self.forward_macs + self.update_macs

    def times(self, buffers: int) -> "RoundOperations":
        """So many of it."""
        return RoundOperations(**{name: buffers * one for name, one in asdict(self).items()})


def round_operations(
    network: Network, layers: tuple[int, ...], buffer: int, batch: int, local_epochs: int
) -> RoundOperations:
    """A round of a device that trains ``layers`` on one buffer of ``buffer`` samples."""
    steps = local_epochs * -(-buffer // batch)
    visits = local_epochs * buffer
    forward = sum(layer.fan_in * layer.fan_out for layer in network.layers)
    trained = [network.layers[number] for number in layers]
    stochastic = sum(
        (layer.fan_in + 1) * layer.fan_out
        for layer in trained
        if layer.update_rounding is Rounding.STOCHASTIC
    )
    hidden = [number for number in layers if number < network.depth - 1]
    entries = {number: network.classes * network.layers[number].fan_out for number in hidden}
    drawn = sum(
        count
        for number, count in entries.items()
        if network.feedback is not Feedback.OUTPUT_SIGN or number != network.depth - 2
    )
    dense = network.feedback is Feedback.UNIFORM
    return RoundOperations(
        visits=visits,
        forward_macs=visits * forward,
        update_macs=visits * (macs_per_visit(network, layers) - forward),
        feedback_additions=0 if dense else visits * sum(entries.values()),
        random_numbers=visits * drawn + steps * stochastic,
        parameters=steps * sum((layer.fan_in + 1) * layer.fan_out for layer in trained),
        units=visits * sum(layer.fan_out for layer in network.layers),
        divisions=visits
        * sum(layer.fan_out for layer in network.layers if layer.rescale_factor != 1),
        inputs=visits * sum(layer.fan_in for layer in trained),
    )
