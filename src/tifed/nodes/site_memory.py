"""What a site keeps from one message of a session to the next, and never tells the server.

A gateway, or a node over MQTT, keeps it in its process. A SuperNode may start a program for
each message, so it is kept in the state that Flower's node holds between them, in its memory. What
is lost, as when a program is started anew, is lost to the exchange under way, or to the next one:
without its secrets a site cannot go on, and is counted among those that have dropped out.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tifed.nodes.messages.content import Content, MessageError
from tifed.nodes.messages.encoding import from_bytes, to_bytes
from tifed.secure_aggregation.site import Site


@dataclass
class SiteSession:
    """What a site keeps of one session.

    Attributes:
        site: its secrets.
        said: by kind what was asked, as a digest, and what was answered.
    """

    site: Site
    said: dict[str, tuple[str, Content]] = field(default_factory=dict)

    def once(self, content: Content, say: Callable[[], Content]) -> Content:
        """What was said to the same message before, or else what ``say`` says now.

        Raises:
            MessageError: if something else was asked before. Two different vectors under one mask,
                or two different openings, would tell what is in them.
        """
        asked = digest(content)
        if content.kind in self.said:
            before, answer = self.said[content.kind]
            if before != asked:
                raise MessageError(
                    f"has answered another message of the kind {content.kind!r} in this session, "
                    "and answers one alone"
                )
            return answer
        answer = say()
        self.said[content.kind] = (asked, answer)
        return answer


@dataclass
class SiteMemory:
    """The session that a site is in, and the one that it prepares meanwhile.

    Attributes:
        sessions: those two by name, in the order in which they began; perhaps none or one.
    """

    sessions: dict[bytes, SiteSession] = field(default_factory=dict)

    def begin(self, site: Site) -> None:
        """Forget the sessions before, and their secrets with them."""
        self.sessions = {site.session: SiteSession(site)}

    def prepare(self, after: Site, site: Site) -> None:
        """Begin the session that comes next, and forget all before ``after``."""
        kept = self.sessions[after.session]
        self.sessions = {after.session: kept, site.session: SiteSession(site)}

    def of(self, session: bytes) -> SiteSession:
        """What is kept of ``session``.

        Raises:
            MessageError: if the site is not in it.
        """
        if session not in self.sessions:
            raise MessageError("is not in this session, or not any more: it has no keys of it")
        return self.sessions[session]

    def to_bytes(self) -> bytes:
        """All of it; empty where there is nothing."""
        if not self.sessions:
            return b""
        head, arrays = [], {}
        for place, kept in enumerate(self.sessions.values()):
            said = {kind: [asked, dict(told.values)] for kind, (asked, told) in kept.said.items()}
            head.append({"site": kept.site.to_json(), "said": said})
            for kind, (_, told) in kept.said.items():
                for name, array in told.arrays.items():
                    arrays[f"{place}/{kind}/{name}"] = array
        return to_bytes(head, arrays)

    @classmethod
    def from_bytes(cls, kept: bytes) -> "SiteMemory":
        """The same again."""
        if not kept:
            return cls()
        head, arrays = from_bytes(kept)
        memory = cls()
        for place, one in enumerate(head):
            session = SiteSession(Site.from_json(one["site"]))
            for kind, (asked, values) in one["said"].items():
                start = f"{place}/{kind}/"
                own = {
                    name.removeprefix(start): array
                    for name, array in arrays.items()
                    if name.startswith(start)
                }
                session.said[kind] = (asked, Content(kind, values, own))
            memory.sessions[session.site.session] = session
        return memory


def digest(content: Content) -> str:
    """SHA-256 (hex) of all that a message says."""
    found = hashlib.sha256(json.dumps(dict(content.values), sort_keys=True).encode())
    for name in sorted(content.arrays):
        array = content.arrays[name]
        found.update(f"\n{name} {array.dtype} {array.shape}\n".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()
