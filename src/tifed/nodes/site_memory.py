"""What a site keeps from one message of a session to the next, and never tells the server.

A gateway keeps it in its process. A SuperNode starts a program for each message, so it is kept in
the state that Flower's node holds between them, in its memory. What is lost, as when a program is
started anew, is lost to the one exchange: without its secrets a site cannot go on, and is counted
among those that have dropped out.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from tifed.nodes.messages.content import Content, MessageError
from tifed.nodes.messages.masked import session_from
from tifed.secure_aggregation.site import Site


@dataclass
class SiteMemory:
    """The one session that a site is in.

    Attributes:
        site: its secrets; None before the first.
        said: by kind what was asked, as a digest, and what was answered.
    """

    site: Site | None = None
    said: dict[str, tuple[str, Content]] = field(default_factory=dict)

    def begin(self, site: Site) -> None:
        """Forget the session before, and its secrets with it."""
        self.site, self.said = site, {}

    def of(self, content: Content) -> Site:
        """The site, if it is in the session of a message.

        Raises:
            MessageError: if it is not.
        """
        if self.site is None or self.site.session != session_from(content):
            raise MessageError("is not in this session, or not any more: it has no keys of it")
        return self.site

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

    def to_bytes(self) -> bytes:
        """All of it; empty where there is nothing."""
        if self.site is None:
            return b""
        arrays = {
            f"{kind}/{name}": np.ascontiguousarray(array)
            for kind, (_, answer) in self.said.items()
            for name, array in answer.arrays.items()
        }
        said = {kind: [asked, dict(answer.values)] for kind, (asked, answer) in self.said.items()}
        head = json.dumps({"site": self.site.to_json(), "said": said}).encode()
        return len(head).to_bytes(4, "little") + head + save(arrays)

    @classmethod
    def from_bytes(cls, kept: bytes) -> "SiteMemory":
        """The same again."""
        if not kept:
            return cls()
        end = 4 + int.from_bytes(kept[:4], "little")
        head: dict[str, Any] = json.loads(kept[4:end])
        arrays = load(kept[end:])
        said = {}
        for kind, (asked, values) in head["said"].items():
            own = {
                name.partition("/")[2]: array
                for name, array in arrays.items()
                if name.startswith(f"{kind}/")
            }
            said[kind] = (asked, Content(kind, values, own))
        return cls(Site.from_json(head["site"]), said)


def digest(content: Content) -> str:
    """SHA-256 (hex) of all that a message says."""
    found = hashlib.sha256(json.dumps(dict(content.values), sort_keys=True).encode())
    for name in sorted(content.arrays):
        array = content.arrays[name]
        found.update(f"\n{name} {array.dtype} {array.shape}\n".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()
