"""A fleet of emulated microcontrollers: compile the firmware once, start one board per device."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Literal

from tifed.board.emulators.start import Board, start_board
from tifed.board.firmware.boards import board_for
from tifed.board.firmware.build import Compiler, Firmware, build_firmware
from tifed.board.firmware.header import experiment_header
from tifed.extractor import Extractor
from tifed.federation import DeviceScore, FeatureSums, Plan, Update
from tifed.federation.device import Stream
from tifed.fleets.linked import LinkedFleet, LinkSettings
from tifed.link import Client, Patience
from tifed.link.transport import Opener
from tifed.rule.learning.engine import Engine
from tifed.rule.network import Network, Parameters

Emulator = Literal["unicorn", "qemu"]


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
    network: Network,
    trained: Sequence[tuple[int, ...]],
    buffer: int,
    batch: int,
    frozen: Parameters | None = None,
    extractor: Extractor | None = None,
) -> Firmware:
    """The image that every device of the fleet runs.

    Args:
        emulation: what to emulate, and with what.
        network: what every device holds.
        trained: the sets of layers that devices will be asked to train.
        buffer: samples a device keeps.
        batch: samples per mini-batch.
        frozen: where the layers that are in no set are taken from, to be kept in flash.
        extractor: what every device makes features of its raw samples with, if it does.

    Raises:
        UsageError: if the board cannot run it, or there is no compiler.
    """
    board = board_for(emulation.board, emulation.emulator)
    header = experiment_header(network, trained, buffer, batch, frozen=frozen, extractor=extractor)
    return build_firmware(board, header, emulation.compiler)


@dataclass
class EmulatedFleet:
    """A board for each stream; they are built and started when they are first needed.

    Attributes:
        emulation: what to emulate, and with what.
        network: what every device holds.
        streams: per device its samples, as the network takes them.
        trained: the sets of layers that devices will be asked to train.
        buffer: samples a device keeps.
        batch: samples per mini-batch.
        seed: of the experiment.
        engine: who scores the final model.
        patience: how long to wait for a device.
        settings: what to do about devices that fail.
        wire: put between us and each board, for instance one that loses bytes.
        start: the experiment's first parameters; layers that no device trains keep them for good,
            so firmware has them in flash.
        extractor: what every device makes features of its raw samples with, if it does.
        raw: per device its samples before that, if there is an extractor.
    """

    emulation: Emulation
    network: Network
    streams: Sequence[Stream]
    trained: Sequence[tuple[int, ...]]
    buffer: int
    batch: int
    seed: int
    engine: Engine
    patience: Patience = field(default_factory=Patience)
    settings: LinkSettings = field(default_factory=LinkSettings)
    wire: Callable[[int, Board, Opener], Opener] = lambda device, board, opener: opener
    start: Parameters | None = None
    extractor: Extractor | None = None
    raw: Sequence[Stream] | None = None
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
            self.emulation,
            self.network,
            self.trained,
            self.buffer,
            self.batch,
            self.start,
            self.extractor,
        )
        with ExitStack() as boards:
            clients = []
            for device in range(len(self.streams)):
                board, opener = start_board(firmware, boards)
                name = f"{firmware.board.name}, emulated"
                opener = self.wire(device, board, opener)
                clients.append(Client(name, opener, self.patience))
            return LinkedFleet(
                clients, self.network, self.streams, self.buffer, self.batch, self.seed,
                self.engine, self.settings, boards.pop_all().close,
                extractor=self.extractor, raw=self.raw,
            )  # fmt: skip
