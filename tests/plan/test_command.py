"""``tifed plan`` as typed."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from tifed.board import Measured
from tifed.cli.plan import plan
from tifed.errors import UsageError
from tifed.experiment.report.theme import DARK, png
from tifed.plan import DeploymentPlan
from tifed.plan.picture import ram_picture
from tifed.plan.tables import tables

app = typer.Typer()
app.command()(plan)
runner = CliRunner()

PNG = b"\x89PNG\r\n\x1a\n"


def text_of(made: DeploymentPlan, parts: bool = False, width: int = 80) -> str:
    console = Console(width=width, record=True, file=StringIO())
    for table in tables(made, Measured(), parts=parts):
        console.print(table)
    return console.export_text()


def test_a_table_says_what_fits_and_what_it_costs() -> None:
    outcome = runner.invoke(app, ["--preset", "digits"], env={"COLUMNS": "80"})
    assert outcome.exit_code == 0, outcome.output
    for board in ("nrf52840", "stm32h743", "rp2040", "esp32-c3", "microbit"):
        assert board in outcome.output
    assert "…" not in outcome.output, "80 columns are enough"
    assert "Instructions are not cycles" in outcome.output
    assert max(map(len, outcome.output.splitlines())) <= 80


def test_what_does_not_fit_is_not_priced(make_plan: Callable[..., DeploymentPlan]) -> None:
    wide = make_plan("dataset=mnist", "layers=[784,200,10]")
    costs = text_of(wide).split("a round of one device")[1]
    assert "stm32h743" in costs
    assert "microbit" not in costs
    assert "2121%" in text_of(wide), "of the micro:bit's RAM"


def test_a_named_board_shows_its_parts(make_plan: Callable[..., DeploymentPlan]) -> None:
    text = text_of(make_plan(names=("rp2040", "microbit")), parts=True)
    assert text.count("bytes of RAM and flash") == 2
    for part in ("weights", "buffer", "activations", "deltas", "scratch", "stack", "firmware",
                 "reserved", "code", "frozen weights"):  # fmt: skip
        assert f"\n {part}" in text or f"\n{part}" in text


def test_json_and_picture(tmp_path: Path) -> None:
    arguments = ["--board", "microbit", "--json", "--out", str(tmp_path / "deep" / "plan.png")]
    outcome = runner.invoke(app, arguments)
    assert outcome.exit_code == 0, outcome.output
    plain = json.loads(outcome.output)
    assert [board["name"] for board in plain["boards"]] == ["microbit"]
    assert (tmp_path / "deep" / "plan.png").read_bytes().startswith(PNG)


def test_own_boards_and_wrong_names(tmp_path: Path) -> None:
    outcome = runner.invoke(app, ["--board", "arduino"])
    assert isinstance(outcome.exception, UsageError)
    assert "board: 'arduino' is not known" in str(outcome.exception)
    outcome = runner.invoke(app, ["--boards", str(tmp_path / "none.toml")])
    assert isinstance(outcome.exception, UsageError)
    assert "none.toml: cannot be read" in str(outcome.exception)


@pytest.mark.slow(4)
@pytest.mark.parametrize(
    "overrides",
    [[], ["dataset=mnist", "layers=[784,200,10]"], ["layers=[64,16,16,16,16,10]"],
     ["layers=[64,10]"]],
)  # fmt: skip
def test_pictures_of_every_depth(
    make_plan: Callable[..., DeploymentPlan], overrides: list[str]
) -> None:
    figure = ram_picture(make_plan(*overrides))
    panels = [axes for axes in figure.axes if axes.has_data()]
    depth = len(overrides[-1].split(",")) - 1 if overrides else 2
    assert len(panels) == min(4, depth + 1 if depth > 1 else 1)
    first, again = png(figure, dots_per_inch=50), png(figure, dots_per_inch=50)
    assert first == again
    assert png(figure, DARK, dots_per_inch=50) != first
