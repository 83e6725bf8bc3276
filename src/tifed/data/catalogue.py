"""Data sets by name."""

import difflib
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tifed.data.builtin.cifar10 import load_cifar10
from tifed.data.builtin.digits import load_digits
from tifed.data.builtin.mnist import CLOTHES_NAMES, DIGIT_NAMES, FASHION_MNIST, MNIST, load_idx
from tifed.data.builtin.spoken_digits import load_spoken_digits
from tifed.data.own_files import file_options, kinds, load_file, reader_of
from tifed.data.samples import Dataset
from tifed.errors import UsageError
from tifed.files.paths import AnyPath

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


def names() -> tuple[str, ...]:
    """The data sets that have a name.

    >>> names()
    ('cifar-10', 'digits', 'fashion-mnist', 'mnist', 'spoken-digits')
    """
    return tuple(_LOADERS)


def options(name: str | Path) -> tuple[str, ...]:
    """The options that `load` takes for ``name`` beyond the folders.

    Raises:
        UsageError: for an unknown name.

    >>> options("mnist"), options("mine.npz")[:2]
    (('only_classes',), ('test_file', 'test_fraction'))
    """
    loader = _LOADERS.get(str(name))
    if loader is None:
        return file_options(_own_file(name))
    parameters = inspect.signature(loader).parameters.values()
    return tuple(p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY)


def load(
    name: str | Path,
    *,
    data_dir: AnyPath | None = None,
    cache_dir: AnyPath | None = None,
    download: bool = True,
    **options_given: Any,
) -> Dataset:
    """Load a data set by name, or a user's own file.

    Args:
        name: one of `names`, or the path of a file of a known format (docs/datasets.md).
        data_dir: the user's folder of data sets; an own file that does not exist is also looked
            for in it, and so are the files that options name.
        cache_dir: where downloads are kept; see `tifed.data.locate.cache_folder`.
        download: whether the network may be used.
        **options_given: those that `options` lists.

    Raises:
        UsageError: for an unknown name or option, missing files, or wrong content.

    >>> load("digits").features
    64
    """
    folder = None if data_dir is None else Path(data_dir)
    loader = _LOADERS.get(str(name))
    path = Path(name) if loader else in_folder(Path(name), folder)
    known = options(path if loader is None and path.exists() else name)
    for option in options_given:
        if option not in known:
            raise UsageError(
                f"data.{option}: the data set {str(name)!r} has no such option; "
                + (f"it has {', '.join(known)}" if known else "it has none")
            )
    if loader is not None:
        cache = None if cache_dir is None else Path(cache_dir)
        return loader((folder, cache, download), **options_given)
    for option, value in options_given.items():
        if option.endswith("_file") and isinstance(value, str | Path):
            options_given[option] = in_folder(Path(value), folder)
    common = inspect.signature(load_file).parameters
    return load_file(
        path,
        {option: value for option, value in options_given.items() if option not in common},
        **{option: value for option, value in options_given.items() if option in common},
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
        close = difflib.get_close_matches(str(name).lower(), _LOADERS, 1)
        raise UsageError(
            f"data set {str(name)!r} is unknown; "
            + (f"did you mean {close[0]!r}? Known" if close else "known")
            + f" are {', '.join(_LOADERS)}; or name {kinds()}"
        )
    return path
