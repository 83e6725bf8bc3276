"""Names of things that can be registered, as an experiment's settings have them."""

from collections.abc import Mapping
from typing import Any

from tifed.baselines import BASELINES
from tifed.errors import UsageError
from tifed.experiment.fleet_kind import FLEETS
from tifed.registry import Registry
from tifed.rule.recipes import RECIPES

CHOICES: Mapping[str, Registry[Any]] = {"recipe": RECIPES, "baseline": BASELINES, "fleet": FLEETS}
"""Settings that choose by name a model of settings, which a table of their own overrides."""


def chooses(table: str) -> str:
    """The setting that chooses what ``table`` has settings of.

    >>> chooses("recipe_settings")
    'recipe'
    """
    return table.removesuffix("_settings")


def known(registry: Registry[Any], name: str) -> str:
    """``name``, if it can be used.

    Raises:
        ValueError: if nobody has registered it, or what it stands for cannot be used; pydantic
            adds the field.
    """
    try:
        registry[name]
    except UsageError as error:
        raise ValueError(str(error)) from error
    return name
