"""TIFeD's own kinds of fleets: this process, devices on lines, emulated microcontrollers."""

from typing import TYPE_CHECKING, ClassVar

from tifed.experiment.fleet_kind import FleetKind
from tifed.federation import Fleet
from tifed.fleets import FleetInputs, SimulatedFleet
from tifed.link.address import exposed_lines, repeated_line

if TYPE_CHECKING:
    from tifed.experiment.schema import Experiment


OR_UNSEALED = "name the file of the devices' keys (link.keys), or say link.unsealed = true"


def _lines(count: int) -> str:
    """How many lines, in words."""
    return "1 line" if count == 1 else f"{count} lines"


class Simulated(FleetKind):
    """Devices in this process."""

    sends_samples: ClassVar[bool] = False
    makes_copies: ClassVar[bool] = True
    keeps_data: ClassVar[bool] = True
    keeps_residuals: ClassVar[bool] = True

    def fleet(self, experiment: "Experiment", inputs: FleetInputs) -> Fleet:
        """The simulation, which has no settings of its own."""
        del experiment
        return SimulatedFleet(inputs)


class Linked(FleetKind):
    """A device at the end of each line of ``link.devices``."""

    makes_copies: ClassVar[bool] = True
    keeps_data: ClassVar[bool] = True
    brings_data: ClassVar[bool] = True
    keeps_residuals: ClassVar[bool] = True

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
        if experiment.link.sealed:
            raise ValueError(
                "link.sealed: goes with fleet = 'emulated'; for boards name the file of their keys "
                "(link.keys)"
            )
        if not (experiment.link.keys or experiment.link.unsealed):
            exposed = exposed_lines(lines)
            if exposed is not None:
                raise ValueError(f"link.devices: {exposed}: {OR_UNSEALED}")

    def fleet(self, experiment: "Experiment", inputs: FleetInputs) -> Fleet:
        """The boards, with a client for each line."""
        from tifed.fleets.linked import LinkedFleet, LinkSettings
        from tifed.link import Client, Patience, address_opener
        from tifed.link.keys import keys_for

        link = experiment.link
        patience = Patience(link.answer, link.silence)
        keys = keys_for(link.keys, len(link.devices), "link.keys")
        clients = [
            Client(line, address_opener(line, link.baud), patience, key, link.quiet)
            for line, key in zip(link.devices, keys, strict=True)
        ]
        settings = LinkSettings(link.on_reboot, link.repeats, quiet=link.quiet)
        return LinkedFleet(inputs, clients, settings)


class Emulated(FleetKind):
    """Emulated microcontrollers, each with its firmware."""

    makes_keys: ClassVar[bool] = True
    makes_copies: ClassVar[bool] = True
    keeps_data: ClassVar[bool] = True
    keeps_residuals: ClassVar[bool] = True

    def fleet(self, experiment: "Experiment", inputs: FleetInputs) -> Fleet:
        """The emulated boards, by the experiment's board, emulator and compiler."""
        from tifed.fleets.emulated import EmulatedFleet, Emulation
        from tifed.fleets.linked import LinkSettings
        from tifed.link import Patience

        link = experiment.link
        emulation = Emulation(experiment.board, experiment.emulator, experiment.compiler)
        patience = Patience(link.answer, link.silence)
        return EmulatedFleet(
            inputs,
            emulation,
            patience,
            LinkSettings(link.on_reboot, link.repeats, quiet=link.quiet),
            sealed=link.sealed,
            coder=experiment.compression.coder,
        )
