"""A kind of fleet: simulated devices, with a file that says who was asked for what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from tifed.experiment import Experiment
from tifed.experiment.fleets import Simulated
from tifed.federation import DeviceScore, FeatureSums, Fleet, Plan, Update
from tifed.fleets import FleetInputs
from tifed.rule.network import Parameters


@dataclass(frozen=True)
class Recording:
    """Passes work on to another fleet, and writes a line for each exchange."""

    fleet: Fleet
    file: Path

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterable[FeatureSums]:
        """Feature sums of each of ``devices``."""
        self._write(f"calibrate {len(devices)} devices")
        return self.fleet.calibrate(devices, samples)

    def fit(self, plan: Plan, parameters: Parameters) -> Iterable[Update]:
        """The updates of the devices in ``plan``."""
        self._write(f"round {plan.round + 1}: {len(plan.jobs)} devices")
        return self.fleet.fit(plan, parameters)

    def evaluate(self, parameters: Parameters) -> Iterable[DeviceScore]:
        """Scores of all devices."""
        return self.fleet.evaluate(parameters)

    def close(self) -> None:
        """Close the fleet beneath."""
        self.fleet.close()

    def _write(self, line: str) -> None:
        with self.file.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


class Recorded(Simulated):
    """The simulated fleet, recorded."""

    file: Path = Field(Path("exchanges.txt"), description="where the lines go")

    def fleet(self, experiment: Experiment, inputs: FleetInputs) -> Fleet:
        """A recording of what `Simulated` makes."""
        return Recording(super().fleet(experiment, inputs), self.file)
