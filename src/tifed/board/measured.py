"""What was measured on emulated processors: sizes of compiled firmware, stack, instructions.

`measured.json` is written by the measuring program alone, whole; each entry holds the command that
measured it. `tifed plan` shows an entry where it is about exactly what is planned, and scales its
model to the entries otherwise.
"""

from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tifed.files.atomic import write_atomically
from tifed.files.json_file import read_json
from tifed.rule.network import Network

_BUILT_IN = files("tifed.board") / "measured.json"


class Entry(BaseModel):
    """A measurement: frozen, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    core: str = Field(min_length=1, description="kind of processor, as in the table of cores")
    command: str = Field(min_length=1, description="that measured it")


class Image(Entry):
    """A compiled firmware.

    Attributes:
        code: bytes of flash: instructions and constants, without a model's parameters.
        static: bytes of RAM that the program itself has, contexts and buffers of the link included;
            without the memory that it hands to the core, the room for one sample, and the stack.
        stack: most bytes of stack in a whole round, found by painting; None where not painted.
        compiler: name and version.
    """

    code: int = Field(ge=1)
    static: int = Field(ge=0)
    stack: int | None = Field(None, ge=1)
    compiler: str


class Round(Entry):
    """Instructions of one device's local round.

    Attributes:
        network: every constant of it.
        layers: trained.
        buffer: samples.
        batch: samples per mini-batch.
        local_epochs: passes over the buffer.
        instructions: executed from the first mini-batch's begin to the last one's end.
    """

    network: Network
    layers: tuple[int, ...]
    buffer: int = Field(ge=1)
    batch: int = Field(ge=1)
    local_epochs: int = Field(ge=1)
    instructions: int = Field(ge=1)


class Measured(BaseModel):
    """Everything in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["tifed-measured"] = "tifed-measured"
    version: Literal[1] = 1
    images: tuple[Image, ...] = ()
    rounds: tuple[Round, ...] = ()

    def image(self, core: str) -> Image | None:
        """The firmware measured for ``core``, if there is one."""
        return next((image for image in self.images if image.core == core), None)


def load_measured(path: Path | None = None) -> Measured:
    """The measurements that ship with the package, or those in ``path``.

    Raises:
        UsageError: naming the file and the field that is wrong.
    """
    return read_json(path or _BUILT_IN, Measured)


def write_measured(path: Path, measured: Measured) -> None:
    """Write the file whole: a reader sees the old measurements or the new ones.

    Raises:
        UsageError: if the folder cannot be written.
    """
    write_atomically(path, measured.model_dump_json(indent=2) + "\n")
