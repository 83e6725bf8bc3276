"""Settings of a run as Flower's run configuration; ``flwr run --run-config`` changes any of it."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from tifed.errors import UsageError
from tifed.nodes.serving.settings import Settings
from tifed.nodes.serving.sites import Sites


def from_run_config(config: Mapping[str, Any]) -> Settings:
    """Out of Flower's run configuration.

    Raises:
        UsageError: naming a key that is missing or of the wrong type.
    """
    values: dict[str, Any] = {}
    for key, usual in to_run_config(Settings("")).items():
        value = config.get(key)
        if type(usual) is float and isinstance(value, int):
            value = float(value)
        if type(value) is not type(usual):
            raise UsageError(
                f"run configuration: {key} is {value!r}; make the app by tifed flower bundle"
            )
        values[key.replace("-", "_")] = value
    return Settings(**values | {"sites": Sites.from_toml(values["sites"])})


def to_run_config(settings: Settings) -> dict[str, str | int | float]:
    """For Flower's run configuration."""
    values = {
        field.name.replace("_", "-"): getattr(settings, field.name) for field in fields(settings)
    }
    return values | {"sites": settings.sites.to_toml()}
