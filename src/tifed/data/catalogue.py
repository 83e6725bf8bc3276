"""Data sets by name."""

import difflib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tifed.data.folders import Folders
from tifed.data.own_files import file_options, kinds, load_file, reader_of
from tifed.data.readers.wav_folder import read_wav_folder
from tifed.data.samples import Dataset
from tifed.errors import UsageError
from tifed.files.paths import AnyPath
from tifed.registry import Registry
from tifed.rule.signal import SIGNALS
from tifed.rule.signal.log_mel import LogMel

Loader = Callable[..., Dataset]
"""From `Folders`, and the data set's own options by their names, to the data set."""

DATASETS: Registry[Loader] = Registry(
    "data set",
    "tifed.datasets",
    {
        "cifar-10": "tifed.data.builtin.named:cifar10",
        "digits": "tifed.data.builtin.named:digits",
        "fashion-mnist": "tifed.data.builtin.named:fashion_mnist",
        "mnist": "tifed.data.builtin.named:mnist",
        "spoken-digits": "tifed.data.builtin.named:spoken_digits",
        "watches": "tifed.data.builtin.named:watches",
    },
    callable,
    "a function",
)
"""Every data set that has a name."""


def names() -> tuple[str, ...]:
    """The data sets that have a name.

    >>> names()
    ('cifar-10', 'digits', 'fashion-mnist', 'mnist', 'spoken-digits', 'watches')
    """
    return tuple(DATASETS)


def options(name: str | Path) -> tuple[str, ...]:
    """The options that `load` takes for ``name`` beyond the folders.

    Raises:
        UsageError: for an unknown name.

    >>> options("mnist"), options("mine.npz")[:2]
    (('only_classes',), ('test_file', 'test_fraction'))
    """
    if str(name) not in DATASETS:
        return file_options(_own_file(name))
    parameters = inspect.signature(DATASETS[str(name)]).parameters.values()
    return tuple(p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY)


def load(
    name: str | Path,
    *,
    data_dir: AnyPath | None = None,
    cache_dir: AnyPath | None = None,
    download: bool = True,
    signal: str | None = None,
    **options_given: Any,
) -> Dataset:
    """Load a data set by name, or a user's own file.

    Args:
        name: one of `names`, or the path of a file of a known format (docs/datasets.md).
        data_dir: the user's folder of data sets; an own file that does not exist is also looked
            for in it, and so are the files that options name.
        cache_dir: where downloads are kept; see `tifed.data.locate.cache_folder`.
        download: whether the network may be used.
        signal: name of the signal front end that readings go through (`SIGNALS`); None for the one
            that the data set has by default, if any.
        **options_given: those that `options` lists.

    Raises:
        UsageError: for an unknown name or option, missing files, or wrong content.

    >>> load("digits").features
    64
    """
    folder = None if data_dir is None else Path(data_dir)
    loader = DATASETS.get(str(name))
    path = Path(name) if loader else in_folder(Path(name), folder)
    known = options(path if loader is None and path.exists() else name)
    for option in options_given:
        if option not in known:
            raise UsageError(
                f"data.{option}: the data set {str(name)!r} has no such option; "
                + (f"it has {', '.join(known)}" if known else "it has none")
            )
    if signal is not None:
        _require_readings(str(name), loader or load_file, signal)
        options_given["signal"] = signal
    if loader is not None:
        cache = None if cache_dir is None else Path(cache_dir)
        dataset = loader(Folders(folder, cache, download), **options_given)
        if not isinstance(dataset, Dataset):
            raise UsageError(
                f"the data set {str(name)!r} of {DATASETS.provider(str(name))} is loaded as "
                f"{dataset!r:.80}, not as a tifed.data.Dataset"
            )
        if dataset.signal is not None and dataset.signal.features != dataset.features:
            raise UsageError(
                f"data set {str(name)!r}, signal: gives {dataset.signal.features} features, but "
                f"samples have {dataset.features}"
            )
        return dataset
    for option, value in options_given.items():
        if option.endswith("_file") and isinstance(value, str | Path):
            options_given[option] = in_folder(Path(value), folder)
    common = inspect.signature(load_file).parameters
    return load_file(
        path,
        {option: value for option, value in options_given.items() if option not in common},
        **{option: value for option, value in options_given.items() if option in common},
    )


def default_signal(name: str | Path, data_dir: AnyPath | None = None) -> str | None:
    """The signal front end that makes the samples of ``name`` where nobody chooses one.

    The data are not looked at. None if they have no such front end, or a loader of somebody else's
    does not say so: it is the default of the loader's parameter ``signal``.

    Args:
        name: as `load` takes it.
        data_dir: the user's folder of data sets.

    >>> default_signal("spoken-digits"), default_signal("watches")
    ('log-mel', None)
    """
    if (loader := DATASETS.get(str(name))) is not None:
        parameter = inspect.signature(loader).parameters.get("signal")
        return parameter.default if parameter and parameter.default in SIGNALS else None
    path = in_folder(Path(name), None if data_dir is None else Path(data_dir))
    return LogMel.name if reader_of(path) is read_wav_folder else None


def _require_readings(name: str, load_it: Callable[..., Any], signal: str) -> None:
    """Make sure that the loader of ``name`` knows signal front ends at all."""
    if "signal" not in inspect.signature(load_it).parameters:
        raise UsageError(
            f"front_end: {signal!r} does not take the samples of {name!r}; it takes "
            f"{SIGNALS[signal]}; leave front_end out, or use such data (docs/front-ends.md)"
        )


def in_folder(path: Path, folder: Path | None) -> Path:
    """``path``, or if it does not exist the file of its name in ``folder``.

    A gateway is told the path on the server's machine; its own folder may have the same file.
    """
    if folder is None or path.exists():
        return path
    inside = folder / path
    return inside if inside.exists() or not path.is_absolute() else folder / path.name


def _own_file(name: str | Path) -> Path:
    """The path of a user's own file."""
    path = Path(name)
    if reader_of(path) is None:
        close = difflib.get_close_matches(str(name).lower(), names(), 1)
        raise UsageError(
            f"data set {str(name)!r} is unknown; "
            + (f"did you mean {close[0]!r}? Known" if close else "known")
            + f" are {', '.join(names())}; or name {kinds()}"
        )
    return path
