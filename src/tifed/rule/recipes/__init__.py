"""Recipes: named settings of the learning rule and the server."""

from tifed.rule.recipes.float_fedavg import FloatFedAvg
from tifed.rule.recipes.paper import Paper
from tifed.rule.recipes.recipe import AssignmentKind, Mode, Recipe, Server
from tifed.rule.recipes.tuned import Tuned
from tifed.rule.recipes.tuned_absolute import TunedAbsolute
from tifed.rule.recipes.tuned_int8 import TunedInt8

RECIPES: dict[str, type[Recipe]] = {
    "paper": Paper,
    "tuned": Tuned,
    "tuned-absolute": TunedAbsolute,
    "tuned-int8": TunedInt8,
    "float-fedavg": FloatFedAvg,
}
"""Every recipe by the name that an experiment gives it."""

__all__ = [
    "RECIPES",
    "AssignmentKind",
    "FloatFedAvg",
    "Mode",
    "Paper",
    "Recipe",
    "Server",
    "Tuned",
    "TunedAbsolute",
    "TunedInt8",
]
