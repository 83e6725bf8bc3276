"""A site's half: four answers in one session, each given once."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from tifed.secure_aggregation.errors import ProtocolError, VoidExchangeError
from tifed.secure_aggregation.graph import sharing
from tifed.secure_aggregation.keys import (
    KEY,
    SEED,
    TAG,
    PublicKeys,
    agreed,
    derived,
    mask_key,
    numbered,
    opened,
    public,
    seal,
)
from tifed.secure_aggregation.masks import Vector
from tifed.secure_aggregation.shares import split

SESSION = 16
"""Bytes of a session's name."""
SEALED = 2 * SEED + TAG
"""Bytes of a neighbour's shares, sealed."""

_SEALED, _GIVEN = b"shares", b"given shares"
"""What a key is for that two sites agree on: sealing shares, or being shares."""

Random = Callable[[int], bytes]
"""So many bytes from the operating system's generator."""


class Step(IntEnum):
    """What a site has said last."""

    KEYS = 1
    SHARES = 2
    MASKED = 3
    OPENED = 4


@dataclass(frozen=True)
class Opening:
    """What a site says at the end; of each neighbour one of two secrets, and never the other.

    Attributes:
        own: the seed of its own mask, if its vector is in the sum; else nothing.
        shares: by neighbour; of the own mask if the neighbour's vector is in the sum, else of its
            key.
    """

    own: bytes
    shares: Mapping[int, bytes]


@dataclass
class Site:
    """The secrets of one session; a new session has new ones.

    Attributes:
        session: its name, `SESSION` bytes.
        number: the site's.
        key_seed: what the private key for masks is made of; given to the neighbours in shares.
        self_seed: what the site's own mask is made of; so, too.
        share_key: the private key that shares are sealed and opened by.
        step: what was said last.
        threshold: how many shares open a secret.
        keys: of the neighbours.
        shares: of the neighbours' two secrets, one after the other, from those that could be read.
        senders: the neighbours that share masks with this site.
    """

    session: bytes
    number: int
    key_seed: bytes = field(repr=False)
    self_seed: bytes = field(repr=False)
    share_key: bytes = field(repr=False)
    step: Step = Step.KEYS
    threshold: int = 0
    keys: dict[int, PublicKeys] = field(default_factory=dict)
    shares: dict[int, bytes] = field(default_factory=dict, repr=False)
    senders: tuple[int, ...] = ()

    @classmethod
    def begin(cls, session: bytes, number: int, random: Random) -> "Site":
        """Fresh secrets.

        Raises:
            ProtocolError: if ``session`` is not the name of one.
        """
        if len(session) != SESSION:
            raise ProtocolError(f"a session's name has {SESSION} bytes, not {len(session)}")
        return cls(session, number, random(SEED), random(SEED), random(KEY))

    @property
    def public(self) -> PublicKeys:
        """What the neighbours need."""
        return PublicKeys(public(mask_key(self.key_seed, self.session)), public(self.share_key))

    def share(self, sites: int, threshold: int, keys: Mapping[int, PublicKeys]) -> dict[int, bytes]:
        """For each neighbour its shares of both secrets, sealed.

        The first ones, one fewer than open a secret, get nothing: their shares follow from the key
        that they have agreed on with this site.

        Args:
            sites: how many there are.
            threshold: how many shares open a secret.
            keys: of the neighbours.

        Raises:
            ProtocolError: if these are not the neighbours and the threshold that so many sites
                have (SPEC, 21.2), or it has been said before.
        """
        self._at(Step.KEYS)
        try:
            due = sharing(sites)
        except VoidExchangeError as error:
            raise ProtocolError(f"will not take part: {error}") from error
        if len(keys) != due.neighbours or threshold != due.threshold or self.number in keys:
            raise ProtocolError(
                f"will not share with {len(keys)} neighbours, of whom {threshold} open a secret: "
                f"among {sites} sites they are {due.neighbours} others and {due.threshold}"
            )
        self.keys, self.threshold = dict(sorted(keys.items())), threshold
        first, rest = list(self.keys)[: threshold - 1], list(self.keys)[threshold - 1 :]
        given = [self._shared_key(_GIVEN, self.number, other) for other in first]
        parts = zip(
            rest,
            split(self.key_seed, [shares[:SEED] for shares in given], len(keys)),
            split(self.self_seed, [shares[SEED:] for shares in given], len(keys)),
            strict=True,
        )
        sealed = {
            other: seal(self._shared_key(_SEALED, self.number, other), of_key + of_self)
            for other, of_key, of_self in parts
        }
        self.step = Step.SHARES
        return sealed

    @property
    def knows_all(self) -> bool:
        """Whether all other sites are neighbours of this one, which has shared with them."""
        try:
            complete = sharing(len(self.keys) + 1)
        except VoidExchangeError:
            return False
        return (complete.neighbours, complete.threshold) == (len(self.keys), self.threshold)

    def check_senders(self, senders: Sequence[int]) -> None:
        """Make sure that a vector may be masked with those neighbours whose shares have come.

        Raises:
            ProtocolError: if it may not. Fewer than open a secret could never be unmasked.
        """
        self._at(Step.SHARES)
        strangers = set(senders) - set(self.keys)
        if strangers or len(set(senders)) != len(senders):
            raise ProtocolError("will not mask with sites that are no neighbours, or named twice")
        if len(senders) + 1 < self.threshold:
            raise ProtocolError(
                f"will not mask among {len(senders) + 1} sites: it takes {self.threshold} to open "
                "a secret"
            )

    def mask(self, vector: Vector, sealed: Mapping[int, bytes]) -> Vector:
        """``vector`` under the masks with those neighbours whose shares have come, and its own.

        Args:
            vector: what nobody may see.
            sealed: by sender what it has sealed for this site, empty where that follows from their
                keys; one that cannot be read is left out when shares are asked for.

        Raises:
            ProtocolError: see `check_senders`; or if a vector was masked before.
        """
        self.check_senders(list(sealed))
        self.senders = tuple(sorted(sealed))
        for other in self.senders:
            text: bytes | None = self._shared_key(_GIVEN, other, self.number)
            if sealed[other]:
                text = opened(self._shared_key(_SEALED, other, self.number), sealed[other])
            if text is not None and len(text) == 2 * SEED:
                self.shares[other] = text
        private, masked = mask_key(self.key_seed, self.session), vector.copy()
        for other in self.senders:
            theirs = self.keys[other].masks
            add_pair(masked, private, theirs, self.session, self.number, other)
        masked.add_mask(own_mask_key(self.self_seed, self.session))
        self.step = Step.MASKED
        return masked

    def check_survivors(self, survivors: Sequence[int]) -> None:
        """Make sure that a sum may be unmasked in which the vectors of ``survivors`` are.

        Raises:
            ProtocolError: if one is a stranger, too few of them are there, or it has been said
                before: whoever had both shares of a site could read its part.
        """
        self._at(Step.MASKED)
        known = {self.number, *self.senders}
        if set(survivors) - known:
            raise ProtocolError("will not open shares for sites that are no neighbours")
        if len(set(survivors)) < self.threshold:  # 2 or more, so never its own vector alone
            raise ProtocolError(
                f"will not unmask a sum in which {len(set(survivors))} sites of those it knows "
                f"are: it takes {self.threshold}"
            )

    def open(self, survivors: Sequence[int]) -> Opening:
        """What the server needs to take the masks off a sum.

        Args:
            survivors: those whose vectors are in the sum, of this site and its neighbours.

        Raises:
            ProtocolError: see `check_survivors`.
        """
        self.check_survivors(survivors)
        self.step = Step.OPENED
        own = self.self_seed if self.number in survivors else b""
        return Opening(
            own,
            {
                other: text[SEED:] if other in survivors else text[:SEED]
                for other, text in self.shares.items()
            },
        )

    def _shared_key(self, purpose: bytes, sender: int, receiver: int) -> bytes:
        """What this site and another one, sender or receiver, have in common for ``purpose``."""
        theirs = self.keys[receiver if sender == self.number else sender].shares
        what = (purpose, self.session, numbered(sender, receiver))
        return agreed(self.share_key, theirs, *what)

    def _at(self, step: Step) -> None:
        """Refuse what does not come next.

        Raises:
            ProtocolError: if the step was another.
        """
        if self.step != step:
            raise ProtocolError(
                f"has said its {self.step.name.lower()} in this session, and says each thing once"
            )

    def to_json(self) -> str:
        """All of it, secrets included, for whoever keeps it between two messages."""
        return json.dumps(
            {
                "session": self.session.hex(), "number": self.number,
                "key_seed": self.key_seed.hex(), "self_seed": self.self_seed.hex(),
                "share_key": self.share_key.hex(), "step": int(self.step),
                "threshold": self.threshold, "senders": self.senders,
                "keys": [[n, k.masks.hex(), k.shares.hex()] for n, k in self.keys.items()],
                "shares": [[n, text.hex()] for n, text in self.shares.items()],
            }
        )  # fmt: skip

    @classmethod
    def from_json(cls, text: str) -> "Site":
        """The same site again."""
        kept: dict[str, Any] = json.loads(text)
        session, key_seed, self_seed, share_key = (
            bytes.fromhex(kept[name]) for name in ("session", "key_seed", "self_seed", "share_key")
        )
        return cls(
            session, kept["number"], key_seed, self_seed, share_key, Step(kept["step"]),
            kept["threshold"],
            {n: PublicKeys(bytes.fromhex(a), bytes.fromhex(b)) for n, a, b in kept["keys"]},
            {n: bytes.fromhex(text) for n, text in kept["shares"]},
            tuple(kept["senders"]),
        )  # fmt: skip


def add_pair(
    vector: Vector, private: bytes, theirs: bytes, session: bytes, own: int, other: int
) -> None:
    """Add the mask between two sites to the vector of ``own``: plus for the lower number.

    Raises:
        ProtocolError: if ``theirs`` is no public key.
    """
    low, high = sorted((own, other))
    key = agreed(private, theirs, b"masks", session, numbered(low, high))
    (vector.add_mask if own == low else vector.subtract_mask)(key)


def own_mask_key(seed: bytes, session: bytes) -> bytes:
    """The key of a site's own mask."""
    return derived(seed, b"own mask", session)
