"""A run's end on a terminal: its result as a table or an object, and what makes it doubtful."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from tifed.experiment import Result

DIGEST_LENGTH = 8
"""Hexadecimal digits of a digest that a table shows."""


def result_table(results: "Sequence[Result]") -> Table:
    """One row per run of one experiment: how it learnt, how well, and what it cost a device."""
    first = results[0]
    shape = "-".join(map(str, first.layers))
    table = Table(
        title=f"{first.dataset}, {shape}, {first.devices} devices, {first.rounds} rounds",
        caption="balanced: accuracy as the mean over classes\n"
        "kB and MMAC (million multiply-accumulates): per device, whole run",
        header_style="bold",
        box=SIMPLE_HEAD,
        padding=0,  # so that 80 columns are enough
        show_edge=False,
    )
    for name in ("recipe", "mode"):
        table.add_column(name, no_wrap=True)
    for name in ("accuracy", "balanced", "kB up", "kB down", "MMAC"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("digest", no_wrap=True)
    for result in results:
        table.add_row(
            result.baseline or result.recipe,
            result.mode,
            f"{result.accuracy:.4f}",
            _share(result.balanced_accuracy),
            f"{result.bytes_up_per_device / 1000:,.0f}",
            f"{result.bytes_down_per_device / 1000:,.0f}",
            f"{result.macs_per_device / 1e6:,.1f}",
            result.digest[:DIGEST_LENGTH],
        )
    return table


def show_result(result: "Result", folder: Path, as_json: bool) -> None:
    """What a run ends with, on standard output.

    Args:
        result: of the run, perhaps of an older release.
        folder: of the run.
        as_json: one JSON object instead of a table.
    """
    if as_json:
        typer.echo(json.dumps(result.model_dump(mode="json")))
        return
    from tifed.experiment.report import own_data, privacy

    console = Console(highlight=False, soft_wrap=True)
    console.print(result_table([result]), soft_wrap=False)
    if result.quantisation is not None:
        console.print(f"numbers {result.quantisation}", markup=False)
    for sentence in (*own_data.sentences(result), *privacy.sentences(result.privacy)):
        console.print(sentence, markup=False)
    for sentence in result.warnings:
        console.print(f"warning: {sentence}", markup=False)
    console.print(f"digest {result.digest}", markup=False)
    console.print(f"report {folder / 'report.html'}", markup=False)


def _share(value: float | None) -> str:
    """A share with four decimals; a dash where an older release did not measure it."""
    return "-" if value is None else f"{value:.4f}"
