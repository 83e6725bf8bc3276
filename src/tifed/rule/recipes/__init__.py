"""Recipes: named settings of the learning rule and the server."""

from tifed.registry import Registry, subclass_of
from tifed.rule.recipes.paper import Paper
from tifed.rule.recipes.recipe import ENERGIES, AssignmentKind, Mode, Recipe, Server
from tifed.rule.recipes.tuned import Tuned

_BEFORE = "write recipe = 'tuned'{}; the settings that the old name stood for are in docs/tuned.md"

RECIPES: Registry[type[Recipe]] = Registry(
    "recipe",
    "tifed.recipes",
    {
        "paper": "tifed.rule.recipes:Paper",
        "tuned": "tifed.rule.recipes:Tuned",
    },
    subclass_of(Recipe),
    "a subclass of tifed.rule.recipes.Recipe",
    {
        "tuned-absolute": _BEFORE.format(""),
        "tuned-int8": _BEFORE.format(" with recipe_settings.weight_bits = 8"),
    },
)
"""Every recipe by the name that an experiment gives it."""

__all__ = [
    "ENERGIES",
    "RECIPES",
    "AssignmentKind",
    "Mode",
    "Paper",
    "Recipe",
    "Server",
    "Tuned",
]
