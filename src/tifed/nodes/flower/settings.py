"""Settings of a run as Flower's run configuration; ``flwr run --run-config`` changes any of it.

Flower takes numbers, texts and truth values, in tables, and lets ``--run-config`` change keys that
the app has. So every setting of the experiment is a key: one without a value is an empty text, a
list is a text such as ``[64, 32, 10]``, and a table whose keys are free is a text of TOML lines.
"""

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any

import tomli_w
from pydantic import BaseModel

from tifed.errors import UsageError
from tifed.experiment import Experiment, to_toml
from tifed.experiment.load import validated
from tifed.experiment.provided import TABLE, providers
from tifed.files.toml_file import parse_toml
from tifed.nodes.context import parsed
from tifed.nodes.serving.settings import Settings
from tifed.nodes.serving.sites import Sites

WHERE = "run configuration"
REMEDY = "make the app by tifed flower bundle"
Value = str | int | float | bool


def from_run_config(config: Mapping[str, Any]) -> Settings:
    """Out of Flower's run configuration, whose tables are dots in its keys.

    Raises:
        UsageError: naming a key that is missing, of the wrong type or not possible.
    """
    values: dict[str, Any] = {}
    for key, usual in _of_the_run(Settings("")).items():
        value = config.get(key)
        if type(usual) is float and isinstance(value, int):
            value = float(value)
        if type(value) is not type(usual):
            raise UsageError(f"{WHERE}: {key} is {value!r}; {REMEDY}")
        values[key.replace("-", "_")] = value
    rest = {key: value for key, value in config.items() if key.replace("-", "_") not in values}
    tables = {key.partition(".")[0] for key in rest}
    if missing := [key for key in Experiment.model_fields if key not in tables]:
        raise UsageError(f"{WHERE}: {missing[0]} is missing; {REMEDY}")
    settings = Settings("", **values | {"sites": Sites.from_toml(values["sites"])})
    return replace(settings, experiment=_experiment(tuple(sorted(rest.items()))))


def to_run_config(settings: Settings) -> dict[str, Any]:
    """For Flower's run configuration, with tables.

    Raises:
        UsageError: if the experiment is not one.
    """
    experiment = parsed(settings.experiment)
    dumped = experiment.model_dump(mode="json")
    config: dict[str, Any] = dict(_of_the_run(settings))
    for key in Experiment.model_fields:
        value = dumped[key]
        if isinstance(getattr(experiment, key), BaseModel):
            config[key] = {name: _written(one) for name, one in value.items()}
        else:
            config[key] = _written(value)
    return config | {
        TABLE: _written(providers(experiment.model_dump(mode="json", exclude_none=True)))
    }


def _of_the_run(settings: Settings) -> dict[str, Value]:
    """All but the experiment."""
    values = {
        field.name.replace("_", "-"): getattr(settings, field.name)
        for field in fields(settings)
        if field.name != "experiment"
    }
    return values | {"sites": settings.sites.to_toml()}


def _written(value: Any) -> Value:
    """A setting as Flower takes it."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return tomli_w.dumps(value)
    # The lists of an experiment are the same in JSON and TOML.
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value


@lru_cache(maxsize=4)
def _experiment(config: tuple[tuple[str, Value], ...]) -> str:
    """The experiment that the keys say, as TOML, resolved.

    Raises:
        UsageError: naming a key that is wrong.
    """
    settings: dict[str, Any] = {}
    for key, value in config:
        if value == "":
            continue
        table, _, name = key.rpartition(".")
        place = settings.setdefault(table, {}) if table else settings
        place[name] = _read(key, value)
    return to_toml(validated(settings, WHERE))


def _read(key: str, value: Value) -> Any:
    """What `_written` has made of a setting, or somebody has written in the same way."""
    if not isinstance(value, str):
        return value
    field = Experiment.model_fields.get(key)
    if key == TABLE or (field is not None and field.default_factory is dict):
        return parse_toml(value, f"{WHERE}: {key}")
    if value.startswith("[") and (field is None or field.annotation is not str):
        return parse_toml(f"value = {value}", f"{WHERE}: {key}")["value"]
    return value
