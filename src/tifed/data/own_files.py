"""A user's own file: which reader knows it, and the options that are the same for all."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tifed.data.missing import Rule, check_rule
from tifed.data.motion import motion_dataset
from tifed.data.own_data import assemble, check_test_fraction
from tifed.data.readers.idx_pair import is_idx, read_idx_pair
from tifed.data.readers.wav_folder import read_wav_folder
from tifed.data.readings import Scale, mirror_of
from tifed.data.samples import Dataset
from tifed.data.table import Table
from tifed.data.windows import windowed
from tifed.errors import UsageError
from tifed.registry import Registry
from tifed.rule.signal import SIGNALS

Reader = Callable[..., tuple[Table, Table | None]]
"""(path, whether values may be missing, options) to all samples, or those of both splits."""

_OWN = "tifed.data.readers"
READERS: Registry[Reader] = Registry(
    "reader of files",
    "tifed.readers",
    {
        ".npz": f"{_OWN}.npz_file:read_npz",
        ".csv": f"{_OWN}.text_file:read_csv",
        ".tsv": f"{_OWN}.text_file:read_csv",
        ".txt": f"{_OWN}.text_file:read_csv",
        ".data": f"{_OWN}.text_file:read_csv",
        ".arff": f"{_OWN}.arff_file:read_arff",
        ".ts": f"{_OWN}.ts_file:read_ts",
        ".json": f"{_OWN}.leaf_file:read_leaf",
        ".parquet": f"{_OWN}.parquet_file:read_parquet",
    },
    callable,
    "a function",
)
"""By the ending of a file's name, in small letters, who reads it."""

_OF_THE_TEST_FILE = {"labels_file": "test_labels_file", "groups_file": "test_groups_file"}


def reader_of(path: Path) -> Reader | None:
    """Who reads ``path``, by its name; None if nobody does."""
    if path.is_dir():
        return read_wav_folder
    if is_idx(path):
        return read_idx_pair
    return READERS.get(path.suffix.lower())


def kinds() -> str:
    """The files that can be read, for a message."""
    endings = ", ".join((*READERS, "idx3-ubyte"))
    return f"a file that ends in {endings}, or a folder of WAV files by class"


def file_options(path: Path) -> tuple[str, ...]:
    """The options for a file such as ``path``, those of its format first."""
    reader = reader_of(path)
    own = () if reader is None else _keywords(reader)
    beside = tuple(_OF_THE_TEST_FILE[name] for name in own if name in _OF_THE_TEST_FILE)
    return (*own, *beside, *_keywords(load_file))


def _keywords(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a function's options."""
    parameters = inspect.signature(function).parameters.values()
    return tuple(p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY)


def load_file(
    path: Path,
    of_format: dict[str, Any],
    signal: str | None = None,
    *,
    test_file: str | Path | None = None,
    test_fraction: int = 20,
    held_out_groups: Sequence[str] | str | None = None,
    quantise: str | Path = "auto",
    classes: int | None = None,
    class_names: Sequence[str] | None = None,
    missing: Rule = "refuse",
    window: int | None = None,
    hop: int | None = None,
    scale: Scale | None = None,
    mirror_side: str | None = None,
    mirror_axes: Sequence[str] | str | None = None,
) -> Dataset:
    """Load a user's own file, one that `reader_of` knows.

    Args:
        path: the file.
        of_format: options of its format.
        signal: the signal front end that readings go through (`SIGNALS`).
        test_file: a second file of the same format: the test split. Its columns are found by their
            names, where the files name them.
        test_fraction: else, percent for the test split, 1..90.
        held_out_groups: else, the groups that are the test split.
        quantise: "auto", "per-feature", "shared", "none", or a saved quantisation's path.
        classes: number of classes, if labels are 0..classes-1 and not all of them occur.
        class_names: the classes in the order of their numbers; any other label is refused.
        missing: what becomes of missing values: "refuse", "drop-row", "mean" or "median" of the
            training split, or the number that stands in.
        window: rows that make a sample, if the file has readings in the order of time.
        hop: rows between the first rows of two windows; ``window`` if not given.
        scale: readings per unit of each column, for a signal front end: a number for all, a list in
            the order of the columns, or a table by their names.
        mirror_side: the side, as ``side_column`` has it, on which the sign of some axes is turned
            round, so that both sides' movements look alike.
        mirror_axes: the columns of these axes.

    Raises:
        UsageError: naming the file or option that is wrong.
    """
    reader = reader_of(path)
    if reader is None:
        raise UsageError(f"{path}: is not {kinds()}")
    check_rule(missing)
    if signal is not None and (signal != "motion" or window is None):
        raise UsageError(
            f"front_end: {signal!r} does not take the samples of {path}; it takes {SIGNALS[signal]}"
        )
    mirror = mirror_of(mirror_side, mirror_axes, of_format.get("side_column"))
    if signal is None and (scale is not None or mirror is not None):
        name = "scale" if scale is not None else "mirror_axes"
        raise UsageError(
            f"data.{name}: is about readings that a signal front end takes; set front_end = "
            "'motion', or leave it out"
        )
    of_test = {
        name: of_format.get(_OF_THE_TEST_FILE.get(name, name))
        for name in of_format
        if name not in _OF_THE_TEST_FILE.values()
    }
    of_train = {name: of_format[name] for name in of_test}
    may_lack = missing != "refuse"
    table, test = _read(reader, path, may_lack, of_train)
    if test_file is not None:
        if test is not None:
            raise UsageError(f"data.test_file: {path} has a test split of its own")
        if not isinstance(test_file, str | Path):
            raise UsageError(f"data.test_file: {test_file!r} is not the path of a file")
        test = _test_samples(reader, Path(test_file), path, may_lack, of_test)
    else:
        for name in _OF_THE_TEST_FILE.values():
            if of_format.get(name) is not None:
                raise UsageError(f"data.{name}: goes with data.test_file; give both")
    if signal is not None and window is not None:
        if quantise != "auto":
            raise UsageError(
                f"data.quantise: the features of the front end {signal!r} are int8 already; leave "
                "data.quantise out"
            )
        return motion_dataset(
            path, table, test, window=window, hop=window if hop is None else hop, scale=scale,
            mirror=mirror, test_fraction=test_fraction, held_out_groups=held_out_groups,
            classes=classes, class_names=class_names,
        )  # fmt: skip
    readings = table if window is not None else None
    if window is not None:
        table, test = _windows(table, test, window, hop, test_fraction, held_out_groups, path)
    else:
        for name, given in (("hop", hop), ("segment_column", of_format.get("segment_column"))):
            if given is not None:
                raise UsageError(
                    f"data.{name}: goes with data.window, the rows of a window; give both"
                )
    return assemble(
        path, table, test, test_fraction=test_fraction, quantise=quantise, classes=classes,
        class_names=class_names, held_out_groups=held_out_groups, missing=missing,
        readings=readings,
    )  # fmt: skip


def _test_samples(
    reader: Reader, test_file: Path, path: Path, may_lack: bool, options: dict[str, Any]
) -> Table:
    """All samples of the second file."""
    if reader_of(test_file) is not reader:
        raise UsageError(
            f"data.test_file: {test_file} is not of the format of {path}; it must be the same"
        )
    for name, beside in _OF_THE_TEST_FILE.items():
        if name in options and options[name] is None:
            raise UsageError(
                f"data.{beside}: is needed for data.test_file, as data.{name} is given"
            )
    table, own_test = _read(reader, test_file, may_lack, options)
    if own_test is not None:
        raise UsageError(f"data.test_file: {test_file} has a test split of its own")
    return table


def _read(
    reader: Reader, path: Path, may_lack: bool, options: Mapping[str, Any]
) -> tuple[Table, Table | None]:
    """What ``reader``, which may be of somebody else's, finds in the file."""
    found: object = reader(path, may_lack, **options)
    match found:
        case (Table() as table, (Table() | None) as test):
            return table, test
    provider = READERS.provider(path.suffix.lower())
    raise UsageError(
        f"{path}: the reader of {provider} gives {found!r:.80}, not a tifed.data.Table and the "
        "one of the test split or None"
    )


def _windows(
    table: Table,
    test: Table | None,
    window: int,
    hop: int | None,
    test_fraction: int,
    held_out_groups: Sequence[str] | str | None,
    path: Path,
) -> tuple[Table, Table | None]:
    """Windows instead of readings, in both splits."""
    hop = window if hop is None else hop
    if test is not None:
        return windowed(table, window, hop, None, path)[0], windowed(test, window, hop, None, path)[
            0
        ]
    if held_out_groups is not None:
        return windowed(table, window, hop, None, path)
    check_test_fraction(test_fraction)
    return windowed(table, window, hop, test_fraction, path)
