"""A node's ClientApp in a process that stays, instead of a new process for each message.

Flower starts ``flwr-clientapp`` for every message that a SuperNode gets, and most of what that
costs is Flower's own imports. Here they are done once. The calls are those of Flower's own program,
and most of them are not part of its public interface: so they are used with the one version that
they were tested with, and with any other the ordinary programs do the work.
"""

from importlib import import_module
from importlib.metadata import version

TESTED = "1.41.0"
"""The version of Flower whose programs this one does the work of."""


def misfit() -> str | None:
    """Why Flower's ordinary programs have to do the work; None if they need not."""
    installed = version("flwr")
    if installed != TESTED:
        return f"Flower {installed} is installed, and this was tested with {TESTED}"
    for module in ("loop", "supernode"):
        try:
            import_module(f"{__name__}.{module}")
        except (ImportError, AttributeError) as error:
            return f"this Flower {installed} is not as expected: {error}"
    return None
