"""Recipes: named settings of the learning rule and the server."""

from tifed.recipes.paper import Paper
from tifed.recipes.recipe import Recipe, Server
from tifed.recipes.tuned import Tuned
from tifed.recipes.tuned_int8 import TunedInt8

RECIPES: dict[str, type[Recipe]] = {
    "paper": Paper,
    "tuned": Tuned,
    "tuned-int8": TunedInt8,
}
"""Every recipe by the name that an experiment gives it."""

__all__ = ["RECIPES", "Paper", "Recipe", "Server", "Tuned", "TunedInt8"]
