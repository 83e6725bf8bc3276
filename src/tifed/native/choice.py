"""An engine by the name that an experiment gives it."""

from collections.abc import Callable

from tifed.errors import UsageError
from tifed.rule.learning.engine import Engine, Oracle


def _native() -> Engine:
    """The C core; imported late, for an installation without a compiler lacks it."""
    from tifed.native.engine import Native

    return Native()


ENGINES: dict[str, Callable[[], Engine]] = {"oracle": Oracle, "native": _native}
"""What makes each engine, by the name that an experiment gives it."""


def engine(name: str) -> Engine:
    """The engine called ``name``.

    Raises:
        UsageError: if there is none, or this installation lacks it.
    """
    if name not in ENGINES:
        raise UsageError(f"engine: {name!r} is not one of {', '.join(ENGINES)}")
    return ENGINES[name]()
