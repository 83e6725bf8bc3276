"""A hook of MkDocs: pages that are not in docs/ become pages of the site.

README.md, SPEC.md and the others are read where they are, so that nothing is copied by hand. Links
between them and the pages in docs/ work in the repository; here they are turned into the site's
own, and a file that is no page, such as a source, is published as it is. A link to a file that does
not exist stays as it is, so that the strict build names it.
"""

import os
import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "README.md": "index.md",
    "SPEC.md": "spec.md",
    "DESIGN.md": "design.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "src/tifed/extractor/shipped/README.md": "extractors.md",
}
"""A file of the repository, if it is there, and its place in the site."""

_PLACES = {place: name for name, place in PAGES.items()}
_LINK = re.compile(r"(?P<text>\[[^\]\n]*\])\((?P<target>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages, and the files that any page links to."""
    texts = {f"docs/{file.src_uri}": file.content_string for file in files.documentation_pages()}
    for name, place in PAGES.items():
        if not (ROOT / name).exists():
            continue
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, place, content=text))
        texts[name] = text
    linked = {
        target
        for name, text in texts.items()
        for link in _LINK.finditer(text)
        if (target := _repository_path(name, link["target"])) and (ROOT / target).is_file()
    }
    for target in sorted(linked):
        if _place(target) == f"files/{target}":
            source = str(ROOT / target)
            files.append(File.generated(config, _place(target), abs_src_path=source))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links of the repository into links of the site."""
    del config, files
    place = page.file.src_uri
    name = _PLACES.get(place, f"docs/{place}")

    def turned(link: re.Match[str]) -> str:
        target = _repository_path(name, link["target"])
        if target is None or not (ROOT / target).exists():
            return link[0]
        if (ROOT / target).is_dir():
            return link["text"][1:-1]
        relative = os.path.relpath(_place(target), PurePosixPath(place).parent)
        return f"{link['text']}({relative}{link['anchor'] or ''})"

    return _LINK.sub(turned, markdown)


def _repository_path(name: str, target: str) -> str | None:
    """The file that a link of the file ``name`` means; None for addresses on the network."""
    if ":" in target:
        return None
    return os.path.normpath(PurePosixPath(name).parent / target)


def _place(target: str) -> str:
    """Where a file of the repository is in the site."""
    return PAGES.get(target) or (
        target.removeprefix("docs/") if target.startswith("docs/") else f"files/{target}"
    )
