"""The open table of boards and processor cores: a TOML file, checked field by field."""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tifed.errors import UsageError
from tifed.files.toml_file import read_toml

_BUILT_IN = files("tifed.board") / "boards.toml"


class BoardTableRow(BaseModel):
    """A row of the table: frozen, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    note: str = Field(min_length=1, description="where the figures are from")


class Core(BoardTableRow):
    """A kind of processor: instructions that the core's loops take on it, modelled."""

    title: str = Field(min_length=1)
    forward_per_mac: float = Field(gt=0, le=1000, description="of a forward pass")
    update_per_mac: float = Field(gt=0, le=1000, description="of a gradient")
    per_parameter: float = Field(ge=0, le=1000, description="updated, once per mini-batch")
    per_unit: float = Field(ge=0, le=10_000, description="rescale, activation, delta; per sample")
    division: float = Field(ge=0, le=10_000, description="of 32 bits, per unit that needs one")
    per_input: float = Field(ge=0, le=1000, description="of a trained layer, per sample")
    random: float = Field(ge=0, le=1000, description="one random number")
    cycles_per_instruction: float = Field(gt=0, le=100, description="assumed")


class Radio(BoardTableRow):
    """How a board talks."""

    name: str = Field(min_length=1)
    rate: float = Field(gt=0, le=1e12, description="bit/s that an application gets")
    sent: float = Field(ge=0, le=1e12, description="nJ per byte that the device sends")
    received: float = Field(ge=0, le=1e12, description="nJ per byte that the device receives")


class Board(BoardTableRow):
    """A board: memory, speed, current, radio."""

    title: str = Field(min_length=1)
    core: str = Field(description="one of the kinds in the table of cores")
    ram: int = Field(ge=1, le=1 << 40, description="bytes, in one piece")
    flash: int = Field(ge=1, le=1 << 40, description="bytes")
    clock: float = Field(gt=0, le=1e12, description="Hz")
    current: float = Field(gt=0, le=1e6, description="mA while it computes")
    volts: float = Field(gt=0, le=1000)
    reserved_ram: int = Field(0, ge=0, description="bytes: an operating system or radio stack")
    reserved_flash: int = Field(0, ge=0, description="bytes: the same in flash")
    cycles_per_instruction: float | None = Field(
        None, gt=0, le=100, description="where the board differs from its core, e.g. slow flash"
    )
    radio: Radio


class Boards(BaseModel):
    """Boards and cores by name, in the order of their files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    boards: dict[str, Board]
    cores: dict[str, Core]

    def cycles_per_instruction(self, board: Board) -> float:
        """The board's own assumption, or that of its core."""
        return board.cycles_per_instruction or self.cores[board.core].cycles_per_instruction

    def chosen(self, names: Iterable[str]) -> dict[str, Board]:
        """The boards called ``names``; all of them if there are no names.

        Raises:
            UsageError: if one is not known, with the nearest that is.
        """
        wanted = list(names)
        for name in wanted:
            if name not in self.boards:
                near = difflib.get_close_matches(name, self.boards, 1)
                meant = f" (did you mean {near[0]!r}?)" if near else ""
                raise UsageError(
                    f"board: {name!r} is not known{meant}; the boards are "
                    f"{', '.join(self.boards)}; --boards FILE adds your own"
                )
        return {name: self.boards[name] for name in wanted} if wanted else dict(self.boards)


def load_boards(path: Path | None = None) -> Boards:
    """The built-in table, and over it the rows of a user's file.

    Args:
        path: TOML file with ``[boards.NAME]`` and, where needed, ``[cores.NAME]`` tables; a row
            that exists takes its place.

    Raises:
        UsageError: naming the file, row and field that are wrong and what would be right.

    >>> load_boards().boards["microbit"].ram
    16384
    """
    rows = tomllib.loads(_BUILT_IN.read_text(encoding="utf-8"))
    where = "boards.toml"
    if path is not None:
        where = str(path)
        own = read_toml(path)
        for kind, table in own.items():
            if kind not in rows:
                raise UsageError(f"{path}: unknown table {kind!r}; the tables are boards, cores")
            if not isinstance(table, Mapping):
                raise UsageError(f"{path}: {kind}: is not a table of rows, as in [{kind}.mine]")
            rows[kind] = {**rows[kind], **table}
    try:
        known = Boards.model_validate(rows)
    except ValidationError as error:
        raise UsageError(f"{where}: {_explained(error)}") from error
    for name, board in known.boards.items():
        if board.core not in known.cores:
            raise UsageError(
                f"{where}: boards.{name}.core: {board.core!r} is not one of "
                f"{', '.join(known.cores)}; add a [cores.{board.core}] table or choose one"
            )
        for kind in ("ram", "flash"):
            if getattr(board, f"reserved_{kind}") > getattr(board, kind):
                raise UsageError(f"{where}: boards.{name}.reserved_{kind}: is more than {kind}")
    return known


def _explained(error: ValidationError) -> str:
    """One line per wrong field."""
    lines = []
    for problem in error.errors():
        place = ".".join(map(str, problem["loc"]))
        if problem["type"] == "extra_forbidden":
            kind: type[BoardTableRow] = Core if problem["loc"][0] == "cores" else Board
            kind = Radio if len(problem["loc"]) > 3 else kind
            lines.append(f"{place}: unknown key; the keys are {', '.join(kind.model_fields)}")
        elif problem["type"] == "missing":
            lines.append(f"{place}: is missing")
        else:
            lines.append(f"{place}: {problem['msg']}, not {problem['input']!r}")
    return "\n".join(lines)
