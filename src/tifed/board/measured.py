"""What was measured on emulated processors: sizes of compiled firmware, stack, instructions.

`images.csv` and `rounds.csv` are written by the measuring program alone, whole; each row names the
command that measured it. `tifed plan` shows a row where it is about exactly what is planned, and
scales its model to the rows otherwise.
"""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Generic, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from tifed.board.firmware import fingerprint
from tifed.errors import UsageError
from tifed.files.table_file import Numbers, Shape, read_table, write_table
from tifed.rule.network import Network
from tifed.rule.recipes import RECIPES

BUILT_IN = files("tifed.board")
"""The folder of the tables that ship with the package."""

_IMAGES, _ROUNDS = "images.csv", "rounds.csv"


class Entry(BaseModel):
    """A row of a table of measurements: frozen, and unknown columns are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    core: str = Field(min_length=1, description="kind of processor, as in the table of cores")


Row = TypeVar("Row", bound=Entry)


class Table(BaseModel, Generic[Row]):
    """All rows of a file of measurements."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: tuple[Row, ...] = ()

    def of(self, core: str) -> tuple[Row, ...]:
        """What was measured on ``core``."""
        return tuple(row for row in self.rows if row.core == core)


def require_of_today(measured: str, digest: Callable[[], str], what: str, command: str) -> None:
    """Make sure that what was measured still computes the same.

    Args:
        measured: the digest that the row has.
        digest: gives that of today; may raise UsageError where there is no such thing.
        what: is measured, in words.
        command: that measures it again.

    Raises:
        ValueError: if it does not, as a validator raises it.
    """
    try:
        today = digest()
    except UsageError as error:
        raise ValueError(str(error)) from error
    if today != measured:
        raise ValueError(f"digest: {what} is another one today; measure again with {command}")


class HasDigest(Protocol):
    """What a row of samples is about."""

    @property
    def digest(self) -> str:
        """SHA-256 of all that it computes."""


class SampleRun(Entry):
    """One sample through one front end.

    Attributes:
        front_end: its name.
        shape: the sizes that decide what a sample costs.
        instructions: executed from the first number of the sample to its last feature, of noise,
            which is the most work.
        stack: bytes of stack of the front end's own functions, found by painting.
        code: bytes of flash that its functions and tables take, division included where the
            processor has none.
        compiler: name and version.
        command: that measured it.
        digest: of the front end that was measured. One that computes something else today is so
            found out.
    """

    front_end: str = Field(min_length=1)
    shape: Shape
    instructions: int = Field(ge=1)
    stack: int = Field(ge=1)
    code: int = Field(ge=1)
    compiler: str = Field(min_length=1)
    command: str = Field(min_length=1)
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

    @property
    def made(self) -> HasDigest:
        """The front end.

        Raises:
            ValueError: if there is none of this shape.
        """
        raise NotImplementedError

    @model_validator(mode="after")
    def _is_about_a_front_end_of_today(self) -> Self:
        require_of_today(
            self.digest, lambda: self.made.digest, f"the front end {self.front_end!r}", self.command
        )
        return self


class Image(Entry):
    """A compiled firmware.

    Attributes:
        code: bytes of flash: instructions and constants, without a model's parameters.
        static: bytes of RAM that the program itself has, contexts and buffers of the link included;
            without the memory that it hands to the core, the room for one sample, and the stack.
        stack: most bytes of stack in a whole round, found by painting.
        compiler: name and version.
        command: that measured it.
    """

    code: int = Field(ge=1)
    static: int = Field(ge=0)
    stack: int = Field(ge=1)
    compiler: str = Field(min_length=1)
    command: str = Field(min_length=1)


class Round(Entry):
    """Instructions of one device's local round.

    Attributes:
        recipe: that makes the network, with its own settings.
        shape: features, units of each hidden layer, classes.
        batch: samples per mini-batch.
        buffer: samples.
        local_epochs: passes over the buffer.
        layers: trained.
        instructions: executed from the first mini-batch's begin to the last one's end.
        fingerprint: of the firmware that was measured (SPEC, section 12.4), eight hexadecimal
            digits. A recipe that makes another network today is so found out.
        command: that measured it.
    """

    recipe: str
    shape: Shape
    batch: int = Field(ge=1)
    buffer: int = Field(ge=1)
    local_epochs: int = Field(ge=1)
    layers: Numbers
    instructions: int = Field(ge=1)
    fingerprint: Annotated[str, StringConstraints(pattern=r"^[0-9A-F]{8}$")]
    command: str = Field(min_length=1)

    @property
    def network(self) -> Network:
        """Every constant of it."""
        return RECIPES[self.recipe]().network(self.shape, self.batch)

    @model_validator(mode="after")
    def _is_about_a_network_of_today(self) -> Self:
        if self.recipe not in RECIPES:
            raise ValueError(f"recipe: {self.recipe!r} is not one of {', '.join(RECIPES)}")
        try:
            made = fingerprint_of(self.network, self.buffer, self.batch)
        except UsageError as error:
            raise ValueError(str(error)) from error
        if made != self.fingerprint:
            raise ValueError(
                f"fingerprint: the recipe {self.recipe!r} makes firmware {made} of this row, but "
                f"{self.fingerprint} was measured; measure again with {self.command}"
            )
        return self


class Measured(BaseModel):
    """Everything that was measured of firmware without an extractor."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: tuple[Image, ...] = ()
    rounds: tuple[Round, ...] = ()

    def image(self, core: str) -> Image | None:
        """The firmware measured for ``core``, if there is one."""
        return next((image for image in self.images if image.core == core), None)


def fingerprint_of(network: Network, buffer: int, batch: int) -> str:
    """How a table names the firmware for ``network``."""
    return f"{fingerprint(network, buffer, batch):08X}"


def load_measured(folder: Path | None = None) -> Measured:
    """The measurements that ship with the package, or those in ``folder``.

    Raises:
        UsageError: naming the file, the line and the column that are wrong.
    """
    place = folder or BUILT_IN
    return Measured(
        images=read_table(place / _IMAGES, Image), rounds=read_table(place / _ROUNDS, Round)
    )


def write_measured(folder: Path, measured: Measured) -> None:
    """Write both tables into ``folder``, each of them whole.

    Raises:
        UsageError: if the folder cannot be written.
    """
    write_table(folder / _IMAGES, Image, measured.images)
    write_table(folder / _ROUNDS, Round, measured.rounds)
