"""``tifed ranges``: the proven worst case of every value."""

import json
from dataclasses import asdict

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from tifed.cli.options import DataDir, ExperimentFile, Json, Overrides, Preset, experiment_from


def ranges(
    experiment: ExperimentFile = None,
    preset: Preset = None,
    settings: Overrides = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Prove that nothing overflows: show the worst case of every value.

    These are weights, sums, deltas and gradients, each with the type that holds it.

    An experiment's front end comes first: with one, the data are loaded, for the size of pictures
    or the axes of a sensor.

    The worst case is over all possible data. Nothing is measured: it follows from the shape of
    the network and from the bounds at which parameters saturate.
    """
    from tifed.experiment.setup import front_end_for, network_for, signal_for
    from tifed.rule.network import ranges as worst_cases
    from tifed.rule.recipes import ENERGIES

    chosen = experiment_from(experiment, preset, settings)
    network, recipe = network_for(chosen, data_dir), chosen.build_recipe()
    least = 0
    if recipe.calibration_samples:  # whatever energy the input has
        least = min(recipe.energy_shift(network, energy) for energy in ENERGIES)
    least = network.energy_shift_within(min(0, least), chosen.batch, extra_shift=0)
    rows = worst_cases(network, chosen.batch, least)
    front_end = front_end_for(chosen, data_dir) or signal_for(chosen, data_dir)
    if front_end is not None:
        rows = (*front_end.ranges(), *rows)
    if as_json:
        typer.echo(json.dumps([asdict(row) | {"fits": row.fits} for row in rows]))
        return
    table = Table(header_style="bold", box=SIMPLE_HEAD)
    table.add_column("layer")
    table.add_column("value", no_wrap=True)
    table.add_column("worst case", justify="right", no_wrap=True)
    table.add_column("type", no_wrap=True)
    table.add_column("because", no_wrap=True)
    for row in rows:
        layer = "" if row.layer is None else str(row.layer)
        symmetric = row.low == -row.high
        worst = f"±{row.high:,}" if symmetric else f"{row.low:,} … {row.high:,}"
        table.add_row(layer, row.quantity, worst, f"int{row.bits}", row.because)
    Console(highlight=False).print(table)
