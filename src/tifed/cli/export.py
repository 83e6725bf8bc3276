"""``tifed export``: the core and an experiment's network as a library for firmware."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tifed.cli.options import DataDir, Json, Overrides, Preset, experiment_from
from tifed.errors import UsageError


def export(
    places: Annotated[
        list[Path],
        typer.Argument(
            metavar="[EXPERIMENT.toml] DIR", help="Experiment file, and the folder to create."
        ),
    ],
    framework: Annotated[
        str,
        typer.Option(
            metavar="arduino|platformio|zephyr|esp-idf|cmake",
            help="Build system whose layout the folder gets.",
        ),
    ] = "cmake",
    preset: Preset = None,
    settings: Overrides = None,
    parameters: Annotated[
        Path | None,
        typer.Option(
            metavar="MODEL",
            help="Start from this model.safetensors; default the first parameters of a run.",
        ),
    ] = None,
    layer: Annotated[
        list[int] | None,
        typer.Option(
            help="Train only this layer on the device; with --parameters the others stay in flash. "
            "May be given several times."
        ),
    ] = None,
    prefix: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Begin the names of the model's functions, constants and files with this, so that "
            "other models fit beside it: door gives door_start and door_model.h; default "
            "tifed_model_start and tifed_model.h.",
        ),
    ] = "tifed",
    add: Annotated[
        bool,
        typer.Option(
            "--add",
            help="Add the model to the library in the folder, beside its other models; they share "
            "one core. A model of the same --prefix is replaced.",
        ),
    ] = False,
    sealed: Annotated[
        bool,
        typer.Option(
            "--sealed",
            help="Seal the line of the federated program: everything on it is encrypted and "
            "authenticated with a key of the board's own, which tifed keys makes and sends.",
        ),
    ] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Create a library for your firmware.

    It contains the C core, the network of the experiment and example programs.

    An earlier export in the same folder is replaced, unless a file in it was changed or added. A
    folder with other content is never touched.
    """
    from tifed.data import SampleFormat, sample_format_of
    from tifed.experiment.sample_format import require_same_names, sample_format_for
    from tifed.experiment.setup import extractor_of, intake_of, network_for, signal_for
    from tifed.export import export as write
    from tifed.export import model_for, require_same_front_end
    from tifed.rule.network import energy_shift_of, load_model

    if len(places) > 2:
        raise UsageError("export: takes an experiment file and a folder, and nothing else")
    chosen = experiment_from(places[0] if len(places) == 2 else None, preset, settings)
    network, trained = network_for(chosen, data_dir), None
    known = sample_format_for(chosen, data_dir)
    samples = SampleFormat() if isinstance(known, UsageError) else known
    if parameters is not None:
        trained = load_model(parameters)
        require_same_front_end(parameters, chosen)
        kept = sample_format_of(parameters)
        require_same_names(kept, samples, f"parameters: {parameters}")
        # What it was trained with, whatever the data have become since.
        samples = kept if kept != SampleFormat() else samples
    model = model_for(
        chosen,
        network,
        tuple(layer) if layer else None,
        trained,
        extractor_of(chosen),
        energy_shift_of(parameters) if parameters else 0,
        *intake_of(chosen, data_dir),
        samples,
        signal=signal_for(chosen, data_dir),
    )
    done = write(model, framework, places[-1], prefix, add, sealed)
    if as_json:
        plain = asdict(done) | {"folder": str(done.folder), "ram_total": done.ram.total}
        typer.echo(json.dumps(plain))
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{done.framework} library for {done.shape}: {done.files} files in {done.folder}")
    flash = f", {done.flash:,} bytes of parameters in flash" if done.flash else ""
    console.print(f"RAM of the core on a 32-bit device {done.ram.total:,} bytes{flash}")
    if done.features_ram:
        constants = (
            f", {done.extractor_flash:,} bytes of the extractor's constants in flash"
            if done.extractor_flash
            else ""
        )
        console.print(f"RAM to make features of a sample {done.features_ram:,} bytes{constants}")
    if done.signal_ram:
        console.print(f"RAM to make a sample of readings {done.signal_ram:,} bytes")
    if done.shifts_ram:
        console.print(f"RAM for shift copies {done.shifts_ram:,} bytes")
    if samples.quantisation is None:
        why = f" ({known})" if isinstance(known, UsageError) else ""
        console.print(
            f"no tifed_model_quantise: how readings become int8 is not known{why}; name a model "
            "file with --parameters, or the folder of the data with --data-dir"
        )
    console.print(f"read {done.folder / 'README.md'}")
