"""Errors of an experiment's settings in words: the field, what is wrong, what would be right."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from tifed.data.partition import PARTITIONS
from tifed.experiment.names import CHOICES, chooses
from tifed.registry import Registry

_SHOWN = 80
"""Characters of a wrong value that a message repeats."""

_RENAMED = {"features": "extractor"}
"""What settings are called now, by what they were called."""


def explained(error: ValidationError, settings: Mapping[str, Any], model: type[BaseModel]) -> str:
    """One line per wrong field.

    Args:
        error: what pydantic says.
        settings: what it says it of.
        model: what the settings should have been.
    """
    return "\n".join(_line(problem, settings, model) for problem in error.errors())


def suggestion(word: str, known: Sequence[str]) -> str:
    """``, did you mean …?`` if something is near."""
    near = difflib.get_close_matches(word, known, 1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _line(problem: Any, settings: Mapping[str, Any], model: type[BaseModel]) -> str:
    location, given = [str(part) for part in problem["loc"]], problem["input"]
    name, kind = ".".join(location), problem["type"]
    if kind == "extra_forbidden":
        if name in _RENAMED:
            return (
                f"{name}: is called {_RENAMED[name]} now; write {_RENAMED[name]} = {_shown(given)}"
            )
        owner = model if len(location) == 1 else _table(model, location[0], settings)
        allowed = tuple(owner.model_fields)
        has = _owner(location[0], settings, model) if len(location) > 1 else "the keys are"
        elsewhere = _elsewhere(location[0], location[-1])
        near, keys = suggestion(location[-1], allowed), ", ".join(allowed) or "none"
        return f"{name:.{_SHOWN}}: unknown key{near}; {has} {keys}{elsewhere}"
    if kind == "value_error":
        return f"{name}: {problem['ctx']['error']}" if name else str(problem["ctx"]["error"])
    if kind in ("tuple_type", "list_type") and isinstance(given, str):
        items = given.strip(" ()[]")
        return f"{name}: {_shown(given)} is text, not a list; write {name}=[{items:.{_SHOWN}}]"
    if kind in ("model_type", "dict_type") and location and not isinstance(given, Mapping):
        fields = list(getattr(_table(model, location[0], settings), "model_fields", ()))
        key = fields[0] if fields and kind == "model_type" else "KEY"
        value = str(given) if isinstance(given, str | int | float) else "VALUE"
        return (
            f"{name}: is a table, not {_shown(given)}"
            + (f"; its keys are {', '.join(fields)}" if kind == "model_type" else "")
            + f"; write {name}.{key}={value:.{_SHOWN}}"
        )
    return f"{name or 'settings'}: {problem['msg']}, not {_shown(given)}"


def _table(model: type[BaseModel], name: str, settings: Mapping[str, Any]) -> type[BaseModel]:
    """What a table of the settings should have been."""
    registry, choice = _choice(name, settings, model)
    if registry is not None and choice in registry:
        chosen: type[BaseModel] = registry[choice]
        return chosen
    default = model.model_fields[name].default
    return type(default) if isinstance(default, BaseModel) else model


def _choice(
    table: str, settings: Mapping[str, Any], model: type[BaseModel]
) -> tuple[Registry[Any] | None, str]:
    """What decides which keys ``table`` has, and the name; None if it has the same ones always."""
    if table == "partition":
        given = settings.get(table)
        return PARTITIONS, str(given.get("kind", "iid")) if isinstance(given, Mapping) else "iid"
    key = chooses(table)
    if key == table:
        return None, ""
    return CHOICES[key], str(settings.get(key, model.model_fields[key].default))


def _owner(table: str, settings: Mapping[str, Any], model: type[BaseModel]) -> str:
    """The words before a list of the keys that ``table`` has: what they belong to."""
    registry, choice = _choice(table, settings, model)
    return "the keys are" if registry is None else f"the {registry.what} {choice!r} has"


def _elsewhere(table: str, key: str) -> str:
    """Which kinds of partition have ``key``, where the chosen one has not; for a message."""
    if table != "partition":
        return ""
    kinds = [name for name in PARTITIONS.built_in if key in PARTITIONS[name].model_fields]
    return f"; {key} goes with kind = {' or '.join(map(repr, kinds))}" if kinds else ""


def _shown(value: object) -> str:
    """A wrong value, as far as it can be shown."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # nested without end, or a number with a million digits
        return f"a value ({type(value).__name__}) too large to be shown"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
