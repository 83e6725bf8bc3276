"""What a person types: the ``tifed`` command."""

from tifed.cli.main import app, main

__all__ = ["app", "main"]
