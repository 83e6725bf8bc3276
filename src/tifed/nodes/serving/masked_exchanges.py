"""Exchanges under masks: four messages for each site, or two where the one before prepares them."""

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from tifed.nodes.answer import UNSAID
from tifed.nodes.messages.check import checked_devices
from tifed.nodes.messages.content import Arrays, Content, MessageError
from tifed.nodes.messages.device_ranges import text, to_ranges
from tifed.nodes.messages.masked import (
    keys_from,
    keys_message,
    neighbour_arrays,
    opening_from,
    sealed_arrays,
    sealed_from,
    shares_message,
    survivor_arrays,
    unmask_message,
    vector_from,
)
from tifed.nodes.serving.fleet import NO_NODE, NodeFleet
from tifed.rule.integer.rounding import Integers
from tifed.secure_aggregation.errors import ProtocolError
from tifed.secure_aggregation.keys import PublicKeys
from tifed.secure_aggregation.masks import Shape, Vector
from tifed.secure_aggregation.server import Aggregation

Parts = Mapping[int, Integers]
"""By site the devices that an exchange asks of it, ascending."""


@dataclass(frozen=True)
class Work:
    """What a session sums.

    Attributes:
        name: for the log.
        request: from a session's name, and that of the next if its keys are wanted, to the message.
        ask: from a site's devices to the arrays that it gets besides.
        shape: of a vector.
        least_devices: a sum over fewer is not unmasked. Of a calibration it is 1, as without masks.
    """

    name: str
    request: Callable[[bytes, bytes | None], Content]
    ask: Callable[[Integers], Arrays]
    shape: Shape
    least_devices: int = 1


@dataclass
class Session:
    """What the server knows of a session.

    Attributes:
        aggregation: its half of the protocol.
        keys: that sites have shown, by the site's number, which is that of one of its devices.
        nodes: the number of the node of each of these sites.
    """

    aggregation: Aggregation = field(default_factory=lambda: Aggregation.begin(secrets.token_bytes))
    keys: dict[int, PublicKeys] = field(default_factory=dict)
    nodes: dict[int, int] = field(default_factory=dict)

    @property
    def name(self) -> bytes:
        """The session's name."""
        return self.aggregation.session

    def enter(self, site: int, node: int, keys: PublicKeys) -> None:
        """Take in a site that has shown its keys."""
        self.keys[site], self.nodes[site] = keys, node

    def enrol(self) -> None:
        """Settle who shares with whom; from now on no site comes in.

        Raises:
            VoidExchangeError: if there are too few.
        """
        self.aggregation.enrol(self.keys, secrets.SystemRandom().shuffle)

    def take_shares(self, content: Content, site: int) -> None:
        """Take in the shares in an answer of ``site``."""
        sealed = sealed_from(content, self.aggregation.sealed_by(site))
        self.aggregation.take_shares(site, sealed)


@dataclass
class MaskedExchanges(NodeFleet):
    """Sums over all nodes that have been masked by each.

    With their masked sums nodes show keys for the session that comes next, and what unmasks the sum
    comes with shares in it. So a session of the same nodes takes two messages for each of them. One
    of others, or in which a node has been lost, begins with those that are missing.

    A node that is lost between two messages costs its own devices' answers alone, as long as no
    more than three tenths are; with more the exchange is void.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self._next = Session()

    def summed(self, work: Work, devices: Integers) -> tuple[Vector, Integers, dict[int, str]]:
        """The unmasked sum over ``devices``, those in it, ascending, and why others are not.

        Raises:
            VoidExchangeError: if it cannot be had.
        """
        session, self._next = self._keyed(work.name, devices), Session()
        # Which nodes the next exchange asks is known beforehand if all exchanges ask all of them.
        following = self._next if self.federation.devices_per_round is None else None
        aggregation = session.aggregation
        aggregation.least_devices = work.least_devices
        aggregation.least_sites = self.federation.noise_sites
        if not aggregation.enrolled:
            session.enrol()
        parts = self._parts(session, devices)
        self._share(work.name, session, parts)
        found, absent = self._mask(work, session, following, parts)
        self._unmask(work.name, session, following, parts)
        total, answered = aggregation.result(), np.sort(np.concatenate(found))
        lost = np.setdiff1d(devices, [*answered, *absent]).tolist()
        return total, answered, dict.fromkeys(lost, NO_NODE) | absent

    def _keyed(self, name: str, devices: Integers) -> Session:
        """A session of which all nodes of ``devices`` that answer have shown keys.

        It is the one that was prepared, if that is one of nodes which are there and asked.
        """
        self._roster.look()
        host, session = self._roster.host, self._next
        known = session.nodes
        moved = any(int(host[site]) != node for site, node in known.items())
        if moved or set(known.values()) - set(host[devices].tolist()):
            session = Session()
        there = np.isin(host[devices], np.array(list(session.nodes.values()), np.uint64))
        missing = devices[~there]
        if len(missing) and self._ask_keys(name, session, missing):
            if not session.aggregation.enrolled:
                return session
            # Who shares with whom is settled there without those that have come.
            session = Session()
            self._ask_keys(name, session, devices)
        return session

    def _ask_keys(self, name: str, session: Session, devices: Integers) -> int:
        """Ask the nodes of ``devices`` for keys; how many have shown some."""

        def accept(content: Content, own: Integers) -> None:
            session.enter(int(own[0]), int(self._roster.host[own[0]]), keys_from(content))

        answers = self.exchange(
            f"{name}, keys", devices, keys_message(self.experiment, session.name),
            lambda own: {"devices": to_ranges(own)}, accept,
        )  # fmt: skip
        return sum(1 for _ in answers)

    def _parts(self, session: Session, devices: Integers) -> Parts:
        """The devices of each site; none of one whose node has left."""
        wanted = np.zeros(self.federation.devices, bool)
        wanted[devices] = True
        sites = {node: site for site, node in session.nodes.items()}
        return {sites[node]: own for node, own in self._by_node(wanted) if node in sites}

    def _share(self, name: str, session: Session, parts: Parts) -> None:
        """Ask those sites for shares that have given none with their last answer."""
        aggregation = session.aggregation
        size, waiting = aggregation.sharing, session.keys.keys() - aggregation.shared
        self._ask(
            f"{name}, shares", waiting, parts,
            shares_message(self.experiment, session.name, size.sites, size.threshold),
            lambda site: neighbour_arrays(aggregation.neighbours(site)), session.take_shares,
        )  # fmt: skip

    def _mask(
        self, work: Work, session: Session, following: Session | None, parts: Parts
    ) -> tuple[list[Integers], dict[int, str]]:
        """Ask for masked sums; which devices are in them, and why others of their sites are not."""
        aggregation, found, absent = session.aggregation, list[Integers](), dict[int, str]()

        def accept(content: Content, site: int) -> None:
            own = parts[site]
            devices = checked_devices(content, self.federation.devices, own)
            vector = vector_from(content, work.shape)
            keys = None if following is None else keys_from(content)
            aggregation.take_masked(site, vector, len(devices))
            found.append(devices)
            if following is not None and keys is not None:
                following.enter(site, session.nodes[site], keys)
            missing = np.setdiff1d(own, devices)
            if len(missing):
                self.log(f"{work.name}: no answer of devices {text(missing)}: {UNSAID}")
            absent.update(dict.fromkeys(missing.tolist(), UNSAID))

        self._ask(
            work.name, aggregation.senders, parts,
            work.request(session.name, None if following is None else following.name),
            lambda site: work.ask(parts[site]) | sealed_arrays(aggregation.sealed_for(site)),
            accept,
        )  # fmt: skip
        return found, absent

    def _unmask(self, name: str, session: Session, following: Session | None, parts: Parts) -> None:
        """Ask for what takes the masks off, and for shares in the session that comes next."""
        aggregation, survivors = session.aggregation, session.aggregation.survivors
        request = unmask_message(self.experiment, session.name)
        if following is not None and following.keys.keys() == session.keys.keys():
            following.enrol()
            request = unmask_message(
                self.experiment, session.name, following.name, following.aggregation.sharing
            )
        else:  # those that are lost have to show their keys first
            following = None

        def ask(site: int) -> Arrays:
            arrays = survivor_arrays(aggregation.survivors_near(site))
            if following is not None:
                arrays |= neighbour_arrays(following.aggregation.neighbours(site))
            return arrays

        def accept(content: Content, site: int) -> None:
            opening = opening_from(content, list(aggregation.sealed_for(site)))
            if following is not None:
                following.take_shares(content, site)
            aggregation.take_opening(site, opening)

        self._ask(f"{name}, unmasking", survivors, parts, request, ask, accept)

    def _ask(
        self,
        name: str,
        sites: Iterable[int],
        parts: Parts,
        request: Content,
        ask: Callable[[int], Arrays],
        accept: Callable[[Content, int], None],
    ) -> None:
        """One message to each of ``sites``."""
        asked = {site: parts[site] for site in sites if site in parts}
        sites_of = {own.tobytes(): site for site, own in asked.items()}

        def site_of(own: Integers) -> int | None:
            return sites_of.get(own.tobytes())

        def arrays(own: Integers) -> Arrays:
            # Devices that have changed their node in between are no site: it will refuse.
            site = site_of(own)
            return {} if site is None else ask(site)

        def accepted(content: Content, own: Integers) -> None:
            site = site_of(own)
            if site is None:
                raise MessageError("hosts other devices than at the beginning of the exchange")
            try:
                accept(content, site)
            except ProtocolError as reason:
                raise MessageError(f"is of no use: {reason}") from reason

        devices = np.sort(np.concatenate([np.zeros(0, np.int64), *asked.values()]))
        for _ in self.exchange(name, devices, request, arrays, accepted):
            pass
