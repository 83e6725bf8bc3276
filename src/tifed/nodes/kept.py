"""What a site keeps from one message to the next."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Self

from tifed.nodes.last_answer import LastAnswer
from tifed.nodes.ledger import Ledger
from tifed.nodes.site_memory import SiteMemory


@dataclass
class Kept:
    """What a gateway or a node keeps, in its process as long as that stays.

    Attributes:
        last: the last sum with noise that has left, whatever was worked on in between.
        work: what was worked on last.
        sessions: what is kept for its sessions under masks.
    """

    last: LastAnswer
    work: Hashable = None
    sessions: SiteMemory = field(default_factory=SiteMemory)

    @classmethod
    def of(cls, ledger: Ledger | None) -> Self:
        """What the owner's ledger has kept from the program before this one; else nothing.

        Raises:
            UsageError: if it cannot be read.
        """
        return cls(LastAnswer() if ledger is None else LastAnswer.kept_in(ledger.last))

    def memory(self, work: Hashable) -> SiteMemory:
        """What is kept for the sessions of ``work``, and of no other work any more.

        Whoever gives up and asks again for the same goes on in the session that he is in.
        """
        if work != self.work:
            self.work, self.sessions = work, SiteMemory()
        return self.sessions
