"""What feature extraction was measured to take on emulated processors.

`extractions.csv` is written by the measuring program alone, whole, as `images.csv` is.
"""

from pathlib import Path

from pydantic import Field

from tifed.board.measured import BUILT_IN, Entry, Table
from tifed.extractor.operations import ExtractorOperations
from tifed.files.table_file import read_table, write_table

_FILE = "extractions.csv"


class Extraction(Entry):
    """One sample through one extractor.

    Attributes:
        name: for people.
        macs: multiply-accumulates of a sample; this and the next four are `ExtractorOperations`.
        products: as there.
        outputs: as there.
        windows: as there.
        gathered: as there.
        instructions: executed from the whole sample to its features.
        stack: most bytes of stack in the whole firmware, found by painting.
        code: bytes of flash that the extraction's own functions take.
        compiler: name and version.
        command: that measured it.
        extractor: its digest.
    """

    name: str = Field(min_length=1)
    macs: int = Field(ge=0)
    products: int = Field(ge=0)
    outputs: int = Field(ge=0)
    windows: int = Field(ge=0)
    gathered: int = Field(ge=0)
    instructions: int = Field(ge=1)
    stack: int = Field(ge=1)
    code: int = Field(ge=1)
    compiler: str = Field(min_length=1)
    command: str = Field(min_length=1)
    extractor: str = Field(pattern="^[0-9a-f]{64}$")

    @property
    def operations(self) -> ExtractorOperations:
        """What the extraction of one sample takes."""
        return ExtractorOperations(
            self.macs, self.products, self.outputs, self.windows, self.gathered
        )


class Extractions(Table[Extraction]):
    """Everything in the file."""


def load_extractions(folder: Path | None = None) -> Extractions:
    """The measurements that ship with the package, or those in ``folder``.

    Raises:
        UsageError: naming the file, the line and the column that are wrong.
    """
    return Extractions(rows=read_table((folder or BUILT_IN) / _FILE, Extraction))


def write_extractions(folder: Path, measured: Extractions) -> None:
    """Write the table into ``folder``, whole.

    Raises:
        UsageError: if the folder cannot be written.
    """
    write_table(folder / _FILE, Extraction, measured.rows)
