"""TIFeD's own kinds of fleets: this process, devices on lines, emulated microcontrollers."""

from typing import TYPE_CHECKING, ClassVar

from tifed.experiment.fleet_kind import FleetKind
from tifed.federation import Fleet
from tifed.fleets import FleetInputs, SimulatedFleet
from tifed.link.address import repeated_line

if TYPE_CHECKING:
    from tifed.experiment.schema import Experiment


def _lines(count: int) -> str:
    """How many lines, in words."""
    return "1 line" if count == 1 else f"{count} lines"


class Simulated(FleetKind):
    """Devices in this process."""

    sends_samples: ClassVar[bool] = False
    makes_copies: ClassVar[bool] = True
    keeps_data: ClassVar[bool] = True

    def fleet(self, experiment: "Experiment", inputs: FleetInputs) -> Fleet:
        """The simulation, which has no settings of its own."""
        del experiment
        return SimulatedFleet(inputs)


class Linked(FleetKind):
    """A device at the end of each line of ``link.devices``."""

    makes_copies: ClassVar[bool] = True
    keeps_data: ClassVar[bool] = True
    brings_data: ClassVar[bool] = True

    def check(self, experiment: "Experiment") -> None:
        """As many lines as devices, none of them twice."""
        lines = experiment.link.devices
        if not lines:
            raise ValueError(
                "link.devices: goes with fleet = 'linked'; give the address of each device's "
                "line, such as serial:/dev/ttyACM0"
            )
        if len(lines) != experiment.devices:
            raise ValueError(
                f"link.devices: {_lines(len(lines))} for {experiment.devices} devices; "
                "give one for each"
            )
        repeated = repeated_line(lines)
        if repeated is not None:
            raise ValueError(f"link.devices: {repeated}")

    def fleet(self, experiment: "Experiment", inputs: FleetInputs) -> Fleet:
        """The boards, with a client for each line."""
        from tifed.fleets.linked import LinkedFleet, LinkSettings
        from tifed.link import Client, Patience, address_opener

        link = experiment.link
        patience = Patience(link.answer, link.silence)
        clients = [Client(line, address_opener(line, link.baud), patience) for line in link.devices]
        return LinkedFleet(inputs, clients, LinkSettings(link.on_reboot, link.repeats))


class Emulated(FleetKind):
    """Emulated microcontrollers, each with its firmware."""

    makes_copies: ClassVar[bool] = True
    keeps_data: ClassVar[bool] = True

    def fleet(self, experiment: "Experiment", inputs: FleetInputs) -> Fleet:
        """The emulated boards, by the experiment's board, emulator and compiler."""
        from tifed.fleets.emulated import EmulatedFleet, Emulation
        from tifed.fleets.linked import LinkSettings
        from tifed.link import Patience

        link = experiment.link
        emulation = Emulation(experiment.board, experiment.emulator, experiment.compiler)
        patience = Patience(link.answer, link.silence)
        return EmulatedFleet(
            inputs, emulation, patience, LinkSettings(link.on_reboot, link.repeats)
        )
