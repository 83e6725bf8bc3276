"""Paths as callers give them."""

import os

AnyPath = str | os.PathLike[str]
"""The path of a file or folder, as text or as `pathlib.Path`."""
