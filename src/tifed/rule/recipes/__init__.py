"""Recipes: named settings of the learning rule and the server."""

from tifed.registry import Registry, subclass_of
from tifed.rule.recipes.paper import Paper
from tifed.rule.recipes.recipe import ENERGIES, AssignmentKind, Mode, Recipe, Server
from tifed.rule.recipes.tuned import Tuned
from tifed.rule.recipes.tuned_absolute import TunedAbsolute
from tifed.rule.recipes.tuned_int8 import TunedInt8

RECIPES: Registry[type[Recipe]] = Registry(
    "recipe",
    "tifed.recipes",
    {
        "paper": "tifed.rule.recipes:Paper",
        "tuned": "tifed.rule.recipes:Tuned",
        "tuned-absolute": "tifed.rule.recipes:TunedAbsolute",
        "tuned-int8": "tifed.rule.recipes:TunedInt8",
    },
    subclass_of(Recipe),
    "a subclass of tifed.rule.recipes.Recipe",
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
    "TunedAbsolute",
    "TunedInt8",
]
