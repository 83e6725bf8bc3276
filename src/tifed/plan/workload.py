"""What a round asks of a device, whatever the device: operations and bytes."""

from dataclasses import dataclass

from tifed.experiment import Experiment
from tifed.experiment.constants import changes_of
from tifed.federation import AverageEvery
from tifed.federation.costs import calibration_costs, download_bytes, upload_bytes
from tifed.plan.round_operations import RoundOperations, round_operations
from tifed.rule.network import Network


@dataclass(frozen=True)
class Work:
    """One device's round, in which it fills its buffers and trains on them.

    Attributes:
        layers: trained.
        operations: of the round.
        exchanges: averages per round.
        bytes_down: received per round.
        bytes_up: sent per round.
        bytes_once_down: received once, before the first round (the input's centre).
        bytes_once_up: sent once.
        rounds: that a device takes part in over a training, on average.
    """

    layers: tuple[int, ...]
    operations: RoundOperations
    exchanges: int
    bytes_down: int
    bytes_up: int
    bytes_once_down: int
    bytes_once_up: int
    rounds: float

    @property
    def bytes_of_training(self) -> float:
        """Sent and received over a whole training."""
        once = self.bytes_once_down + self.bytes_once_up
        return self.rounds * (self.bytes_down + self.bytes_up) + once


def work(experiment: Experiment, network: Network, layers: tuple[int, ...]) -> Work:
    """A round of a device with full buffers that trains ``layers``."""
    exchanges = {
        AverageEvery.BUFFER: 1,
        AverageEvery.EPOCH: experiment.local_epochs,
        AverageEvery.MINI_BATCH: experiment.local_epochs
        * -(-experiment.buffer // experiment.batch),
    }[experiment.average_every]
    once = calibration_costs(network, int(experiment.calibration_samples > 0))
    asked = experiment.devices_per_round or experiment.devices
    up, down = changes_of(experiment, network)
    missed = -(-experiment.devices // asked)
    return Work(
        layers=layers,
        operations=round_operations(
            network, layers, experiment.buffer, experiment.batch, experiment.local_epochs
        ).times(experiment.buffers_per_round),
        exchanges=exchanges,
        bytes_down=exchanges * download_bytes(network, down.layers, missed),
        bytes_up=exchanges * upload_bytes(network, layers, up.layers),
        bytes_once_down=once.bytes_down,
        bytes_once_up=once.bytes_up,
        rounds=experiment.rounds * asked / experiment.devices,
    )
