"""Who shares masks with whom: how many neighbours a site has, and how many shares open a secret.

What is claimed is claimed for a server that follows the protocol, with up to a fifth of the sites
on its side, while up to three tenths are lost on the way.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb

from tifed.secure_aggregation.errors import VoidExchangeError

LEAST_SITES = 3
"""Of two, each would know the other's part from the sum."""
COMPLETE = 50
"""Up to so many sites each is every other's neighbour."""
SECRET_BITS = 40
"""In sparse graphs the server reads some site's part with a probability of at most 2**-40."""
LOST_BITS = 20
"""In sparse graphs a sum that could be had is void with a probability of at most 2**-20."""


def corrupt(sites: int) -> int:
    """How many of ``sites`` may be on the server's side: a fifth."""
    return sites // 5


def quorum(sites: int) -> int:
    """How many of ``sites`` have to stay to the end: all but three tenths."""
    return sites - 3 * sites // 10


@dataclass(frozen=True)
class Sharing:
    """What ``sites`` sites owe each other.

    Attributes:
        sites: how many there are.
        neighbours: how many each shares masks and secrets with.
        threshold: how many shares open a secret; fewer say nothing.
    """

    sites: int
    neighbours: int
    threshold: int


@lru_cache(maxsize=64)
def sharing(sites: int) -> Sharing:
    """The smallest sparse graph of which all is claimed; up to `COMPLETE` sites the complete one.

    Every part of it is integers, so that a server and a site cannot disagree.

    Raises:
        VoidExchangeError: if there are too few sites to hide among.

    >>> sharing(10), sharing(100)
    (Sharing(sites=10, neighbours=9, threshold=7), Sharing(sites=100, neighbours=48, threshold=21))
    """
    if sites < LEAST_SITES:
        raise VoidExchangeError(
            f"{sites} sites are there, and a sum hides its parts only among {LEAST_SITES} or more"
        )
    if sites <= COMPLETE:
        return Sharing(sites, sites - 1, min(sites - 1, quorum(sites)))
    for neighbours in range(2, sites, 2):
        threshold = _threshold(sites, neighbours)
        if threshold is not None and _stays_whole(sites, neighbours):
            return Sharing(sites, neighbours, threshold)
    return Sharing(sites, sites - 1, quorum(sites))


def _threshold(sites: int, neighbours: int) -> int | None:
    """Shares that no site's corrupt neighbours have, and that every site's staying ones have.

    None if there is no such number.
    """
    others, all_ways = sites - 1, comb(sites - 1, neighbours)
    ways, threshold = 0, neighbours + 1
    # Down from all neighbours, as long as so many corrupt ones are improbable enough.
    for count, these in _ways(others, corrupt(sites), neighbours):
        ways += these
        if (sites - corrupt(sites)) * ways << SECRET_BITS > all_ways:
            break
        threshold = count
    stay = quorum(sites) - 1
    too_few = sum(these for count, these in _ways(others, stay, neighbours) if count < threshold)
    return None if sites * too_few << LOST_BITS > all_ways else threshold


def _ways(others: int, marked: int, drawn: int) -> Iterator[tuple[int, int]]:
    """From most to least: how many marked ones ``drawn`` of ``others`` can have, in how many ways.

    >>> list(_ways(4, 2, 2))
    [(2, 1), (1, 4), (0, 1)]
    """
    for count in range(drawn, max(0, drawn - (others - marked)) - 1, -1):
        yield count, comb(marked, count) * comb(others - marked, drawn - count)


def _stays_whole(sites: int, neighbours: int) -> bool:
    """Whether honest sites that stay are connected, unless that is improbable enough.

    In a ring where each has the nearest on both sides as neighbours, only two gaps, each of half a
    neighbourhood, part it.
    """
    gone = corrupt(sites) + sites - quorum(sites)
    if gone < neighbours:
        return True
    parted = comb(sites, 2) * comb(sites - neighbours, gone - neighbours)
    return parted << SECRET_BITS <= comb(sites, gone)


def ring(order: Sequence[int], neighbours: int) -> dict[int, tuple[int, ...]]:
    """The neighbours of each site, ascending: the nearest in ``order``, half on either side.

    >>> ring([5, 0, 3, 2, 9], 2)[0]
    (3, 5)
    >>> ring([5, 0, 3], 2)[5]
    (0, 3)
    """
    count = len(order)
    if neighbours == count - 1:
        return {site: tuple(sorted(set(order) - {site})) for site in order}
    steps = [step for step in range(-(neighbours // 2), neighbours // 2 + 1) if step]
    return {
        site: tuple(sorted(order[(place + step) % count] for step in steps))
        for place, site in enumerate(order)
    }
