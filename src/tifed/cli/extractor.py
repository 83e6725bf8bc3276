"""``tifed extractor``: frozen integer ConvNets, made, imported and used."""

import io
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tifed.cli.options import DataDir, Json
from tifed.errors import UsageError

if TYPE_CHECKING:
    from tifed.data import Dataset
    from tifed.extractor.quantise import QuantisedExtractor

app = typer.Typer(
    name="extractor",
    help="Frozen feature extractors: integer ConvNets that every sample goes through before the "
    "network that devices train. Train one, import your own from PyTorch, or extract the features "
    "of a data set. *train* and *import* need *pip install 'tifed[torch]'*. An experiment uses an "
    "extractor with its setting *extractor*.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

Out = Annotated[Path, typer.Option(help="File to write.")]
Clipped = Annotated[
    float,
    typer.Option(
        "--clipped-features",
        min=0,
        max=0.5,
        help="Share of each channel's features that may be cut off at 127. A larger share makes "
        "small features larger, so that a network on top learns faster, but the integers follow "
        "the floating-point network less closely.",
    ),
]
DataOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        metavar="KEY=VALUE",
        help="Option for loading the data set, such as held_out_speaker=theo. May be given several "
        "times.",
    ),
]
Calibration = Annotated[
    str | None,
    typer.Option(
        help="Data set whose training samples (without their labels) decide the scales of the "
        "integers; default the source. Name the data set that devices will see."
    ),
]


@app.command("list")
def list_shipped(as_json: Json = False) -> None:
    """Show the extractors that come with TIFeD."""
    from tifed.extractor.shipped import find_extractor, shipped_names

    every = {name: find_extractor(name) for name in shipped_names()}
    if as_json:
        rows = {
            name: {
                "input_shape": one.input_shape,
                "features": one.features,
                "digest": one.digest,
                "source": one.source,
            }
            for name, one in every.items()
        }
        typer.echo(json.dumps(rows))
        return
    table = Table(header_style="bold", box=SIMPLE_HEAD)
    for column in ("name", "input", "features", "source"):
        table.add_column(column, no_wrap=column != "source")
    for name, one in every.items():
        shape = "x".join(map(str, one.input_shape))
        table.add_row(name, shape, str(one.features), one.source)
    Console(highlight=False).print(table)


@app.command()
def train(
    source: Annotated[str, typer.Option(help="Data set to train the extractor on.")],
    out: Out,
    classes: Annotated[
        str | None, typer.Option(metavar="0,1,...", help="Use only these classes of the source.")
    ] = None,
    channels: Annotated[
        str, typer.Option(help="Channels of each convolution block, separated by commas.")
    ] = "16,32",
    features: Annotated[int, typer.Option(min=1, help="Number of features to extract.")] = 200,
    kernel: Annotated[
        int, typer.Option(min=1, help="Height and width of convolution kernels.")
    ] = 3,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training samples.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 1,
    calibration: Calibration = None,
    clipped: Clipped = 0.001,
    options: DataOptions = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Train a small ConvNet, turn it into integers, and compare both on the source's test split.

    Training repeats only on one machine and PyTorch version; extraction repeats everywhere.
    """
    from tifed.extractor import save_extractor
    from tifed.extractor.extraction import extract
    from tifed.extractor.quantise import quantise
    from tifed.extractor.training import TrainingSettings
    from tifed.extractor.training import train as train_floats

    settings = TrainingSettings(_numbers("channels", channels), features, kernel, epochs, seed)
    given = _options(options)
    if classes is not None:
        given["only_classes"] = list(_numbers("classes", classes))
    dataset = _load(source, data_dir, given)
    seen = dataset if calibration is None else _load(calibration, data_dir, {})
    began = time.monotonic()
    with _Epochs() as watcher:
        trained = train_floats(dataset, settings, watch=watcher.update)
    words = ", ".join(
        [source, *(f"{key} {value}" for key, value in given.items()), f"seed {seed}"]
        + ([f"calibrated on {calibration}"] if calibration else [])
    )
    made = quantise(
        trained.network, seen.train.features, clipped_features=clipped,
        source=f"trained on {words}",
    )  # fmt: skip
    test = dataset.test
    floats = trained.network.features(test.features)
    integers = extract(made.extractor, test.features) * made.scales
    accuracy = {
        "float_accuracy": trained.accuracy(floats, test.labels),
        "integer_accuracy": trained.accuracy(integers, test.labels),
        "test_samples": len(test),
    }
    save_extractor(out, made.extractor)
    seconds = {"seconds": round(time.monotonic() - began, 1)}
    _say(out, made, accuracy | seconds, as_json)
    if not as_json:
        typer.echo(
            f"accuracy on the source's {len(test)} test samples: float "
            f"{accuracy['float_accuracy']:.4f}, integer {accuracy['integer_accuracy']:.4f}"
        )


@app.command("import")
def import_model(
    model: Annotated[
        Path, typer.Argument(help="An nn.Sequential saved with torch.save(model, FILE).")
    ],
    out: Out,
    input_shape: Annotated[
        tuple[int, int, int],
        typer.Option(metavar="H W C", help="Height, width and channels of a sample."),
    ],
    calibration: Annotated[
        str, typer.Option(help="Data set whose training samples decide the scales.")
    ],
    layers: Annotated[
        int | None,
        typer.Option(min=1, help="Use only this many layers from the start; default all."),
    ] = None,
    mean: Annotated[
        str,
        typer.Option(
            help="Means that the model expects subtracted from pixels in 0..1, per channel."
        ),
    ] = "0",
    std: Annotated[
        str, typer.Option(help="Standard deviations that it expects as divisors.")
    ] = "1",
    clipped: Clipped = 0.001,
    options: DataOptions = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Turn your own PyTorch model of ordinary layers into an integer extractor.

    It may contain Conv2d, BatchNorm, ReLU, MaxPool2d, Flatten, Linear and Dropout, which is left
    out. The file is read without executing anything in it. Leave out the last layer of a
    classifier with *--layers*, for its outputs are classes and not features.
    """
    from tifed.extractor import save_extractor
    from tifed.extractor.pytorch import float_extractor, load_sequential
    from tifed.extractor.quantise import difference, quantise

    network = float_extractor(
        load_sequential(model), input_shape, mean=_floats("mean", mean), std=_floats("std", std),
        first=layers,
    )  # fmt: skip
    samples = _load(calibration, data_dir, _options(options)).train.features
    words = f"imported from {model.name}, calibrated on {calibration}"
    made = quantise(network, samples, clipped_features=clipped, source=words)
    save_extractor(out, made.extractor)
    apart = difference(network, made, samples[-1000:])
    _say(out, made, {"difference": round(apart, 4)}, as_json)
    if not as_json:
        typer.echo(f"integer features differ from float ones by {apart:.1%} (root mean square)")


@app.command()
def extract(
    extractor: Annotated[str, typer.Argument(help="File, or one of tifed extractor list.")],
    dataset: Annotated[str, typer.Argument(help="Name of a data set, or a file of samples.")],
    out: Out,
    options: DataOptions = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Write the features of a data set into a .npz file, which can be used as a data set."""
    import numpy as np

    from tifed.extractor.extraction import extracted
    from tifed.extractor.shipped import find_extractor
    from tifed.files.atomic import write_atomically

    if out.suffix != ".npz":
        raise UsageError(f"out: {out} has to end in .npz")
    one = find_extractor(extractor)
    seen = extracted(_load(dataset, data_dir, _options(options)), one)
    arrays: dict[str, Any] = {
        "features": seen.train.features,
        "labels": np.array(seen.class_names)[seen.train.labels],
        "test_features": seen.test.features,
        "test_labels": np.array(seen.class_names)[seen.test.labels],
    }
    if seen.train.groups is not None and seen.test.groups is not None:
        names = np.array(seen.group_names)
        arrays |= {"groups": names[seen.train.groups], "test_groups": names[seen.test.groups]}
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    write_atomically(out, content.getvalue())
    said = {
        "out": str(out),
        "train": seen.train.features.shape,
        "test": seen.test.features.shape,
        "dataset_digest": seen.digest,
        "extractor_digest": one.digest,
    }
    if as_json:
        typer.echo(json.dumps(said))
    else:
        typer.echo(
            f"{len(seen.train)} + {len(seen.test)} samples of {seen.features} features: {out}"
        )


def _load(name: str, data_dir: Path | None, options: dict[str, Any]) -> "Dataset":
    from tifed.data import load

    return load(name, data_dir=data_dir, **options)


def _say(out: Path, made: "QuantisedExtractor", more: dict[str, Any], as_json: bool) -> None:
    """What was made."""
    one = made.extractor
    size = sum(array.nbytes for _, array in one.named)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "out": str(out),
                    "digest": one.digest,
                    "source": one.source,
                    "planes": one.planes,
                    "features": one.features,
                    "constant_bytes": size,
                }
                | more
            )
        )
        return
    planes = " -> ".join("x".join(map(str, plane)) for plane in one.planes)
    typer.echo(f"extractor {out}: {planes}, {one.features} features, {size:,} bytes of constants")
    typer.echo(f"digest {one.digest}")


def _options(pairs: list[str] | None) -> dict[str, Any]:
    """``KEY=VALUE`` pairs as options of a loader."""
    from tifed.experiment.load import override

    options: dict[str, Any] = {}
    for pair in pairs or ():
        options |= override(pair, "--data")
    return options


def _numbers(name: str, text: str) -> tuple[int, ...]:
    """Integers that are separated by commas."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{name}: {text!r} is not numbers separated by commas") from None


def _floats(name: str, text: str) -> tuple[float, ...]:
    """Numbers that are separated by commas."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{name}: {text!r} is not numbers separated by commas") from None


class _Epochs:
    """Epochs done: live on a terminal, a line each elsewhere; always on standard error."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._bar = Progress(
            TextColumn("epoch"),
            MofNCompleteColumn(),
            BarColumn(),
            TextColumn("{task.description}"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> "_Epochs":
        """Start drawing."""
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop drawing."""
        self._bar.stop()

    def update(self, done: int, total: int, loss: float) -> None:
        """Show the epoch that has just ended."""
        self._bar.update(self._task, total=total, completed=done, description=f"loss {loss:.4f}")
        if not self._console.is_terminal:
            self._console.print(f"epoch {done}/{total}  loss {loss:.4f}")
