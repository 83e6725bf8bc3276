"""A plan as tables for a terminal."""

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.table import Table

from tifed.board import Measured
from tifed.experiment.report.amounts import amount_of_bytes, count, memory_amount, with_prefix
from tifed.extractor.memory import extractor_memory
from tifed.extractor.operations import extractor_operations
from tifed.extractor.packed import constant_bytes
from tifed.plan.figure import Figure, Source
from tifed.plan.planning import BoardPlan, DeploymentPlan, Placement
from tifed.plan.preprocessing import Preprocessing
from tifed.rule.front_end import front_end_memory
from tifed.rule.signal.log_mel import LogMel

MARKS = {Source.COMPUTED: "", Source.MEASURED: "", Source.MODELLED: "~"}
"""Before a number, by its source."""


def tables(plan: DeploymentPlan, measured: Measured, *, parts: bool) -> Iterator[Table]:
    """What fits where; where the memory goes; what a round costs; what it sends.

    Args:
        plan: what to show.
        measured: what it was made with.
        parts: whether to split the memory of every board, instead of the first one's alone.
    """
    yield _fits(plan)
    for number, board in enumerate(plan.boards):
        if parts or number == 0:
            yield _memory(board, measured, plan.before)
    yield _costs(plan)
    if plan.boards[0].placements[0].per_sample or plan.before.shifts is not None:
        yield _features(plan)
    yield _traffic(plan)


def _fits(plan: DeploymentPlan) -> Table:
    """A row per board, a column per way to take part."""
    shape = "-".join(map(str, plan.network.shape))
    experiment = plan.experiment
    table = _table(
        f"{experiment.dataset}, {shape}, {experiment.recipe}: share of the board's RAM",
        "in RAM, in flash: where the layers are that are not trained\n"
        "red: does not fit; flash: only for lack of flash",
    )
    table.add_column("board", no_wrap=True)
    table.add_column("RAM", justify="right", no_wrap=True)
    for one in plan.boards[0].placements:
        table.add_column(_heading(one), justify="right", no_wrap=True)
    for board in plan.boards:
        table.add_row(
            board.name, memory_amount(board.board.ram), *(_cell(one) for one in board.placements)
        )
    return table


def _heading(one: Placement) -> str:
    """Short, in two lines."""
    where = "flash" if one.choice.frozen_in_flash else "RAM"
    return f"{_trained(one)}\n" + ("" if one.choice.full else f"in {where}")


def _trained(one: Placement) -> str:
    return "all" if one.choice.full else f"layer {', '.join(map(str, one.choice.layers))}"


def _cell(one: Placement) -> str:
    share = one.ram_total.value / one.board.ram
    if one.fits:
        return f"[green]{share:.0%}[/]"
    return "[red]flash[/]" if share <= 1 else f"[bold red]{share:.0%}[/]"


def _memory(board: BoardPlan, measured: Measured, before: Preprocessing) -> Table:
    """A row per part, a column per way to take part."""
    core = board.board.core
    image = measured.image(core)
    commands = (*([image.command] if image else []), *before.commands(core))
    note = "~ modelled; other numbers are exact"
    note += (
        "".join((", or measured:", *(f"\n{command}" for command in commands))) if commands else ""
    )
    title = f"{board.board.title}: bytes of RAM and flash"
    table = _table(title, note)
    table.add_column("part", no_wrap=True)
    for one in board.placements:
        table.add_column(_heading(one), justify="right", no_wrap=True)
    first = board.placements[0]
    for part in first.ram:
        table.add_row(part, *(_bytes(one.ram[part]) for one in board.placements))
    table.add_row("RAM", *(_bytes(one.ram_total) for one in board.placements), style="bold")
    table.add_row(
        "times less than all",
        *(f"{first.ram_total.value / one.ram_total.value:.1f}" for one in board.placements),
        end_section=True,
    )
    for part in first.flash:
        table.add_row(part, *(_bytes(one.flash[part]) for one in board.placements))
    table.add_row("flash", *(_bytes(one.flash_total) for one in board.placements), style="bold")
    return table


def _costs(plan: DeploymentPlan) -> Table:
    """What a round costs where the experiment's own work fits."""
    table = _table(
        "a round of one device",
        "~ modelled. Instructions are not cycles: time assumes the cycles per\n"
        "instruction (CPI) shown, energy the board's typical current.\n"
        "Radio: both ways, without waiting.",
    )
    table.add_column("board", no_wrap=True)
    table.add_column("trains", no_wrap=True)
    for name in (
        "instr.",
        "CPI",
        "compute\ntime",
        "radio\ntime",
        "compute\nenergy",
        "radio\nenergy",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    for board in plan.boards:
        for one in _shown(plan, board.placements):
            table.add_row(
                board.name,
                _trained(one),
                _marked(one.instructions, count(one.instructions.value)),
                f"{board.cycles_per_instruction:g}",
                *(
                    _marked(figure, with_prefix(figure.value, unit))
                    for figure, unit in (
                        (one.compute_seconds, "s"), (one.radio_seconds, "s"),
                        (one.compute_joules, "J"), (one.radio_joules, "J"),
                    )
                ),
            )  # fmt: skip
    return table


def _features(plan: DeploymentPlan) -> Table:
    """What making the features of one sample costs, step by step."""
    before = plan.before
    notes = []
    if before.signal is not None:
        notes.append(
            f"front end {before.signal.name}: {before.signal.memory:,} bytes of RAM to work in"
        )
    if isinstance(before.signal, LogMel):
        notes.append(
            f"readings: of the longest recording, {before.signal.frames:,} frames of 10 ms"
        )
    if before.front_end is not None:
        notes.append(
            f"front end {before.front_end.name}: "
            f"{front_end_memory(before.front_end).total:,} bytes of RAM to work in"
        )
    if before.extractor is not None:
        macs = extractor_operations(before.extractor).macs
        notes.append(
            f"extraction: {count(macs)} multiply-accumulates, "
            f"{constant_bytes(before.extractor):,} bytes of constants\n"
            f"in flash, {extractor_memory(before.extractor).total:,} of RAM to work in"
        )
    epochs = plan.experiment.local_epochs
    samples = plan.experiment.buffers_per_round * plan.experiment.buffer
    copies = f" as it arrives and {epochs} times as a shift copy" * (before.shifts is not None)
    notes.append(
        f"a round's cost above includes {samples} samples, each once{copies}\n"
        "~ modelled from measured ones"
    )
    raw = f"{before.inputs(plan.network.features):,} bytes" if before.signal is None else "readings"
    table = _table(
        f"features of one sample: {plan.network.features:,}, from {raw}", "\n".join(notes)
    )
    table.add_column("board", no_wrap=True)
    table.add_column("step", no_wrap=True)
    for name in ("instr.", "time", "energy"):
        table.add_column(name, justify="right", no_wrap=True)
    for board in plan.boards:
        row = board.board
        first = board.placements[0]
        for step, one in {**first.per_sample, **first.per_visit}.items():
            seconds = one.times(board.cycles_per_instruction / row.clock, Source.MODELLED)
            joules = seconds.times(row.current / 1000 * row.volts, Source.MODELLED)
            table.add_row(
                board.name,
                step,
                _marked(one, count(one.value)),
                _marked(seconds, with_prefix(seconds.value, "s")),
                _marked(joules, with_prefix(joules.value, "J")),
            )
    return table


def _traffic(plan: DeploymentPlan) -> Table:
    """Bytes, which are the same on every board."""
    table = _table("traffic of one device", "exact, without the framing of whatever carries it")
    for name in ("trains", "down/round", "up/round", "whole training"):
        table.add_column(name, justify="left" if name == "trains" else "right", no_wrap=True)
    table.add_column("written to flash/round", justify="right", no_wrap=True)
    for one in plan.boards[0].placements:
        if not one.choice.full and not one.choice.frozen_in_flash:
            continue
        work = one.work
        table.add_row(
            _trained(one),
            amount_of_bytes(work.bytes_down),
            amount_of_bytes(work.bytes_up),
            amount_of_bytes(work.bytes_of_training),
            "" if one.choice.full else f"{amount_of_bytes(one.flash_written)}",
        )
    return table


def _shown(plan: DeploymentPlan, placements: tuple[Placement, ...]) -> Iterator[Placement]:
    """What devices are asked to do in the experiment's mode, once each, if it fits somehow."""
    for layers in plan.needed:
        fitting = [one for one in placements if one.choice.layers == layers and one.fits]
        yield from fitting[:1]


def _table(title: str, caption: str) -> Table:
    return Table(
        title=title, title_justify="left", caption=caption, caption_justify="left",
        header_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False,
    )  # fmt: skip


def _bytes(figure: Figure) -> str:
    return _marked(figure, f"{figure.value:,.0f}")


def _marked(figure: Figure, text: str) -> str:
    return MARKS[figure.source] + text
