"""Write src/tifed/core/tifed_log_mel_tables.h: the tables of log-mel energies as C has them."""

from pathlib import Path

from tifed.rule.signal.log_mel_tables import tables

PATH = Path(__file__).parents[2] / "src" / "tifed" / "core" / "tifed_log_mel_tables.h"
HEAD = """\
/* Tables of log-mel energies, written by tests/vectors/write_log_mel_tables.py from the formulas of
 * SPEC.md, section 19.5; internal. */
#ifndef TIFED_LOG_MEL_TABLES_H
#define TIFED_LOG_MEL_TABLES_H

#include <stdint.h>

/* clang-format off */
"""
TAIL = """\
/* clang-format on */

#endif
"""


def text() -> str:
    """The whole file."""
    parts = []
    for name, numbers in tables().items():
        kind = "uint8_t" if max(numbers) < 256 else "uint16_t"
        lines, line = [], "   "
        for number in numbers:
            if len(line) + len(f" {number},") > 100:
                lines.append(line)
                line = "   "
            line += f" {number},"
        lines.append(line)
        parts.append(
            f"static const {kind} {name}[{len(numbers)}] = {{\n" + "\n".join(lines) + "\n};\n"
        )
    return HEAD + "\n".join(parts) + TAIL


if __name__ == "__main__":
    PATH.write_text(text(), encoding="ascii")
