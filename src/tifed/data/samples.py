"""What every loader returns: int8 features and labels, in a training and a test split."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tifed.data.quantisation.quantisation import Quantisation
from tifed.data.quantisation.quantised import QuantisationReport, report_on
from tifed.data.recorded import Recorded
from tifed.data.sample_format import SampleFormat
from tifed.data.split import stratified
from tifed.errors import UsageError
from tifed.rule.signal import SignalFrontEnd


@dataclass(frozen=True, eq=False)
class Samples:
    """Labelled samples, in the order in which a file holds them.

    The arrays are read-only: many simulated devices share them.

    Attributes:
        features: int8 (N, D), C-contiguous.
        labels: int32 (N,), each 0..classes-1.
        groups: int32 (N,), index of the sample's group (a speaker, a site) in the data set's
            ``group_names``; None if the data know no groups.
        copies: int8 (copies, N, D), of which training takes another one of each sample at each
            visit, the first of them ``features``; None if there are no copies.
        recorded: the sensor's readings that a signal front end made the samples of; None if nobody
            keeps them.

    Raises:
        UsageError: if dtypes, shapes or lengths disagree with the above.

    >>> samples = Samples(np.zeros((3, 2), np.int8), np.array([0, 1, 1], np.int32))
    >>> len(samples), samples.take(np.array([2])).labels.tolist()
    (3, [1])
    """

    features: NDArray[np.int8]
    labels: NDArray[np.int32]
    groups: NDArray[np.int32] | None = None
    copies: NDArray[np.int8] | None = None
    recorded: Recorded | None = None

    def __post_init__(self) -> None:
        if self.features.dtype != np.int8 or self.features.ndim != 2:
            raise UsageError(
                f"features: must be int8 of shape (samples, features), not {self.features.dtype} "
                f"of shape {self.features.shape}; quantise them first"
            )
        count = len(self.features)
        columns = {"labels": self.labels}
        if self.groups is not None:
            columns["groups"] = self.groups
        for name, column in columns.items():
            if column.dtype != np.int32 or column.shape != (count,):
                raise UsageError(
                    f"{name}: must be int32 of shape ({count},), one per row of features, "
                    f"not {column.dtype} of shape {column.shape}"
                )
            if count and int(column.min()) < 0:
                raise UsageError(f"{name}: {column.min()} is negative; {name} count from 0")
        if self.copies is not None and (
            self.copies.dtype != np.int8
            or self.copies.shape[1:] != self.features.shape
            or not np.array_equal(self.copies[:1], self.features[np.newaxis])
        ):
            raise UsageError(
                f"copies: must be int8 of shape (copies, {count}, {self.features.shape[1]}), the "
                f"first of them the features, not {self.copies.dtype} of shape {self.copies.shape}"
            )
        if self.recorded is not None and len(self.recorded) != count:
            raise UsageError(
                f"recorded: says of {len(self.recorded)} samples what they were made of, but there "
                f"are {count}"
            )
        arrays = ("features", *columns, *(() if self.copies is None else ("copies",)))
        for name in arrays:
            # A view, so that the caller's own array stays writable for the caller.
            view = np.ascontiguousarray(getattr(self, name)).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    def __len__(self) -> int:
        """The number of samples N."""
        return len(self.labels)

    def take(self, indices: NDArray[np.int64]) -> "Samples":
        """The samples at ``indices`` (int, each 0..N-1), in that order; a copy."""
        copies = None if self.copies is None else self.copies.take(indices, axis=1)
        return Samples(
            self.features[indices] if copies is None else copies[0],
            self.labels[indices],
            None if self.groups is None else self.groups[indices],
            copies,
            None if self.recorded is None else self.recorded.take(indices),
        )


@dataclass(frozen=True, eq=False)
class Dataset:
    """A training and a test split with the same features and classes.

    Attributes:
        name: as given to `load`.
        train: what the devices learn from; at least one sample.
        test: what the global model is judged by; at least one sample.
        class_names: one per class; label k means ``class_names[k]``.
        group_names: one per group, empty if the data know no groups.
        feature_names: one per feature, empty if the data do not name them.
        image_shape: (height, width, channels) if a sample is a picture, else None; the features
            are in that order, channels last.
        quantisation: how numbers became int8, so that a device can do the same.
        raw: of features that a front end or an extractor made: the format of the samples that it
            made them of; see `sample_format`.
        report: what that did to the numbers, where it was looked at; see `quantisation_report`.
        warnings: sentences about what is doubtful in the data.
        signal: the signal front end that made the features of a sensor's readings, which a device
            has to compute from its own; None for other data. Where an extractor follows, the
            features are the extractor's.

    Raises:
        UsageError: if the splits disagree with each other or with the names.
    """

    name: str
    train: Samples
    test: Samples
    class_names: tuple[str, ...]
    group_names: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()
    image_shape: tuple[int, int, int] | None = None
    quantisation: Quantisation | None = None
    report: QuantisationReport | None = None
    warnings: tuple[str, ...] = ()
    signal: SignalFrontEnd | None = None
    raw: SampleFormat | None = None

    def __post_init__(self) -> None:
        for part, samples in (("train", self.train), ("test", self.test)):
            field = f"data set {self.name!r}, {part}"
            if len(samples) == 0:
                raise UsageError(f"{field}: has no samples; at least one is needed")
            if samples.features.shape[1] != self.features:
                raise UsageError(
                    f"{field}: has {samples.features.shape[1]} features where the training "
                    f"samples have {self.features}; both must have the same"
                )
            if (top := int(samples.labels.max())) >= self.classes:
                raise UsageError(
                    f"{field} labels: {top} is not in 0..{self.classes - 1}; "
                    f"there are {self.classes} class names"
                )
            if (samples.groups is None) != (not self.group_names):
                raise UsageError(f"{field} groups: groups and group_names go together")
            if samples.groups is not None and int(samples.groups.max()) >= len(self.group_names):
                raise UsageError(
                    f"{field} groups: {int(samples.groups.max())} is not in "
                    f"0..{len(self.group_names) - 1}, the indices of group_names"
                )
        if self.feature_names and len(self.feature_names) != self.features:
            raise UsageError(
                f"data set {self.name!r}, feature_names: {len(self.feature_names)} names for "
                f"{self.features} features; give one each, or none"
            )
        if self.classes < 2:
            raise UsageError(f"data set {self.name!r}: needs two classes or more")
        if self.image_shape is not None and np.prod(self.image_shape) != self.features:
            raise UsageError(
                f"data set {self.name!r}, image_shape: {self.image_shape} is not "
                f"{self.features} features"
            )

    @property
    def features(self) -> int:
        """The number of features D of a sample."""
        return int(self.train.features.shape[1])

    @property
    def classes(self) -> int:
        """The number of classes C."""
        return len(self.class_names)

    @property
    def sample_format(self) -> SampleFormat:
        """How a reading becomes a sample, before any front end or extractor, and the names."""
        first = self.raw or SampleFormat(self.quantisation, self.feature_names)
        return replace(first, class_names=self.class_names)

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) over every sample of both splits, in order.

        Two machines with the same digest train on the same numbers, wherever the files came from.
        Names are not part of it; copies of the training samples are.
        """
        digest = hashlib.sha256(b"tifed dataset 1\n")
        for samples in (self.train, self.test):
            digest.update(np.array(samples.features.shape, dtype="<i8").tobytes())
            digest.update(samples.features.data)
            digest.update(samples.labels.astype("<i4").tobytes())
            if samples.groups is not None:
                digest.update(samples.groups.astype("<i4").tobytes())
            if samples.copies is not None:
                digest.update(samples.copies[1:].data)
        return digest.hexdigest()

    def quantisation_report(self) -> QuantisationReport:
        """What became of the data's numbers: ``report``, or what the samples themselves show."""
        if self.report is not None:
            return self.report
        kind = "extractor" if self.quantisation is None else self.quantisation.kind
        # Bytes and int8 that come as they are lose nothing.
        saturated = None if kind in ("extractor", "affine") else (0.0, 0.0)
        return report_on(kind, self.train.features, saturated)

    def of_classes(self, classes: Sequence[int]) -> "Dataset":
        """The samples of some classes alone, numbered anew in the order given.

        Args:
            classes: two or more different labels.

        Raises:
            UsageError: if one is no class, comes twice, or has no samples in both splits.

        >>> labels = np.array([0, 1, 2], np.int32)
        >>> three = Samples(np.array([[5], [6], [7]], np.int8), labels)
        >>> two = Dataset("three", three, three, ("a", "b", "c")).of_classes([2, 0])
        >>> two.class_names, two.train.features.tolist(), two.train.labels.tolist()
        (('c', 'a'), [[5], [7]], [1, 0])
        """
        chosen = list(classes)
        known = range(self.classes)
        if len(set(chosen)) < max(2, len(chosen)) or any(label not in known for label in chosen):
            raise UsageError(
                f"only_classes: {chosen} must be two or more different classes of "
                f"0..{self.classes - 1}"
            )
        renumbered = np.full(self.classes, -1, np.int32)
        renumbered[chosen] = np.arange(len(chosen), dtype=np.int32)

        def kept(samples: Samples) -> Samples:
            part = samples.take(np.flatnonzero(renumbered[samples.labels] >= 0))
            return replace(part, labels=renumbered[part.labels])

        names = tuple(self.class_names[label] for label in chosen)
        return replace(self, train=kept(self.train), test=kept(self.test), class_names=names)

    def with_validation(self, count: int, seed: int = 0) -> "Dataset":
        """Put the test split away: its place is taken by ``count`` of the training samples.

        Settings chosen on the result have never seen the test split. The samples are every k-th of
        the training samples sorted by group and class, so each class of each group gives its
        share; the others stay in their order.

        Args:
            count: samples to take, 1..len(train)-1.
            seed: which of the k places to begin at (``seed`` modulo k).

        Raises:
            UsageError: if ``count`` is out of range.
        """
        kept, taken = stratified(self.train.labels, self.train.groups, count, seed)
        judged = replace(self.train, copies=None).take(taken)
        return replace(self, train=self.train.take(kept), test=judged)
