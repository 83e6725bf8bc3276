"""Experiments from presets, TOML files and key=value pairs, with errors that name the field."""

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import BaseModel, ValidationError

from tifed.errors import UsageError
from tifed.experiment.paths import located
from tifed.experiment.schema import Experiment
from tifed.recipes import RECIPES
from tifed.toml_file import read_toml

_PRESETS = files("tifed.experiment") / "presets"
_DEFAULT_RECIPE = "-tuned"


def preset_names() -> tuple[str, ...]:
    """Every preset's name."""
    found = (Path(entry.name) for entry in _PRESETS.iterdir() if entry.is_file())
    return tuple(sorted(entry.stem for entry in found if entry.suffix == ".toml"))


def preset_settings(name: str) -> dict[str, Any]:
    """What a preset sets; ``NAME-tuned`` is another word for ``NAME``.

    Raises:
        UsageError: if there is no such preset.
    """
    known = name.removesuffix(_DEFAULT_RECIPE)
    if known not in preset_names():
        raise UsageError(
            f"preset: {name!r} does not exist{_suggestion(name, preset_names())}; "
            f"the presets are {', '.join(preset_names())}"
        )
    text = (_PRESETS / f"{known}.toml").read_text(encoding="utf-8")
    return _with_preset(tomllib.loads(text))


def load_experiment(
    path: Path | None = None,
    *,
    preset: str | None = None,
    overrides: Sequence[str] = (),
) -> Experiment:
    """Build an experiment: a preset, then a file over it, then ``key=value`` pairs over both.

    Args:
        path: TOML file; its own ``preset`` key names what it starts from. Files that it names are
            relative to it.
        preset: where to start if the file does not say.
        overrides: such as ``rounds=3``, ``partition.alpha=0.1`` or ``layers=[64, 32, 10]``; what is
            not a TOML value is taken as text. Files are relative to the working folder.

    Raises:
        UsageError: naming the file, line or field that is wrong and what would be right.

    >>> load_experiment(preset="digits", overrides=["rounds=3"]).rounds
    3
    """
    settings = preset_settings(preset) if preset else {}
    where = "experiment"
    if path is not None:
        where = str(path)
        settings = _merged(settings, _with_preset(located(read_toml(path), path.parent)))
    for pair in overrides:
        settings = _merged(settings, located(override(pair), Path()))
    return validated(settings, where)


def validated(settings: Mapping[str, Any], where: str) -> Experiment:
    """An experiment from plain settings.

    Raises:
        UsageError: naming every field that is wrong.
    """
    try:
        return Experiment.model_validate(dict(settings))
    except ValidationError as error:
        raise UsageError(_explained(error, settings, where)) from error


def to_toml(experiment: Experiment) -> str:
    """Every field with its value; fields without one (a default that depends) are left out."""
    return tomli_w.dumps(experiment.model_dump(mode="json", exclude_none=True))


def _with_preset(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings over the preset that they name."""
    rest = {key: value for key, value in settings.items() if key != "preset"}
    base = settings.get("preset")
    return rest if base is None else _merged(preset_settings(str(base)), rest)


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``over`` on top of ``base``, table by table.

    Another recipe or partition brings its own defaults: settings of the old one would not fit it.
    """
    result = dict(base)
    if over.get("recipe", base.get("recipe")) != base.get("recipe"):
        result.pop("recipe_settings", None)
    for key, value in over.items():
        old = result.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[key] = _merged(old, value) if both and old is not None else value
    return result


def override(pair: str, option: str = "--set") -> dict[str, Any]:
    """``a.b=value`` as nested tables."""
    key, equals, text = pair.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"{option} {pair}: must look like key=value, for example rounds=3")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    for part in reversed(key.strip().split(".")):
        value = {part: value}
    return dict(value)


def _explained(error: ValidationError, settings: Mapping[str, Any], where: str) -> str:
    """One line per wrong field: its name, what is wrong, and what would be right."""
    lines = []
    for problem in error.errors():
        location = [str(part) for part in problem["loc"]]
        name = ".".join(location)
        if problem["type"] == "extra_forbidden":
            allowed = _keys_beside(location, settings)
            near = _suggestion(location[-1], allowed)
            lines.append(f"{name}: unknown key{near}; the keys are {', '.join(allowed)}")
        elif problem["type"] == "value_error":
            lines.append(f"{name}: {problem['ctx']['error']}" if name else problem["msg"][13:])
        else:
            lines.append(f"{name}: {problem['msg']}, not {problem['input']!r}")
    return f"{where}: " + "\n".join(lines)


def _keys_beside(location: Sequence[str], settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys that the table of a wrong key knows."""
    model: type[BaseModel] = Experiment
    for part in location[:-1]:
        model = type(Experiment.model_fields[part].default)
    if len(location) == 1 and location[0] not in settings:
        model = RECIPES[settings.get("recipe", "tuned")]
    return tuple(model.model_fields)


def _suggestion(word: str, known: Sequence[str]) -> str:
    """``, did you mean …?`` if something is near."""
    near = difflib.get_close_matches(word, known, 1)
    return f" (did you mean {near[0]!r}?)" if near else ""
