"""A hook of MkDocs: reference/c.md, made from the comments and declarations of the C headers."""

import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

SOURCES = Path(__file__).resolve().parents[2] / "src" / "tifed"
HEADERS = (
    "tifed.h", "tifed_features.h", "tifed_front_end.h", "tifed_second_order.h", "tifed_shifts.h",
    "tifed_memory.h", "tifed_own.h", "tifed_store.h", "tifed_kept.h", "tifed_motion.h", "device.h",
)  # fmt: skip

_NAMES = re.compile(r"^typedef struct (\w+)|^#define (\w+)|\b(tifed_\w+)\(", re.M)
_NOT_SHOWN = re.compile(
    r"^#(?:ifn?def|endif|include|define TIFED_(?:\w*_)?H)\b.*\n?|^extern \"C\" \{\n|^\}$", re.M
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page."""
    parts = [
        "# C headers\n\nMade from the comments of the headers. [The C core](../core.md) shows how "
        "the functions are used together.\n"
    ]
    for name in HEADERS:
        header = next(SOURCES.rglob(name))
        parts += [f"\n## {name}\n", *described(header.read_text(encoding="utf-8"))]
    files.append(File.generated(config, "reference/c.md", content="\n".join(parts)))
    return files


def described(header: str) -> Iterator[str]:
    """Each paragraph of a header: what it declares as a title, its comment as text, its code.

    A comment of one line that begins with dashes is the title of a section.
    """
    level = "###"
    for paragraph in re.split(r"\n\s*\n", _NOT_SHOWN.sub("", header)):
        comment = re.match(r"/\*(.*?)\*/\n?", paragraph, re.S)
        code = (paragraph[comment.end() :] if comment else paragraph).strip("\n")
        text = re.sub(r"^ \* ?", "", comment[1], flags=re.M).strip() if comment else ""
        if not code and not text:
            continue
        if text.endswith("private."):
            continue
        if section := re.fullmatch(r"-{3} (.*?) -+", text):
            level = "####"
            yield f"### {section[1][0].upper()}{section[1][1:]}\n"
            continue
        if code:
            yield f"{level} {_title(code)}\n"
        if text:
            yield f"{text}\n"
        if code:
            yield f"```c\n{code}\n```\n"


def _title(code: str) -> str:
    """The names that a paragraph declares."""
    found = (next(filter(None, names.groups())) for names in _NAMES.finditer(code))
    names = list(dict.fromkeys(found)) or re.findall(r"\bTIFED_\w+", code)
    shown = [f"`{name}`" for name in names[:4]]
    return ", ".join(shown + ["…"] * (len(names) > 4))
