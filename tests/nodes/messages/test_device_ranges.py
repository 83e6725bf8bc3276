import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tifed.nodes.messages.device_ranges import from_ranges, hosted, text, to_ranges


@given(st.integers(1, 200), st.integers(1, 20))
def test_nodes_host_every_device_once_and_about_equally_many(devices: int, nodes: int) -> None:
    parts = [hosted(node, nodes, devices) for node in range(nodes)]
    assert [device for part in parts for device in part] == list(range(devices))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@given(st.sets(st.integers(0, 50)))
def test_ranges_bring_devices_back(devices: set[int]) -> None:
    assert from_ranges(to_ranges(sorted(devices)), 51).tolist() == sorted(devices)


@pytest.mark.parametrize(
    "ranges", [[[0, 0]], [[0, 9]], [[-1, 1]], [[3, 1], [0, 1]], [[0, 2], [1, 1]], [[0, 1 << 62]]]
)
def test_ranges_that_name_no_devices_are_refused(ranges: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="ascending"):
        from_ranges(np.array(ranges, np.int64), 8)


def test_words() -> None:
    assert text([5, 0, 1, 2]) == "0-2, 5"
    assert text([]) == "none"
