"""Experiments from presets, TOML files and key=value pairs, with errors that name the field."""

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import tomli_w

from tifed.errors import UsageError
from tifed.experiment.explain import suggestion
from tifed.experiment.names import CHOICES
from tifed.experiment.paths import located
from tifed.experiment.provided import TABLE, providers, require_provided
from tifed.experiment.schema import Experiment
from tifed.files.paths import AnyPath
from tifed.files.toml_file import DEEPEST, parse_toml, read_toml

_PRESETS = files("tifed.experiment") / "presets"
_DEFAULT_RECIPE = "-tuned"
_REPLACED = {"fashion-mnist-best": "fashion-mnist", "mnist-best": "mnist"}


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
    if name in _REPLACED:
        raise UsageError(
            f"preset: there is no {name!r} any more; write {_REPLACED[name]!r}, whose recipe has "
            "all that made the other one better; the old settings are in docs/tuned.md"
        )
    if known not in preset_names():
        raise UsageError(
            f"preset: {name!r} does not exist{suggestion(name, preset_names())}; "
            f"the presets are {', '.join(preset_names())}"
        )
    text = (_PRESETS / f"{known}.toml").read_text(encoding="utf-8")
    return _with_preset(tomllib.loads(text))


def load_experiment(
    path: AnyPath | None = None,
    *,
    preset: str | None = None,
    overrides: Sequence[str] | Mapping[str, Any] = (),
) -> Experiment:
    """Build an experiment: a preset, then a file over it, then ``key=value`` pairs over both.

    Args:
        path: TOML file; its own ``preset`` key names what it starts from. Files that it names are
            relative to it.
        preset: where to start if the file does not say.
        overrides: such as ``rounds=3``, ``partition.alpha=0.1`` or ``layers=[64, 32, 10]``; what is
            not a TOML value is taken as text. Or a mapping such as ``{"partition.alpha": 0.1}``,
            whose values are taken as they are. Files are relative to the working folder.

    Raises:
        UsageError: naming the file, line or field that is wrong and what would be right.

    >>> load_experiment(preset="digits", overrides=["rounds=3"]).rounds
    3
    >>> load_experiment(overrides={"partition.kind": "shards", "rounds": 3}).partition.kind
    'shards'
    """
    settings = preset_settings(preset) if preset else {}
    where = "experiment"
    if path is not None:
        where = str(path)
        settings = _merged(
            settings, _with_preset(located(read_toml(Path(path)), Path(path).parent))
        )
    if isinstance(overrides, str):
        raise UsageError(f"overrides: is text; write [{overrides!r}], or a mapping")
    if isinstance(overrides, Mapping):
        tables = [_nested(key, value) for key, value in overrides.items()]
    else:
        tables = [override(pair) for pair in overrides]
    together: dict[str, Any] = {}
    for table in tables:
        together = _laid_over(together, located(table, Path()))
    settings = _merged(settings, together)
    return validated(settings, where)


def validated(settings: Mapping[str, Any], where: str) -> Experiment:
    """An experiment from plain settings, such as those that `to_toml` has written.

    Raises:
        UsageError: naming every field that is wrong, or what is not installed here.
    """
    own = {key: value for key, value in settings.items() if key != TABLE}
    require_provided(own, settings.get(TABLE, {}), where)
    return Experiment.model_validate(own, context={"where": where})


def to_toml(experiment: Experiment) -> str:
    """Every field with its value; fields without one (a default that depends) are left out.

    What TIFeD does not bring itself is named with the package that does.
    """
    settings = experiment.model_dump(mode="json", exclude_none=True)
    table = providers(settings)
    return tomli_w.dumps(settings | ({TABLE: table} if table else {}))


def _with_preset(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings over the preset that they name."""
    rest = {key: value for key, value in settings.items() if key != "preset"}
    base = settings.get("preset")
    return rest if base is None else _merged(preset_settings(str(base)), rest)


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``over`` on top of ``base``, table by table.

    Another recipe or partition brings its own defaults: settings of the old one would not fit it.
    """
    kept = dict(base)
    for name in CHOICES:
        if over.get(name, base.get(name)) != base.get(name):
            kept.pop(f"{name}_settings", None)
    old, new = base.get("partition"), over.get("partition")
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        kind = old.get("kind", "iid")
        if new.get("kind", kind) != kind:
            del kept["partition"]
    return _laid_over(kept, over)


def _laid_over(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """All of both; where both say something, what ``over`` says."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[key] = _laid_over(old, value) if both and old is not None else value
    return result


def override(pair: str, option: str = "--set") -> dict[str, Any]:
    """``a.b=value`` as nested tables."""
    key, equals, text = pair.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"{option} {pair}: must look like key=value, for example rounds=3")
    try:
        tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        value: Any = text
    else:
        value = parse_toml(f"value = {text}", f"{option} {key}")["value"]
    return _nested(key.strip(), value)


def _nested(key: str, value: Any) -> dict[str, Any]:
    """A value in the tables that the dots of its key mean.

    Raises:
        UsageError: if they are deeper than any of an experiment.
    """
    parts = key.split(".")
    if len(parts) > DEEPEST:
        raise UsageError(f"{key[:40]}…: a key has more than {DEEPEST} parts with dots between them")
    for part in reversed(parts):
        value = {part: value}
    return dict(value)
