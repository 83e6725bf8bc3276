"""docs/results.md, made of text and of tables, and the tables of README.md."""

from collections.abc import Sequence
from pathlib import Path
from string import Template

from benchmarks.results import ablation, hard, headline, shapes
from benchmarks.results.carry_out import Outcomes
from benchmarks.results.row import Row
from benchmarks.results.text import share, table
from benchmarks.results.upload import Line, upload_table

from tifed.files.atomic import write_atomically

_BEGIN, _END = "<!-- results: made by make results -->", "<!-- end of results -->"


def write_pages(root: Path, rows: Sequence[Row], done: Outcomes, updates: Sequence[Line]) -> None:
    """Write docs/results.md, and put the headline table into README.md."""
    template = Template((Path(__file__).parent / "results.md").read_text(encoding="utf-8"))
    page = template.substitute(
        accuracy_table=headline.accuracy_table(done),
        byte_table=headline.byte_table(done),
        upload_table=upload_table(updates),
        ablation_table=ablation.ablation_table(done),
        shape_table=shapes.shape_table(done),
        hard_table=hard.hard_table(done),
        preset_table=hard.preset_table(),
        hard_text=(Path(__file__).parent / "hard.md").read_text(encoding="utf-8").strip(),
        digest_table=digest_table(rows, done),
    )
    write_atomically(root / "docs" / "results.md", page)
    readme = root / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(_BEGIN)
    after = rest.split(_END)[1]
    middle = f"{_BEGIN}\n{headline.headline_table(done)}{_END}"
    write_atomically(readme, before + middle + after)


def digest_table(rows: Sequence[Row], done: Outcomes) -> str:
    """Every row's first run: the command, the accuracy and the digest that it gives."""
    lines = []
    for row in rows:
        if not done[row.name]:
            continue
        first = done[row.name][0]
        digest = "floats" if "float" in row.name else first.digest[:16]
        command = f"`{row.command(first.seed)}`"
        lines.append([row.name, share(first.accuracy), f"`{digest}`", command])
    return table(["row", "accuracy", "digest", "command"], lines)
