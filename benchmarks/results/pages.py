"""docs/results.md and docs/results/commands.md, and the tables of other pages."""

from collections.abc import Sequence
from pathlib import Path
from string import Template

from benchmarks.results import (
    ablation,
    before,
    hard,
    headline,
    parts,
    rates,
    scarce,
    shapes,
    short,
    small_boards,
)
from benchmarks.results.carry_out import Outcomes
from benchmarks.results.row import Row
from benchmarks.results.text import MISSING, table

from tifed.experiment.report.amounts import share
from tifed.files.atomic import write_atomically

BEGIN, END = "<!-- results: made by make results -->", "<!-- end of results -->"


_COMMANDS = """# Commands behind the results

What repeats the first seed of every row of the [results](../results.md); [runs.csv](runs.csv) has
all seeds. The same settings give the same digest on any machine. This does not hold for floats, so
their rows show no digest.

"""


def write_pages(root: Path, rows: Sequence[Row], done: Outcomes) -> None:
    """Write the pages of results, and put tables into README.md and docs/front-ends.md."""
    template = Template((Path(__file__).parent / "results.md").read_text(encoding="utf-8"))
    page = template.substitute(
        accuracy_table=headline.accuracy_table(done),
        against_floats_table=headline.against_floats_table(done),
        byte_table=headline.byte_table(done),
        short_table=short.short_table(done),
        scarce_table=scarce.scarce_table(done),
        small_board_table=small_boards.small_board_table(done),
        part_table=parts.part_table(done),
        ablation_table=ablation.ablation_table(done),
        shape_table=shapes.shape_table(done),
        hard_table=hard.hard_table(done),
        preset_table=hard.preset_table(),
        before_table=before.before_table(done),
        before_8_bits_table=before.before_table(done, before.METHODS_OF_8_BITS),
        below_list=before.below_list(done),
        rate_table=rates.rate_table(done),
    )
    write_atomically(root / "docs" / "results.md", page)
    commands = _COMMANDS + command_table(rows, done)
    write_atomically(root / "docs" / "results" / "commands.md", commands)
    _put(root / "README.md", headline.headline_table(done))
    _put(root / "docs" / "front-ends.md", headline.front_end_table(done))
    _put(root / "docs" / "compression.md", short.short_table(done, (short.IID,)))


def command_table(rows: Sequence[Row], done: Outcomes) -> str:
    """Every row's first run: the command, the accuracy and the digest that it gives."""
    lines = []
    for row in rows:
        accuracy, digest = MISSING, ""
        if done[row.name]:
            first = done[row.name][0]
            accuracy = share(first.accuracy)
            digest = "floats" if "float" in row.name else f"`{first.digest[:16]}`"
        lines.append([row.name, accuracy, digest, f"`{row.command(row.seeds[0])}`"])
    return table(["row", "accuracy", "digest", "command"], lines)


def _put(page: Path, made: str) -> None:
    """Replace what stands between the two marks."""
    before_it, rest = page.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    write_atomically(page, f"{before_it}{BEGIN}\n{made}{END}{after}")
