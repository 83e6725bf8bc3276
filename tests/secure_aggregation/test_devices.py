"""Which sums over devices with masks of their own hide every device."""

import pytest

from tifed.secure_aggregation.devices import LEAST_DEVICES, among, check_hidden, ring
from tifed.secure_aggregation.errors import VoidExchangeError


@pytest.mark.parametrize("most", [2, 3, 8])
@pytest.mark.parametrize("count", [3, 4, 9, 20])
def test_whoever_shares_in_a_ring_is_hidden(count: int, most: int) -> None:
    partners = ring([7 * device for device in range(count)], most)
    check_hidden(partners)
    for own, others in partners.items():
        assert own not in others
        assert LEAST_DEVICES - 1 <= len(others) <= most
        assert all(own in partners[other] for other in others)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_sum_of_fewer_than_three_hides_none(count: int) -> None:
    with pytest.raises(VoidExchangeError, match=f"{count} devices are left, and a sum over fewer"):
        check_hidden(among(ring(range(9), 8), range(count)))


def test_a_device_with_one_partner_left_is_not_hidden() -> None:
    """That one could take the mask that they share off by itself."""
    with pytest.raises(VoidExchangeError, match="device 0 shares masks with 1 that are left"):
        check_hidden(among(ring(range(9), 2), [0, 1, 2, 3, 4]))


def test_devices_that_fall_into_parts_have_a_sum_for_each_part() -> None:
    parts = among(ring(range(12), 4), [0, 1, 2, 6, 7, 8])
    assert all(len(others) == LEAST_DEVICES - 1 for others in parts.values())
    with pytest.raises(VoidExchangeError, match="are left share no masks with one another"):
        check_hidden(parts)
