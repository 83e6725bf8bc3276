"""What is in an image: sizes, symbols, and whether anything floats."""

import re
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

_FLOATING = re.compile(
    r"__aeabi_([fd]|[a-z0-9]+2[fd]$)|__(add|sub|mul|div|neg|eq|ne|lt|le|gt|ge|unord|fix|fixuns|"
    r"float|floatun|trunc|extend)[a-z0-9]*[sdtx]f[0-9]?"
)
"""Names of the software that stands in for floating-point instructions."""


@dataclass(frozen=True)
class ElfImage:
    """Sizes of an image, in bytes.

    Attributes:
        code: instructions and constants.
        core: of ``code``, what the functions of the core take.
        data: RAM of all variables, the stack not included.
        symbols: address of every function and variable.
    """

    code: int
    core: int
    data: int
    symbols: dict[str, int]

    @property
    def floating(self) -> tuple[str, ...]:
        """Symbols of software floating point."""
        return tuple(sorted(name for name in self.symbols if _FLOATING.match(name)))


def read_image(path: Path) -> ElfImage:
    """Sizes and symbols of the ELF file at ``path``."""
    with path.open("rb") as file:
        elf = ELFFile(file)
        sizes = {section.name: section["sh_size"] for section in elf.iter_sections()}
        symbols: dict[str, int] = {}
        core = 0
        for table in elf.iter_sections():
            if not isinstance(table, SymbolTableSection):
                continue
            source = ""
            for symbol in table.iter_symbols():
                kind = symbol["st_info"]["type"]
                if kind == "STT_FILE":
                    source = symbol.name
                elif symbol.name and not symbol.name.startswith("$"):
                    symbols[symbol.name] = symbol["st_value"]
                is_core = symbol.name.startswith("tifed_") and not symbol.name.startswith(
                    ("tifed_link", "tifed_device", "tifed_experiment")
                )
                local = Path(source).name.startswith("tifed") and symbol["st_info"]["bind"] == (
                    "STB_LOCAL"
                )
                if kind == "STT_FUNC" and (is_core or local):
                    core += symbol["st_size"]
        return ElfImage(
            code=sizes.get(".text", 0) + sizes.get(".data", 0),
            core=core,
            data=sizes.get(".data", 0) + sizes.get(".bss", 0),
            symbols=symbols,
        )
