"""What feature extraction was measured to take on emulated processors.

`measured_extraction.json` is written by the measuring program alone, whole, as `measured.json` is.
"""

from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tifed.board.measured import Entry
from tifed.extractor.operations import ExtractorOperations
from tifed.files.atomic import write_atomically
from tifed.files.json_file import read_json

_BUILT_IN = files("tifed.board") / "measured_extraction.json"


class Extraction(Entry):
    """One sample through one extractor.

    Attributes:
        name: for people.
        extractor: its digest.
        operations: of a sample.
        instructions: executed from the whole sample to its features.
        stack: most bytes of stack in the whole firmware, found by painting.
        code: bytes of flash that the extraction's own functions take.
        compiler: name and version.
    """

    name: str
    extractor: str
    operations: ExtractorOperations
    instructions: int = Field(ge=1)
    stack: int = Field(ge=1)
    code: int = Field(ge=1)
    compiler: str


class Extractions(BaseModel):
    """Everything in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["tifed-extractions"] = "tifed-extractions"
    version: Literal[1] = 1
    rows: tuple[Extraction, ...] = ()

    def of(self, core: str) -> tuple[Extraction, ...]:
        """What was measured on ``core``."""
        return tuple(row for row in self.rows if row.core == core)


def load_extractions(path: Path | None = None) -> Extractions:
    """The measurements that ship with the package, or those in ``path``.

    Raises:
        UsageError: naming the file and what is wrong.
    """
    return read_json(path or _BUILT_IN, Extractions)


def write_extractions(path: Path, measured: Extractions) -> None:
    """Write the file whole.

    Raises:
        UsageError: if the folder cannot be written.
    """
    write_atomically(path, measured.model_dump_json(indent=1) + "\n")
