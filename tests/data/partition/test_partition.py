"""A partition checks itself, counts itself and shows itself."""

import numpy as np
import pytest

from tifed.data.partition import explicit, iid, picture, text_table
from tifed.errors import UsageError

LABELS = np.array([0, 1, 2, 0, 1, 2], np.int32)


def test_an_explicit_partition_keeps_its_order_and_is_read_only() -> None:
    partition = explicit([[5, 0], [3]], samples=6)
    assert [owned.tolist() for owned in partition.indices] == [[5, 0], [3]]
    assert partition.table(LABELS, 3).tolist() == [[1, 0, 1], [1, 0, 0]]
    assert partition.limited(1).sizes.tolist() == [1, 1]
    with pytest.raises(ValueError, match="read-only"):
        partition.indices[0][0] = 1


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ([], "devices: a partition needs at least one"),
        ([[0], []], r"an empty partition: device 1 of 2 .*\(explicit\); give it some"),
        ([[0], [6]], r"device 1: index 6 is not in 0\.\.5"),
        ([[0], [-1]], r"device 1: index -1 is not in 0\.\.5"),
        ([[0, 2], [2]], "sample 2: is owned 2 times; a sample belongs to one device"),
        ([[0.5]], "device 0: indices must be integers"),
    ],
)
def test_an_impossible_partition_is_refused(indices: list[list[int]], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        explicit(indices, samples=6)


def test_the_table_refuses_labels_of_other_samples() -> None:
    partition = explicit([[0]], samples=6)
    with pytest.raises(UsageError, match="labels: 3, but the partition is one of 6 samples"):
        partition.table(LABELS[:3], 3)
    with pytest.raises(UsageError, match=r"labels: 2 is not in 0\.\.1"):
        partition.table(LABELS, 2)


def test_the_text_shows_the_first_devices_and_sums_up_the_rest() -> None:
    table = iid(np.tile(LABELS, 50), 30, 0).table(np.tile(LABELS, 50), 3)
    text = text_table(table, ("trouser", "shirt", "a very long name"), most=4)
    lines = text.splitlines()
    assert "a very lon" in lines[0]
    assert lines[5].split() == ["...", "+26"]
    assert lines[6].split() == ["all", "100", "100", "100", "300"]
    assert "per device: least 10, median 10, most 10" in lines[7]
    with pytest.raises(UsageError, match="class_names: 1 names for 3 classes"):
        text_table(table, ("one",))


@pytest.mark.parametrize(("devices", "panels"), [(8, 1), (1000, 3)])
def test_the_picture_suits_few_and_many_devices(devices: int, panels: int) -> None:
    labels = np.tile(LABELS, 200)
    table = iid(labels, devices, 0).table(labels, 3)
    figure = picture(table, ("a", "b", "c"), title="IID")
    assert len(figure.axes) == panels
    figure.canvas.draw()
    shown = figure.axes[0]
    assert len(shown.patches) == (24 if devices == 8 else 0)
    with pytest.raises(UsageError, match="class_names: 2 names for 3 classes"):
        picture(table, ("a", "b"))
