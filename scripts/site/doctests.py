"""An extension of Griffe: the doctests in docstrings are shown as code."""

import re
from typing import Any

import griffe

_DOCTEST = re.compile(r"^>>> .*(?:\n.+)*", re.M)


class Doctests(griffe.Extension):
    """Puts fences around each paragraph that begins with ``>>>``."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Change the docstring of the package itself."""
        _fence(pkg)

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of one of its modules, classes, functions and attributes."""
        _fence(obj)


def _fence(thing: griffe.Object) -> None:
    docstring = thing.docstring
    if docstring is not None and "```pycon" not in docstring.value:
        docstring.value = _DOCTEST.sub(r"```pycon\n\g<0>\n```", docstring.value)
