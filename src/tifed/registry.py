"""Things that an experiment names, and who brings them: TIFeD, an installed package, a script.

All three are looked up in the same way. What TIFeD brings and what a package's entry point names is
imported when it is first used; how a package or a script adds something: docs/extending.md.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from tifed.errors import UsageError

T = TypeVar("T")

BUILT_IN, SCRIPT = "TIFeD itself", "a script"


@dataclass(frozen=True)
class _Entry:
    """What one name stands for, according to one provider."""

    provider: str
    load: Callable[[], Any]


_all_installed = cache(entry_points)
"""To look through all packages takes some 20 ms, so it is done once, when it has to be."""


@cache
def _installed(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of all packages in ``group``."""
    return tuple(_all_installed().select(group=group))


class Registry(Generic[T]):
    """Names and what they stand for.

    Args:
        what: one such thing is called, for messages: "recipe".
        group: entry points of packages that bring more of them.
        built_in: by name where TIFeD's own are, as ``module:name``.
        fits: whether a thing is one of these.
        must_be: what it has to be, in words.
        replaced: by a name that is gone, what to write in its place.
    """

    def __init__(
        self,
        what: str,
        group: str,
        built_in: Mapping[str, str],
        fits: Callable[[Any], bool],
        must_be: str,
        replaced: Mapping[str, str] | None = None,
    ) -> None:
        self.what, self.group, self._replaced = what, group, replaced or {}
        self.built_in = tuple(built_in)
        self._fits, self._must_be = fits, must_be
        self._own = {
            name: _Entry(BUILT_IN, EntryPoint(name, place, group).load)
            for name, place in built_in.items()
        }
        self._scripts: dict[str, _Entry] = {}

    def register(self, name: str, thing: T) -> None:
        """Add ``thing`` in this process.

        The same definition may be registered again, so that a notebook's cell can be run again.

        Raises:
            UsageError: if the name is taken, or none, or the thing is not one that fits.
        """
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise UsageError(f"{self.what} {name!r:.80}: is not a name; use printable text")
        for entry in self._entries(name):
            known = entry.load() if entry.provider == SCRIPT else None
            if known is None or _definition(known) != _definition(thing):
                raise UsageError(
                    f"{self.what} {name!r}: {entry.provider} has registered this name already; "
                    "use another name"
                )
        self._checked(name, thing, SCRIPT)
        self._scripts[name] = _Entry(SCRIPT, lambda: thing)

    def __getitem__(self, name: str) -> T:
        """What ``name`` stands for.

        Raises:
            UsageError: if it stands for nothing, for two things, or for something that cannot be
                imported.
        """
        entry = self._entry(name)
        try:
            thing = entry.load()
        # A package of somebody else's can fail in any way, or try to end the program.
        except (Exception, SystemExit) as error:
            if entry.provider == BUILT_IN:
                raise
            raise UsageError(
                f"the {self.what} {name!r} of {entry.provider} cannot be imported "
                f"({type(error).__name__}: {error})"
            ) from error
        return self._checked(name, thing, entry.provider)

    def get(self, name: str) -> T | None:
        """What ``name`` stands for; None if nobody has registered it."""
        if name not in self:
            return None
        return self[name]

    def __contains__(self, name: object) -> bool:
        """Whether anybody has registered ``name``."""
        return isinstance(name, str) and bool(self._entries(name))

    def __iter__(self) -> Iterator[str]:
        """Every name, TIFeD's own first."""
        found = (point.name for point in _installed(self.group))
        return iter(dict.fromkeys((*self._own, *found, *self._scripts)))

    def provider(self, name: str) -> str:
        """Who brings ``name``: `BUILT_IN`, `SCRIPT`, or a package and its version.

        Raises:
            UsageError: if nobody does, or two do.
        """
        return self._entry(name).provider

    def unknown(self, name: object) -> str:
        """That nobody has registered ``name``, what may have been meant, and what there is."""
        if isinstance(name, str) and name in self._replaced:
            return f"there is no {self.what} {name} any more; {self._replaced[name]}"
        known = tuple(self)
        near = difflib.get_close_matches(str(name), known, 1)
        return (
            f"there is no {self.what} {str(name)[:80] or repr(name)}"
            + (f" (did you mean {near[0]!r}?)" if near else "")
            + f"; choose from {', '.join(known)}"
        )

    def _entry(self, name: str) -> _Entry:
        entries = self._entries(name)
        if not entries:
            raise UsageError(self.unknown(name))
        if len(entries) > 1:
            both = " and ".join(entry.provider for entry in entries)
            raise UsageError(
                f"the {self.what} {name!r} is registered by {both}; uninstall one of the packages"
            )
        return entries[0]

    def _entries(self, name: str) -> list[_Entry]:
        """What all providers bring under ``name``."""
        found = [own[name] for own in (self._own, self._scripts) if name in own]
        for point in _installed(self.group):
            if point.name == name and point.dist is not None:
                provider = f"{point.dist.name} {point.dist.version}"
                found.append(_Entry(provider, point.load))
        return found

    def _checked(self, name: str, thing: Any, provider: str) -> T:
        if not self._fits(thing):
            raise UsageError(
                f"the {self.what} {name!r} of {provider} is not {self._must_be}, but {thing!r:.80}"
            )
        if missing := sorted(getattr(thing, "__abstractmethods__", ())):
            raise UsageError(
                f"the {self.what} {name!r} of {provider} lacks {', '.join(missing)}, which every "
                f"{self.what} has to define"
            )
        checked: T = thing
        return checked


def _definition(thing: object) -> object:
    """Where a class or function was defined; else the thing itself.

    Many lambdas have one name, and so have all classes that one function makes.
    """
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    return thing if module is None or name is None or "<" in name else (module, name)


def subclass_of(base: type[Any]) -> Callable[[Any], bool]:
    """Whether a thing is a class made from ``base``."""
    return lambda thing: isinstance(thing, type) and issubclass(thing, base)
