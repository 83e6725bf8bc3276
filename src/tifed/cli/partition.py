"""``tifed partition``: who owns which training samples."""

import io
import json
from pathlib import Path
from typing import Annotated

import typer

from tifed.cli.options import DataDir, ExperimentFile, Json, Overrides, Preset, experiment_from
from tifed.files.atomic import write_atomically


def partition(
    experiment: ExperimentFile = None,
    preset: Preset = None,
    settings: Overrides = None,
    out: Annotated[
        Path | None, typer.Option(help="Draw a picture into this PNG file as well.")
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Show how many samples of each class each device of an experiment owns.

    Try *--set partition.kind=dirichlet --set partition.alpha=0.1*.
    """
    from tifed.data.partition import picture, text_table
    from tifed.experiment.build import load_data, partition_of

    chosen = experiment_from(experiment, preset, settings)
    dataset = load_data(chosen, data_dir)
    owned = partition_of(chosen, dataset)
    table = owned.table(dataset.train.labels, dataset.classes)
    if out is not None:
        png = io.BytesIO()
        picture(table, dataset.class_names, owned.kind).savefig(png, format="png", dpi=150)
        write_atomically(out, png.getvalue())
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "kind": owned.kind,
                    "class_names": dataset.class_names,
                    "counts": table.tolist(),
                    "digest": owned.digest,
                }
            )
        )
    else:
        # Not typer.echo, which writes UTF-8 to a terminal that knows ASCII only.
        print(text_table(table, dataset.class_names))
