"""One process at a time in a run's folder."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tifed.errors import UsageError
from tifed.files import lock

LOCK = ".lock"
"""In a run's folder: locked by the process that runs it, whose number it holds."""


@contextmanager
def alone_in(
    folder: Path, warn: Callable[[str], None], name: str = LOCK, patience: float = 0.0
) -> Iterator[None]:
    """Hold ``folder``, which is made if it is not there.

    Args:
        folder: of a run.
        warn: told where the file system has no locks, so that nothing keeps others out.
        name: of the file in it that is locked.
        patience: seconds to wait for another process that holds it.

    Raises:
        UsageError: if another process holds it (or this one already does), or it cannot be written.
    """
    with ExitStack() as held:
        try:
            locked = held.enter_context(lock.holding(folder / name, patience))
        except lock.HeldError as error:
            raise UsageError(
                f"{folder}: is being run by {error}; wait for it or stop it, or name another "
                "folder with --out"
            ) from error
        if not locked:
            warn(f"{folder}: its file system has no locks; do not run it twice at a time")
        yield


def is_held(folder: Path, name: str = LOCK) -> bool:
    """Whether a process holds ``folder`` by the file ``name`` in it."""
    return lock.is_held(folder / name)
