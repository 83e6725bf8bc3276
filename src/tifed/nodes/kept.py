"""What a site keeps from one message to the next."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Self

from tifed.nodes.kept_residuals import MOST_KEPT, KeptResiduals
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
        residuals: what devices have left of their changes, by experiment, data and devices; those
            that were asked last come last.
        ledger: the owner's; None for none.
    """

    last: LastAnswer
    work: Hashable = None
    sessions: SiteMemory = field(default_factory=SiteMemory)
    residuals: dict[str, KeptResiduals] = field(default_factory=dict)
    ledger: Ledger | None = None

    @classmethod
    def of(cls, ledger: Ledger | None) -> Self:
        """What the owner's ledger has kept from the program before this one; else nothing.

        Raises:
            UsageError: if it cannot be read.
        """
        last = LastAnswer() if ledger is None else LastAnswer.kept_in(ledger.last)
        return cls(last, ledger=ledger)

    def memory(self, work: Hashable) -> SiteMemory:
        """What is kept for the sessions of ``work``, and of no other work any more.

        Whoever gives up and asks again for the same goes on in the session that he is in.
        """
        if work != self.work:
            self.work, self.sessions = work, SiteMemory()
        return self.sessions

    def residuals_of(self, owner: str) -> KeptResiduals:
        """What devices have left, where the text ``owner`` names experiment, data and devices.

        Raises:
            UsageError: if what the owner's ledger has kept of it cannot be read.
        """
        found = self.residuals.pop(owner, None)
        if found is None:
            folder = None if self.ledger is None else self.ledger.folder
            found = KeptResiduals() if folder is None else KeptResiduals.kept_in(folder, owner)
        self.residuals[owner] = found
        for other in list(self.residuals)[:-MOST_KEPT]:
            del self.residuals[other]
        return found
