"""The last sum with noise that has left a site: whoever asks for it again gets the same one.

Of two sums with different noise, or of devices that trained from different parameters, somebody
would learn more than a run counts for one exchange.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tifed.errors import UsageError
from tifed.files.atomic import write_atomically
from tifed.nodes.messages.content import Content, MessageError
from tifed.nodes.messages.encoding import from_bytes, to_bytes
from tifed.nodes.site_memory import digest


@dataclass
class LastAnswer:
    """What a site has said in the last exchange that it took part in.

    Attributes:
        experiment: digest of the experiment.
        exchange: its number; -1 before the first.
        asked: `digest` of what was asked.
        said: the answer; None before the first.
        file: where it is kept as well; None for nowhere.
    """

    experiment: str = ""
    exchange: int = -1
    asked: str = ""
    said: Content | None = None
    file: Path | None = None

    @classmethod
    def kept_in(cls, file: Path) -> "LastAnswer":
        """What ``file`` has, if it is there, and whatever is said from now on in it.

        Raises:
            UsageError: if it cannot be read.
        """
        try:
            return replace(cls.from_bytes(file.read_bytes()), file=file)
        except FileNotFoundError:
            return cls(file=file)
        except (OSError, AttributeError, LookupError, TypeError, MessageError) as error:
            raise UsageError(
                f"{file}: cannot be read ({type(error).__name__}); it has the last sum that was "
                "given away; put it back, or remove it"
            ) from error

    def once(
        self, content: Content, exchange: int, data: str, say: Callable[[], Content]
    ) -> Content:
        """What was said to the same message before, or else what ``say`` says now.

        ``data`` is the digest of the samples, which the experiment's does not have.

        Raises:
            MessageError: if it was another message about the same exchange that was answered.
        """
        experiment, asked = f"{content.values['experiment']} {data}", digest(content)
        if self.said is not None and (self.experiment, self.exchange) == (experiment, exchange):
            if self.asked != asked:
                raise MessageError(
                    f"has answered another message about exchange {exchange}, and with noise it "
                    "answers one alone"
                )
            return self.said
        said = say()
        self.experiment, self.exchange, self.asked, self.said = experiment, exchange, asked, said
        if self.file is not None:
            write_atomically(self.file, self.to_bytes())
        return said

    def to_bytes(self) -> bytes:
        """All of it; empty where there is nothing."""
        if self.said is None:
            return b""
        head = {
            "experiment": self.experiment, "exchange": self.exchange, "asked": self.asked,
            "kind": self.said.kind, "values": dict(self.said.values),
        }  # fmt: skip
        return to_bytes(head, self.said.arrays)

    @classmethod
    def from_bytes(cls, kept: bytes) -> "LastAnswer":
        """The same again."""
        if not kept:
            return cls()
        head, arrays = from_bytes(kept)
        said = Content(head.pop("kind"), head.pop("values"), arrays)
        return cls(**head, said=said)
