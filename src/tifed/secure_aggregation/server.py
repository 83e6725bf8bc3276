"""The server's half: who shares with whom, and a sum without masks."""

from collections.abc import Callable, Mapping, MutableSequence
from dataclasses import dataclass, field

from tifed.secure_aggregation.errors import ProtocolError, VoidExchangeError
from tifed.secure_aggregation.graph import LEAST_SITES, Sharing, quorum, ring, sharing
from tifed.secure_aggregation.keys import PublicKeys, mask_key, public
from tifed.secure_aggregation.masks import Vector
from tifed.secure_aggregation.shares import joined
from tifed.secure_aggregation.site import SESSION, Opening, Random, add_pair, own_mask_key

Shuffle = Callable[[MutableSequence[int]], None]
"""Puts a list in random order, in place, as nobody can foresee."""


@dataclass
class Aggregation:
    """One session: keys, shares, masked vectors and openings come in, the sum goes out.

    Attributes:
        session: its name, which no other has.
        least_devices: a sum over fewer is not unmasked.
        least_sites: nor is one of fewer sites, whose noise together would be too little.
        sharing: what the sites owe each other, once their keys are there.
    """

    session: bytes
    least_devices: int = 1
    least_sites: int = 1
    sharing: Sharing = field(init=False)
    _keys: dict[int, PublicKeys] = field(default_factory=dict)
    _neighbours: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _sealed: dict[int, Mapping[int, bytes]] = field(default_factory=dict)
    _sum: Vector | None = None
    _survivors: dict[int, int] = field(default_factory=dict)
    _openings: dict[int, Opening] = field(default_factory=dict)

    @classmethod
    def begin(cls, random: Random, least_devices: int = 1) -> "Aggregation":
        """A session with a new name."""
        return cls(random(SESSION), least_devices)

    def enrol(self, keys: Mapping[int, PublicKeys], shuffle: Shuffle) -> None:
        """Choose who shares with whom, among the sites that have shown keys.

        Raises:
            VoidExchangeError: if they are too few.
        """
        self.sharing = sharing(len(keys))
        order = sorted(keys)
        shuffle(order)
        self._keys, self._neighbours = dict(keys), ring(order, self.sharing.neighbours)

    def neighbours(self, site: int) -> dict[int, PublicKeys]:
        """The neighbours of ``site`` and their keys."""
        return {other: self._keys[other] for other in self._neighbours[site]}

    def sealed_by(self, site: int) -> list[int]:
        """The neighbours that ``site`` seals shares for; those of the others follow from keys."""
        return list(self._neighbours[site])[self.sharing.threshold - 1 :]

    def take_shares(self, site: int, sealed: Mapping[int, bytes]) -> None:
        """What ``site`` has sealed for each of `sealed_by`."""
        self._sealed[site] = sealed

    @property
    def enrolled(self) -> bool:
        """Whether it is settled who shares with whom."""
        return bool(self._neighbours)

    @property
    def shared(self) -> set[int]:
        """The sites that have shared so far."""
        return set(self._sealed)

    @property
    def senders(self) -> list[int]:
        """The sites that have shared, ascending.

        Raises:
            VoidExchangeError: if they are too few.
        """
        self._enough(len(self._sealed), "shared their secrets")
        return sorted(self._sealed)

    def sealed_for(self, site: int) -> dict[int, bytes]:
        """What neighbours of ``site`` have sealed for it, by neighbour; empty if it knows that."""
        return {
            other: self._sealed[other].get(site, b"")
            for other in self._neighbours[site]
            if other in self._sealed
        }

    def take_masked(self, site: int, vector: Vector, devices: int) -> None:
        """Add the masked vector of ``site``, over so many devices, perhaps none.

        Raises:
            ProtocolError: if it has come before, or nobody shared with the site.
        """
        if site in self._survivors or site not in self._sealed:
            raise ProtocolError("a masked vector came twice, or from one who had not shared")
        if self._sum is None:
            self._sum = Vector.zeros(vector.shape)
        self._sum.add(vector)
        self._survivors[site] = devices

    @property
    def survivors(self) -> list[int]:
        """The sites whose vectors are in the sum, ascending.

        Raises:
            VoidExchangeError: if they are too few, or too few have anything in it.
        """
        self._enough(len(self._survivors), "sent masked sums")
        having, devices = sum(map(bool, self._survivors.values())), sum(self._survivors.values())
        if having < LEAST_SITES:
            raise VoidExchangeError(
                f"devices of {having} sites have answered, and a sum hides its parts only among "
                f"{LEAST_SITES} or more"
            )
        if devices < self.least_devices:
            raise VoidExchangeError(
                f"{devices} devices have answered, and minimum_devices is {self.least_devices}"
            )
        if len(self._survivors) < self.least_sites:
            raise VoidExchangeError(
                f"{len(self._survivors)} sites have sent sums with their part of the noise, and it "
                f"takes {self.least_sites} (privacy.noise_sites)"
            )
        return sorted(self._survivors)

    def survivors_near(self, site: int) -> list[int]:
        """The same, of ``site`` and its neighbours."""
        return sorted(self._survivors.keys() & {site, *self._neighbours[site]})

    def take_opening(self, site: int, opening: Opening) -> None:
        """What ``site`` says to take the masks off."""
        self._openings[site] = opening

    def result(self) -> Vector:
        """The sum without masks.

        Raises:
            VoidExchangeError: if so many sites are lost that it cannot be had, or a share is wrong.
        """
        self._enough(len(self._openings), "helped to take the masks off")
        if self._sum is None:
            raise VoidExchangeError("no masked sum came")
        total = self._sum.copy()
        for site in sorted(self._survivors):
            opening = self._openings.get(site)
            seed = opening.own if opening and opening.own else self._joined(site)
            total.subtract_mask(own_mask_key(seed, self.session))
        for lost in sorted(self._sealed.keys() - self._survivors):
            self._take_off(total, lost)
        return total

    def _take_off(self, total: Vector, lost: int) -> None:
        """Take the masks that survivors share with the site ``lost`` off ``total``."""
        private = mask_key(self._joined(lost), self.session)
        if public(private) != self._keys[lost].masks:
            raise VoidExchangeError(f"the shares of site {lost} do not give its key")
        masks = Vector.zeros(total.shape)
        for other in self._neighbours[lost]:
            if other in self._survivors:
                # What the lost site would have added is what the other's mask lacks to cancel.
                add_pair(
                    masks, private, self._keys[other].masks, self.session, lost, other
                )  # fmt: skip
        total.add(masks)

    def _joined(self, site: int) -> bytes:
        """The secret of ``site`` of which the neighbours have given shares."""
        shares = {
            place: self._openings[other].shares[site]
            for place, other in enumerate(self._neighbours[site])
            if other in self._openings and site in self._openings[other].shares
        }
        return joined(shares, self.sharing.threshold)

    def _enough(self, count: int, have: str) -> None:
        """Give the exchange up if too few sites have come so far."""
        needed = max(LEAST_SITES, quorum(self.sharing.sites))
        if count < needed:
            raise VoidExchangeError(
                f"{count} of {self.sharing.sites} sites have {have}, and it takes {needed}"
            )
