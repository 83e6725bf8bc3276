"""Neighbours and thresholds: what is claimed holds, by exact counting."""

from math import comb

import pytest

from tifed.secure_aggregation.errors import VoidExchangeError
from tifed.secure_aggregation.graph import corrupt, quorum, ring, sharing


@pytest.mark.parametrize(
    ("sites", "neighbours", "threshold"),
    [(3, 2, 2), (4, 3, 3), (10, 9, 7), (50, 49, 35), (51, 26, 11), (100, 48, 21), (1000, 140, 67)],
)
def test_the_table_of_the_specification(sites: int, neighbours: int, threshold: int) -> None:
    found = sharing(sites)
    assert (found.neighbours, found.threshold) == (neighbours, threshold)


@pytest.mark.parametrize("sites", range(3, 51))
def test_complete_graphs(sites: int) -> None:
    found = sharing(sites)
    # Corrupt sites alone open nothing, and those that stay open what is lost.
    assert corrupt(sites) < found.threshold <= min(quorum(sites), sites - 1)
    # Even a server that tells sites of different survivors gets too few shares of both kinds.
    if sites > 3:
        assert 2 * found.threshold > sites + corrupt(sites)


@pytest.mark.parametrize("sites", [51, 64, 100, 230])
def test_sparse_graphs(sites: int) -> None:
    found = sharing(sites)
    others, drawn = sites - 1, found.neighbours

    def probability(marked: int, counts: range) -> float:
        ways = sum(comb(marked, c) * comb(others - marked, drawn - c) for c in counts)
        return ways / comb(others, drawn)

    read = probability(corrupt(sites), range(found.threshold, drawn + 1))
    void = probability(quorum(sites) - 1, range(found.threshold))
    assert (sites - corrupt(sites)) * read <= 2**-40
    assert sites * void <= 2**-20


def test_two_sites_hide_nothing() -> None:
    with pytest.raises(VoidExchangeError, match="2 sites"):
        sharing(2)


@pytest.mark.parametrize(("count", "neighbours"), [(60, 32), (10, 9), (51, 26)])
def test_neighbours_are_each_others(count: int, neighbours: int) -> None:
    order = sorted(range(count), key=lambda site: site * 37 % 101)
    found = ring(order, neighbours)
    assert sorted(found) == list(range(count))
    for site, others in found.items():
        assert len(set(others)) == neighbours
        assert site not in others
        assert list(others) == sorted(others)
        assert all(site in found[other] for other in others)
