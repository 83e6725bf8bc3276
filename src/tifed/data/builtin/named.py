"""The built-in data sets as the catalogue calls them: folders, and options by their names."""

from collections.abc import Sequence
from pathlib import Path

from tifed.data.builtin.cifar10 import load_cifar10
from tifed.data.builtin.digits import load_digits
from tifed.data.builtin.mnist import CLOTHES_NAMES, DIGIT_NAMES, FASHION_MNIST, MNIST, load_idx
from tifed.data.builtin.spoken_digits import load_spoken_digits
from tifed.data.builtin.watches import load_watches
from tifed.data.folders import Folders
from tifed.data.samples import Dataset
from tifed.rule.signal.log_mel import LogMel


def digits(folders: Folders) -> Dataset:
    """Digits of 8 by 8 pixels; see `load_digits`."""
    return load_digits()


def mnist(folders: Folders, *, only_classes: Sequence[int] | None = None) -> Dataset:
    """MNIST, or some of its classes."""
    dataset = load_idx(MNIST, DIGIT_NAMES, folders.data, folders.cache, download=folders.download)
    return dataset if only_classes is None else dataset.of_classes(only_classes)


def fashion_mnist(folders: Folders, *, only_classes: Sequence[int] | None = None) -> Dataset:
    """Fashion-MNIST, or some of its classes."""
    dataset = load_idx(
        FASHION_MNIST, CLOTHES_NAMES, folders.data, folders.cache, download=folders.download
    )
    return dataset if only_classes is None else dataset.of_classes(only_classes)


def cifar10(folders: Folders, *, only_classes: Sequence[int] | None = None) -> Dataset:
    """CIFAR-10, or some of its classes."""
    dataset = load_cifar10(folders.data, folders.cache, download=folders.download)
    return dataset if only_classes is None else dataset.of_classes(only_classes)


def spoken_digits(
    folders: Folders,
    signal: str = LogMel.name,
    *,
    held_out_speaker: str | None = None,
    only_speakers: Sequence[str] | None = None,
    patch_frames: int | None = None,
) -> Dataset:
    """Spoken digits; see `load_spoken_digits`."""
    return load_spoken_digits(
        folders.data, folders.cache, download=folders.download, signal=signal,
        held_out_speaker=held_out_speaker, only_speakers=only_speakers, patch_frames=patch_frames,
    )  # fmt: skip


def watches(
    folders: Folders,
    signal: str | None = None,
    *,
    window: int = 128,
    hop: int = 50,
    held_out_groups: Sequence[str] | str = ("9", "10"),
    mirror: bool = True,
    quantise: str | Path = "per-feature",
) -> Dataset:
    """Exercises with a watch; see `load_watches`."""
    return load_watches(
        signal, window=window, hop=hop, held_out_groups=held_out_groups, mirror=mirror,
        quantise=quantise,
    )  # fmt: skip
