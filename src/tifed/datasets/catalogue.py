"""Data sets by name."""

import difflib
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tifed.datasets.cifar10 import load_cifar10
from tifed.datasets.csv_file import load_csv
from tifed.datasets.digits import load_digits
from tifed.datasets.mnist import CLOTHES_NAMES, DIGIT_NAMES, FASHION_MNIST, MNIST, load_idx
from tifed.datasets.npz_file import load_npz
from tifed.datasets.samples import Dataset
from tifed.datasets.spoken_digits import load_spoken_digits
from tifed.errors import UsageError
from tifed.paths import AnyPath

_Folders = tuple[Path | None, Path | None, bool]


def _load_digits(where: _Folders) -> Dataset:
    return load_digits()


def _load_mnist(where: _Folders, *, only_classes: Sequence[int] | None = None) -> Dataset:
    dataset = load_idx(MNIST, DIGIT_NAMES, where[0], where[1], download=where[2])
    return dataset if only_classes is None else dataset.of_classes(only_classes)


def _load_fashion_mnist(where: _Folders, *, only_classes: Sequence[int] | None = None) -> Dataset:
    dataset = load_idx(FASHION_MNIST, CLOTHES_NAMES, where[0], where[1], download=where[2])
    return dataset if only_classes is None else dataset.of_classes(only_classes)


def _load_cifar10(where: _Folders, *, only_classes: Sequence[int] | None = None) -> Dataset:
    dataset = load_cifar10(where[0], where[1], download=where[2])
    return dataset if only_classes is None else dataset.of_classes(only_classes)


def _load_spoken_digits(
    where: _Folders,
    *,
    held_out_speaker: str | None = None,
    only_speakers: Sequence[str] | None = None,
    patch_frames: int | None = None,
    quantise: str | Path | None = None,
) -> Dataset:
    return load_spoken_digits(
        where[0], where[1], download=where[2], held_out_speaker=held_out_speaker,
        only_speakers=only_speakers, patch_frames=patch_frames, quantise=quantise,
    )  # fmt: skip


_LOADERS: dict[str, Callable[..., Dataset]] = {
    "cifar-10": _load_cifar10,
    "digits": _load_digits,
    "fashion-mnist": _load_fashion_mnist,
    "mnist": _load_mnist,
    "spoken-digits": _load_spoken_digits,
}
_FILE_LOADERS: dict[str, Callable[..., Dataset]] = {".npz": load_npz, ".csv": load_csv}


def names() -> tuple[str, ...]:
    """The data sets that have a name.

    >>> names()
    ('cifar-10', 'digits', 'fashion-mnist', 'mnist', 'spoken-digits')
    """
    return tuple(_LOADERS)


def options(name: str) -> tuple[str, ...]:
    """The options that `load` takes for ``name`` beyond the folders.

    Raises:
        UsageError: for an unknown name.

    >>> options("mnist"), options("mine.npz")
    (('only_classes',), ('test_fraction', 'quantise', 'classes'))
    """
    parameters = inspect.signature(_loader(name)).parameters.values()
    return tuple(p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY)


def load(
    name: str,
    *,
    data_dir: AnyPath | None = None,
    cache_dir: AnyPath | None = None,
    download: bool = True,
    **options_given: Any,
) -> Dataset:
    """Load a data set by name, or a user's own file.

    Args:
        name: one of `names`, or the path of a file that ends in .npz or .csv.
        data_dir: the user's folder of data sets; a relative path of an own file that does not
            exist is also tried in it.
        cache_dir: where downloads are kept; see `tifed.datasets.locate.cache_folder`.
        download: whether the network may be used.
        **options_given: those that `options` lists.

    Raises:
        UsageError: for an unknown name or option, missing files, or wrong content.

    >>> load("digits").features
    64
    """
    loader = _loader(name)
    known = options(name)
    for option in options_given:
        if option not in known:
            raise UsageError(
                f"option {option!r}: the data set {name!r} has no such option; "
                + (f"it has {', '.join(known)}" if known else "it has none")
            )
    folder, cache = (None if given is None else Path(given) for given in (data_dir, cache_dir))
    if name in _LOADERS:
        return loader((folder, cache, download), **options_given)
    path = Path(name)
    if folder is not None and not path.exists():
        path = folder / path
    return loader(path, **options_given)


def _loader(name: str) -> Callable[..., Dataset]:
    """The function that loads ``name``."""
    loader = _LOADERS.get(name) or _FILE_LOADERS.get(Path(name).suffix.lower())
    if loader is None:
        close = difflib.get_close_matches(name.lower(), _LOADERS, 1)
        raise UsageError(
            f"data set {name!r} is unknown"
            + (f"; did you mean {close[0]!r}?" if close else ".")
            + f" Known are {', '.join(_LOADERS)}; the path of a file that ends in .npz or .csv "
            "is also possible"
        )
    return loader
