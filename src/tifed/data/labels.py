"""Labels become 0..C-1 with a name for each class; groups become 0..G-1 with a name for each.

Identifiers are text: ``01`` and ``1`` are two, and so are ``1_10`` and ``11_0``. They count as
integers only where every one of them is written as integers usually are.
"""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.data.numerals import is_integer, is_plain_number, shown
from tifed.errors import UsageError

_FEW = 50  # so many different labels are believed without a word
_SHARE = 10  # or one in so many samples
_LARGEST = 1 << 31

Encoded = tuple[list[NDArray[np.int32]], tuple[str, ...]]


def encode_labels(
    columns: Sequence[NDArray[Any]],
    classes: int | None,
    class_names: Sequence[str] | None,
    path: Path,
) -> Encoded:
    """Number the classes.

    Integers 0..C-1 without a gap are the classes' numbers. Other integers are names, in numeric
    order. So is text, in the order of its characters.

    Args:
        columns: per split the labels (N,): text, integers, or floats without fractions.
        classes: number of classes, if integers are not to be taken for names and not all occur.
        class_names: the classes in their order, if given. Integer labels 0..C-1 of which none is
            such a name are indices into it.
        path: the file, for messages.

    Returns:
        Per split int32 (N,), and the classes' names.

    Raises:
        UsageError: for labels that are no classes, or that contradict ``classes`` or
            ``class_names``.
    """
    if classes is not None and (type(classes) is not int or classes < 2):
        raise UsageError(f"data.classes: {classes!r} is not a whole number of 2 or more")
    columns = _alike(columns)
    found = _integers(columns, path)
    if class_names is not None:
        return _by_given_names(columns, found, _checked_names(class_names), classes, path)
    if found is None:
        _few_enough(columns, classes, path)
        codes, values = _places(columns)
        names = tuple(map(str, values.tolist()))
        if classes is not None and classes != len(names):
            raise UsageError(
                f"{path}, labels: {len(names)} different names, but data.classes is {classes}; "
                "leave data.classes out"
            )
        return codes, names
    if classes is not None:
        for part in found:
            if (wrong := (part < 0) | (part >= classes)).any():
                row = int(wrong.argmax())
                raise UsageError(
                    f"{path}, labels: row {row}: {part[row]} is not an integer in "
                    f"0..{classes - 1}, as data.classes={classes} says; number the classes from "
                    "0, or leave data.classes out to have the labels' own numbers as names"
                )
        return [part.astype(np.int32) for part in found], tuple(map(str, range(classes)))
    _few_enough(found, classes, path)
    codes, values = _places(found)
    return codes, tuple(map(str, values.tolist()))


def encode_groups(columns: Sequence[NDArray[Any]]) -> Encoded:
    """Number the groups: integers in their order, any other text in its own.

    >>> encode_groups([np.array(["10", "9"]), np.array(["9"])])
    ([array([1, 0], dtype=int32), array([0], dtype=int32)], ('9', '10'))
    >>> encode_groups([np.array(["1_10", "11_0", "01", "1"])])[1]
    ('01', '1', '11_0', '1_10')
    """
    columns = _alike(columns)
    codes, values = _places(columns)
    names = [str(value) for value in values.tolist()]
    if columns[0].dtype.kind == "U" and all(map(is_integer, names)):
        order = sorted(range(len(names)), key=lambda place: int(names[place]))
        rank = np.argsort(order).astype(np.int32)
        return [rank[part] for part in codes], tuple(names[place] for place in order)
    return codes, tuple(names)


def may_be_classes(words: Sequence[str]) -> bool:
    """Whether text of so many samples can be classes: few different values, and no fractions.

    >>> may_be_classes(["1.0e+00", "2.0e+00"] * 9), may_be_classes(["0.5", "2"] * 9)
    (True, False)
    """
    different = set(words)
    if _crowded(len(different), len(words)):
        return False
    numbers = all(map(is_plain_number, different))
    return not numbers or all(float(word).is_integer() for word in different)


def as_column(values: NDArray[Any]) -> NDArray[Any]:
    """Labels or groups (N,), of an array that may also be (N, 1), or one-hot (N, C).

    >>> as_column(np.array([[0, 1], [1, 0]])).tolist(), as_column(np.array([[7], [9]])).tolist()
    ([1, 0], [7, 9])
    """
    if values.ndim == 2 and values.shape[1] == 1:
        return values[:, 0]
    if values.ndim == 2 and values.dtype.kind in "biuf" and values.shape[1] > 1:
        ones = values == 1
        if bool((ones.sum(axis=1) == 1).all()) and bool((ones | (values == 0)).all()):
            places: NDArray[np.int64] = values.argmax(axis=1)
            return places
    return values


def _alike(columns: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """All of them as text if one of them is text."""
    if not any(column.dtype.kind in "US" for column in columns):
        return list(columns)
    try:
        return [
            np.char.decode(c, "utf-8") if c.dtype.kind == "S" else c.astype(np.str_)
            for c in columns
        ]
    except UnicodeDecodeError as error:
        raise UsageError(
            f"labels or groups: {error.object!r} is not UTF-8 text; save them as text"
        ) from error


def _integers(columns: Sequence[NDArray[Any]], path: Path) -> list[NDArray[np.int64]] | None:
    """The labels as integers; None if they are names."""
    advice = "number the classes from 0, or write them as names"
    if columns[0].dtype.kind == "U":
        advice = f"choose another column (data.label_column), {advice}"
        numbers = _text_as_numbers(columns)
        if numbers is None:
            return None
        columns = numbers
    integers = []
    for column in columns:
        if column.dtype.kind not in "biuf":
            raise UsageError(
                f"{path}, labels: must be integers or strings, not {column.dtype}; "
                "number the classes from 0"
            )
        # Written so that NaN and infinity are refused too.
        good = (column == np.floor(column)) & (abs(column.astype(np.float64)) < _LARGEST)
        if not good.all():
            row = int(good.argmin())
            raise UsageError(
                f"{path}, labels: row {row}: {column[row]} is not an integer; a label is a class, "
                f"not a quantity: {advice}"
            )
        integers.append(column.astype(np.int64))
    return integers


def _text_as_numbers(columns: Sequence[NDArray[Any]]) -> list[NDArray[Any]] | None:
    """Numbers if every label is written as one; `_integers` looks for fractions."""
    values, inverse = np.unique(np.concatenate(columns), return_inverse=True)
    words = values.tolist()
    if not all(map(is_plain_number, words)):
        return None
    numbers: NDArray[Any] = np.array([float(word) for word in words])
    if all(map(is_integer, words)) and bool((abs(numbers) >= _LARGEST).any()):
        return None  # a bar code
    edges = np.cumsum([len(column) for column in columns])[:-1]
    return np.split(numbers[inverse], edges)


def _by_given_names(
    columns: Sequence[NDArray[Any]],
    integers: Sequence[NDArray[np.int64]] | None,
    names: tuple[str, ...],
    classes: int | None,
    path: Path,
) -> Encoded:
    """Each label's place in ``names``."""
    if classes is not None and classes != len(names):
        raise UsageError(
            f"data.class_names: {len(names)} names, but data.classes is {classes}; give only one"
        )
    columns = columns if integers is None else integers
    codes, values = _places(columns)
    words = [str(value) for value in values.tolist()]
    known = {name: place for place, name in enumerate(names)}
    numbers = ""
    if integers is not None and not known.keys() & set(words):
        known = {str(place): place for place in range(len(names))}
        numbers = " (no label is one of the names, so that labels are numbers of names, from 0)"
    for word in words:
        if word not in known:
            near = difflib.get_close_matches(word, known, 1)
            raise UsageError(
                f"data.class_names: {path} has the label {shown(word)}, which is not one of "
                f"{', '.join(known)}{numbers}"
                + (f"; did you mean {near[0]!r}?" if near and not numbers else "")
            )
    order = np.array([known[word] for word in words], dtype=np.int32)
    return [order[part] for part in codes], names


def _checked_names(given: Sequence[str]) -> tuple[str, ...]:
    """Two or more different names."""
    right = isinstance(given, list | tuple) and all(type(name) in (str, int) for name in given)
    names = tuple(map(str, given)) if right else ()
    if len(set(names)) < max(2, len(names)):
        raise UsageError(
            f"data.class_names: {given!r} must be a list of two or more different names, "
            'such as ["sit", "walk"]'
        )
    return names


def _few_enough(columns: Sequence[NDArray[Any]], classes: int | None, path: Path) -> None:
    """Refuse what is a quantity or a name of its own for each sample."""
    different, samples = len(np.unique(np.concatenate(columns))), sum(map(len, columns))
    if _crowded(different, samples) and classes is None:
        raise UsageError(
            f"{path}, labels: {different} different values in {samples} samples; a label is a "
            "class, not a quantity or a number of its own for each sample. Choose another column "
            "(data.label_column), sort the values into a few classes, or say "
            f"data.classes={different} if this is meant"
        )


def _crowded(different: int, samples: int) -> bool:
    """Whether there are too many different labels for classes."""
    return different > max(_FEW, samples // _SHARE) or (different > 10 and different * 2 > samples)


def _places(columns: Sequence[NDArray[Any]]) -> tuple[list[NDArray[np.int32]], NDArray[Any]]:
    """Each value's index among all different values, and those in ascending order."""
    values, inverse = np.unique(np.concatenate(columns), return_inverse=True)
    if values.dtype.kind == "U":
        for word in values.tolist():
            if not _is_text(word):
                raise UsageError(
                    f"labels or groups: {shown(word)} holds half a character, which no file or "
                    "picture can show; save them as UTF-8 text"
                )
    edges = np.cumsum([len(column) for column in columns])[:-1]
    return np.split(inverse.astype(np.int32), edges), values


def _is_text(word: str) -> bool:
    """Whether every character is one: JSON and NumPy can hold halves of a pair."""
    return not any("\ud800" <= character <= "\udfff" for character in word)
