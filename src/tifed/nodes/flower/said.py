"""What a site says, noted before it is said.

A SuperNode takes an answer first, and stores afterwards what the program that gave it wants kept.
If that program is killed between the two, the state that is stored knows nothing of the answer, and
the next program would mask another vector with the same masks, or draw other noise.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from flwr.app import Context
from flwr.supercore.utils import get_flwr_home

from tifed.errors import UsageError
from tifed.files.atomic import write_atomically
from tifed.nodes.last_answer import LastAnswer
from tifed.nodes.ledger import Ledger
from tifed.nodes.messages.content import Content


@dataclass(frozen=True)
class Said:
    """A small file about the last answer of a site in a run; no secret is in it.

    Attributes:
        file: where it is.
    """

    file: Path

    @classmethod
    def of(cls, context: Context, ledger: Ledger | None) -> Self:
        """That of a SuperNode's run: beside its ledger, or in the folder that Flower works in."""
        folder = get_flwr_home() / "tifed-said" if ledger is None else ledger.folder
        return cls(folder / f"said-{context.node_id}-{context.run_id}")

    def note(self, sessions: bytes, last: LastAnswer) -> None:
        """Write down which state belongs to the answer that is to be given now.

        Args:
            sessions: what the site keeps of its sessions; empty for nothing.
            last: the last sum with noise.

        Raises:
            UsageError: if that cannot be done, or what was written cannot be read.
        """
        noted = {
            "sessions": hashlib.sha256(sessions).hexdigest(),
            "experiment": last.experiment,
            "exchange": last.exchange,
        }
        if (sessions or last.said is not None) and noted != self._read():
            write_atomically(self.file, json.dumps(noted), 0o600)

    def sessions(self, stored: bytes) -> bytes:
        """``stored``; nothing, and so none of its secrets, if it is not that of the last answer."""
        noted = self._read().get("sessions")
        return stored if noted == hashlib.sha256(stored).hexdigest() else b""

    def last(self, stored: LastAnswer) -> LastAnswer:
        """``stored``, or in place of an answer that is lost one that nobody can ask for again."""
        noted = self._read()
        experiment, exchange = noted.get("experiment", ""), noted.get("exchange", -1)
        if exchange < 0 or (stored.experiment, stored.exchange) == (experiment, exchange):
            return stored
        return LastAnswer(experiment, exchange, "", Content("lost", {}, {}))

    def _read(self) -> dict[str, Any]:
        """What is noted; empty before the first answer."""
        try:
            noted = json.loads(self.file.read_text())
            if isinstance(noted, dict):
                return noted
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            pass
        raise UsageError(
            f"{self.file}: cannot be read, so nobody knows what this node said last in the run; "
            "start the SuperNode anew"
        )
