"""A fleet of emulated microcontrollers: compile the firmware once, start one board per device."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Literal

from tifed.board.emulators.start import RunningBoard, start_board
from tifed.board.firmware.build import Compiler, Firmware, build_firmware
from tifed.board.firmware.emulated_boards import board_for
from tifed.board.firmware.header import experiment_header
from tifed.errors import UsageError
from tifed.federation import (
    DeviceCounts,
    DeviceScore,
    FeatureSums,
    PersonalScore,
    PersonalWork,
    Plan,
    Update,
)
from tifed.fleets.built_for import require_copies_on_devices
from tifed.fleets.inputs import FleetInputs
from tifed.fleets.linked import LinkedFleet, LinkSettings
from tifed.fleets.stores import flash_contents, played_signal, require_ram, store_shape
from tifed.link import Client, Patience
from tifed.link.keys import new_key
from tifed.link.transport import Opener
from tifed.rule.network import Parameters

Emulator = Literal["unicorn", "qemu"]

RAM_FOR_A_MODEL = 1 << 20
"""Bytes of RAM of an emulated board on which the model stays, at least: it stays in RAM."""


@dataclass(frozen=True)
class Emulation:
    """What to emulate, and with what.

    Attributes:
        board: processor: ``cortex-m0``, ``cortex-m3``, ``cortex-m4``, ``cortex-m7``, ``riscv32``.
        emulator: ``unicorn``, in this process, or ``qemu``, a process per device.
        compiler: of the firmware.
    """

    board: str = "cortex-m4"
    emulator: Emulator = "unicorn"
    compiler: Compiler = "zig"


def firmware_for(
    emulation: Emulation,
    inputs: FleetInputs,
    defines: Sequence[str] = (),
    sealed: bool = False,
    coder: bool = True,
    quiet: bool = False,
) -> Firmware:
    """The image that every device of the fleet runs.

    Layers that no device trains keep their first parameters for good, so it has them in flash.

    Args:
        emulation: what to emulate.
        inputs: what it is built for.
        defines: further ``NAME=VALUE`` for the preprocessor.
        sealed: whether every device has a key, with which its line is sealed.
        coder: whether devices code their short updates, if there are any.
        quiet: whether they answer an exchange as a whole.

    Raises:
        UsageError: if the board cannot run it, or there is no compiler.
    """
    board = board_for(emulation.board, emulation.emulator)
    require_copies_on_devices(inputs)
    if inputs.own_data:
        require_ram(inputs, board)
    federation = inputs.federation
    short = bool(federation.upload.layers or federation.download.layers)

    residuals = federation.residual_layers()

    def built(received: bool) -> Firmware:
        header = experiment_header(
            federation.network, federation.layer_sets(), federation.buffer, federation.batch,
            frozen=inputs.start, front_end=inputs.front_end, extractor=inputs.extractor,
            shifts=inputs.shifts,
            store=store_shape(inputs) if inputs.own_data else None,
            keeps=board.ram >= RAM_FOR_A_MODEL,
            plays=played_signal(inputs),
            signal_digest=inputs.signal_digest if inputs.own_data else None,
            sealed=sealed, masked=inputs.device_masks,
            short=short, received=received, coder=short and coder,
            quiet=quiet, residuals=residuals,
        )  # fmt: skip
        return build_firmware(board, header, emulation.compiler, defines=defines)

    if not short:
        return built(received=False)
    try:
        return built(received=True)
    except UsageError:  # no room, or what the next line says again
        if residuals:  # which are of changes of what was received
            raise
        return built(received=False)


@dataclass
class EmulatedFleet:
    """A board for each stream; they are built and started when they are first needed.

    Attributes:
        inputs: what every device is built for.
        emulation: what to emulate, and with what.
        patience: how long to wait for a device.
        settings: what to do about devices that fail.
        defines: further ``NAME=VALUE`` for the firmware's preprocessor.
        wire: put between us and each board, for instance one that loses bytes.
        sealed: whether the lines are sealed, with keys that are made when the boards start.
        coder: whether boards code their short updates.
    """

    inputs: FleetInputs
    emulation: Emulation
    patience: Patience = field(default_factory=Patience)
    settings: LinkSettings = field(default_factory=LinkSettings)
    defines: Sequence[str] = ()
    wire: Callable[[int, RunningBoard, Opener], Opener] = lambda device, board, opener: opener
    sealed: bool = False
    coder: bool = True
    _linked: LinkedFleet | None = field(default=None, init=False, repr=False)

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterable[FeatureSums]:
        """Feature sums, made by each of ``devices``."""
        return self.linked.calibrate(devices, samples)

    def fit(self, plan: Plan, parameters: Parameters) -> Iterable[Update]:
        """The updates of the devices that answer, as they come."""
        return self.linked.fit(plan, parameters)

    def evaluate(self, parameters: Parameters) -> Iterable[DeviceScore]:
        """Scores on each device's samples; see `LinkedFleet.evaluate`."""
        return self.linked.evaluate(parameters)

    def counts(self) -> Iterable[DeviceCounts]:
        """How many samples of its own each device has."""
        return self.linked.counts()

    def keep(self, parameters: Parameters, number: int) -> None:
        """Give the devices the model of round ``number``, which stays on them."""
        self.linked.keep(parameters, number)

    def personalise(self, parameters: Parameters, work: PersonalWork) -> Iterable[PersonalScore]:
        """Let each device go on alone."""
        return self.linked.personalise(parameters, work)

    def close(self) -> None:
        """Stop the boards."""
        if self._linked is not None:
            self._linked.close()

    @property
    def linked(self) -> LinkedFleet:
        """The started fleet.

        Raises:
            UsageError: if the board cannot run the experiment, or a program is missing.
            RunError: if an emulator does not start.
        """
        if self._linked is None:
            self._linked = self._started()
        return self._linked

    def _started(self) -> LinkedFleet:
        firmware = firmware_for(
            self.emulation, self.inputs, self.defines, self.sealed, self.coder, self.settings.quiet
        )
        own = flash_contents(self.inputs, firmware)
        with ExitStack() as boards:
            clients = []
            for device in range(len(self.inputs.streams)):
                key = new_key() if self.sealed else None
                store = None if own is None else own[device]
                board, opener = start_board(firmware, boards, store, key)
                name = f"{firmware.board.name}, emulated"
                opener = self.wire(device, board, opener)
                clients.append(Client(name, opener, self.patience, key, self.settings.quiet))
            return LinkedFleet(self.inputs, clients, self.settings, boards.pop_all().close)
