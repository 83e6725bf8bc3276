"""What a person types: the ``tifed`` command."""

from tifed.cli.command import app, main

__all__ = ["app", "main"]
