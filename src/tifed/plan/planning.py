"""The plan of an experiment: for every board, every way to take part, what it needs and costs."""

from collections.abc import Mapping
from dataclasses import dataclass

from tifed.board import Board, Boards, Measured
from tifed.experiment import Experiment
from tifed.experiment.constants import assignment_of, changes_of, personal_rounds
from tifed.experiment.front_end import require_front_end
from tifed.experiment.pixel_shifts import require_shifts
from tifed.plan.board_memory import Parts, flash_parts, ram_parts
from tifed.plan.choice import Choice, choices
from tifed.plan.device_network import check_for_devices
from tifed.plan.figure import Figure, Source, total
from tifed.plan.instructions import instructions
from tifed.plan.preprocessing import AS_THEY_ARE, Preprocessing
from tifed.plan.workload import Work, work
from tifed.rule.network import Network

_DEVICES_LOOKED_AT = 4096


@dataclass(frozen=True)
class Placement:
    """One way to take part, on one board.

    Attributes:
        choice: what is trained, and where the rest is.
        work: per round.
        ram: bytes by part.
        flash: bytes by part.
        board: where.
        instructions: per round, those for making features of samples included.
        per_sample: of these, those for making the features of one sample, by step.
        per_visit: of these, those for making the features of a shift copy, by step, for each
            visit of a sample in training; empty without shift copies.
        compute_seconds: per round.
        radio_seconds: per round, both ways.
        compute_joules: per round.
        radio_joules: per round, both ways.
    """

    choice: Choice
    work: Work
    ram: Parts
    flash: Parts
    board: Board
    instructions: Figure
    per_sample: Mapping[str, Figure]
    per_visit: Mapping[str, Figure]
    compute_seconds: Figure
    radio_seconds: Figure
    compute_joules: Figure
    radio_joules: Figure

    @property
    def ram_total(self) -> Figure:
        """Bytes of RAM."""
        return total(self.ram.values())

    @property
    def flash_total(self) -> Figure:
        """Bytes of flash."""
        return total(self.flash.values())

    @property
    def fits(self) -> bool:
        """Whether both fit the board."""
        return self.ram_total.value <= self.board.ram and self.flash_total.value <= self.board.flash

    @property
    def flash_written(self) -> int:
        """Bytes of flash programmed per round: frozen layers change whenever a round ends."""
        return int(self.flash["frozen weights"].value) * self.work.exchanges


@dataclass(frozen=True)
class BoardPlan:
    """Everything about one board.

    Attributes:
        name: in the table.
        board: its row.
        cycles_per_instruction: assumed.
        placements: one per choice; the first is the full network.
    """

    name: str
    board: Board
    cycles_per_instruction: float
    placements: tuple[Placement, ...]


@dataclass(frozen=True)
class DeploymentPlan:
    """An experiment on boards.

    Attributes:
        experiment: what would be run.
        network: what every device would hold.
        needed: layers that devices are asked to train in the experiment's mode, each set once.
        boards: in the table's order.
        before: how devices make features of their samples.
    """

    experiment: Experiment
    network: Network
    needed: tuple[tuple[int, ...], ...]
    boards: tuple[BoardPlan, ...]
    before: Preprocessing = AS_THEY_ARE


def plan(
    experiment: Experiment,
    network: Network,
    known: Boards,
    measured: Measured,
    names: tuple[str, ...] = (),
    before: Preprocessing = AS_THEY_ARE,
) -> DeploymentPlan:
    """Plan ``experiment`` on the boards called ``names``, or on all that are known.

    Args:
        experiment: what would be run.
        network: its network (`tifed.experiment.setup.network_for`).
        known: boards and cores.
        measured: sizes and instruction counts.
        names: of boards.
        before: how devices make the network's features of their samples.

    Raises:
        UsageError: if a board is not known, the network is one for simulations only, it does not
            take the features that are made, or the experiment's front end is left out.
    """
    check_for_devices(network)
    require_front_end(experiment, before.front_end, before.signal)
    require_shifts(experiment, before.shifts)
    before.check(network.features)
    needed = _needed(experiment, network)
    every = choices(network.depth, needed)
    works = {choice: work(experiment, network, choice.layers) for choice in every}
    return DeploymentPlan(
        experiment=experiment,
        network=network,
        needed=needed,
        boards=tuple(
            BoardPlan(
                name,
                board,
                known.cycles_per_instruction(board),
                tuple(
                    _placement(
                        choice,
                        works[choice],
                        board,
                        experiment,
                        network,
                        known,
                        measured,
                        before,
                        _kept(experiment, network, choice, needed),
                    )
                    for choice in every
                ),
            )
            for name, board in known.chosen(names).items()
        ),
        before=before,
    )


def _needed(experiment: Experiment, network: Network) -> tuple[tuple[int, ...], ...]:
    """Each set of layers that some device trains in some round, personal ones included."""
    asked = assignment_of(experiment, network)
    # Every assignment repeats after `depth` rounds at the latest, and devices that differ are among
    # the first or in wide groups: a million devices need not all be looked at.
    rounds = range(min(experiment.rounds, network.depth))
    some = min(experiment.devices, _DEVICES_LOOKED_AT)
    devices = {*range(some), *(number * experiment.devices // some for number in range(some))}
    needed = {asked(device, number) for device in devices for number in rounds}
    personal = personal_rounds(experiment, network)
    return tuple(sorted(needed | ({personal.layers} if personal is not None else set())))


def _kept(
    experiment: Experiment,
    network: Network,
    choice: Choice,
    needed: tuple[tuple[int, ...], ...],
) -> tuple[int, ...]:
    """The layers of which a device keeps what of their changes was too small to go up.

    In single-layer mode it keeps that of a layer while it trains others.
    """
    upload, _ = changes_of(experiment, network)
    if not upload.residual:
        return ()
    others = needed if choice.layers in needed else ()
    trained = {layer for layers in (choice.layers, *others) for layer in layers}
    return tuple(sorted(layer for layer in trained if upload.layers[layer].top))


def _placement(
    choice: Choice,
    work: Work,
    board: Board,
    experiment: Experiment,
    network: Network,
    known: Boards,
    measured: Measured,
    before: Preprocessing,
    kept: tuple[int, ...],
) -> Placement:
    """What ``choice`` needs and costs on ``board``."""
    core = known.cores[board.core]
    count = instructions(board.core, core, experiment, network, work, measured)
    per_sample = before.instructions(board.core, core)
    per_visit = before.visit_instructions(board.core, core)
    # A round fills the buffer once, and visits it in each local epoch.
    visits = experiment.buffer * experiment.local_epochs
    making = [one.times(experiment.buffer) for one in per_sample.values()]
    count = total((count, *making, *(one.times(visits) for one in per_visit.values())))
    per_second = board.clock / known.cycles_per_instruction(board)
    seconds = count.times(1 / per_second, Source.MODELLED)
    radio = board.radio
    talked = work.bytes_down + work.bytes_up
    nanojoules = work.bytes_down * radio.received + work.bytes_up * radio.sent
    return Placement(
        choice=choice,
        work=work,
        ram=ram_parts(experiment, network, choice, board, measured, before, kept),
        flash=flash_parts(experiment, network, choice, board, measured, before),
        board=board,
        instructions=count,
        per_sample=per_sample,
        per_visit=per_visit,
        compute_seconds=seconds,
        radio_seconds=Figure(talked * 8 / radio.rate, Source.MODELLED),
        compute_joules=seconds.times(board.current / 1000 * board.volts, Source.MODELLED),
        radio_joules=Figure(nanojoules * 1e-9, Source.MODELLED),
    )
