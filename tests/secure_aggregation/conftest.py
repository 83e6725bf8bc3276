"""Sessions of many sites in one process."""

import os
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import pytest

from tifed.secure_aggregation.masks import Vector
from tifed.secure_aggregation.server import Aggregation
from tifed.secure_aggregation.site import Site


def vector(site: int, width: int = 32) -> Vector:
    """Another one for each site, with sums on both sides of zero."""
    sums = np.arange(5, dtype=np.int64) * (site + 1) - 7 * site
    return Vector.of([site, 1000 + site], (sums, width))


@dataclass
class Played:
    """One session: who is lost before which step, and what the server had.

    Attributes:
        count: sites.
        lost: by step, 1 to 4, the sites that are lost before it.
    """

    count: int
    lost: dict[int, set[int]] = field(default_factory=dict)
    width: int = 32
    aggregation: Aggregation = field(init=False)
    sites: dict[int, Site] = field(init=False)
    masked: dict[int, Vector] = field(default_factory=dict)

    def there(self, step: int, sites: Iterable[int]) -> list[int]:
        gone = set().union(*(self.lost.get(before, set()) for before in range(step + 1)))
        return [site for site in sites if site not in gone]

    def begin(self) -> None:
        self.aggregation = Aggregation.begin(os.urandom)
        session = self.aggregation.session
        self.sites = {
            site: Site.begin(session, site, os.urandom) for site in self.there(1, range(self.count))
        }
        keys = {number: site.public for number, site in self.sites.items()}
        self.aggregation.enrol(keys, random.SystemRandom().shuffle)

    def share(self) -> None:
        size = self.aggregation.sharing
        for site in self.there(2, self.sites):
            neighbours = self.aggregation.neighbours(site)
            sealed = self.sites[site].share(size.sites, size.threshold, neighbours)
            self.aggregation.take_shares(site, sealed)

    def mask(self) -> None:
        for site in self.there(3, self.aggregation.senders):
            sealed = self.aggregation.sealed_for(site)
            self.masked[site] = self.sites[site].mask(vector(site, self.width), sealed)
            self.aggregation.take_masked(site, self.masked[site].copy(), 1)

    def unmask(self) -> Vector:
        for site in self.there(4, self.aggregation.survivors):
            opening = self.sites[site].open(self.aggregation.survivors_near(site))
            self.aggregation.take_opening(site, opening)
        return self.aggregation.result()

    def play(self) -> Vector:
        self.begin()
        self.share()
        self.mask()
        return self.unmask()


@pytest.fixture
def played() -> Callable[..., Played]:
    """Makes a session."""
    return Played


@pytest.fixture
def plain_sum() -> Callable[..., tuple[list[int], list[int]]]:
    """Counts and sums over some sites, without any masks."""

    def add(sites: Iterable[int], width: int = 32) -> tuple[list[int], list[int]]:
        own = [vector(site, width) for site in sites]
        counts = np.sum([v.counts for v in own], axis=0).tolist()
        return counts, np.sum([v.whole_sums for v in own], axis=0).tolist()

    return add
