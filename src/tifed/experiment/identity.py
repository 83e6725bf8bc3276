"""What decides the digest that a run ends with, as text that lasts, and its SHA-256 (SPEC, 11.1).

A run's checkpoints, the nodes of a federation and runs that are kept know their experiment by it.
It is made of what was chosen, not of everything there is: a setting that did not exist when a run
began has its default now, is left out, and the run goes on.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from itertools import groupby
from typing import Any, TypeVar

from tifed.experiment.constants import changes_of
from tifed.experiment.schema import Experiment
from tifed.rule.network import Network
from tifed.rule.recipes import ENERGIES, Recipe

Value = TypeVar("Value")

VERSION = 2
"""Of the description. What is at its default is left out, so a default must not change unnoticed:
raise the version if a default changes, of a setting, a recipe's setting or a constant, or if the
rule makes other parameters of the same constants. A new setting whose default leaves every digest
as it was needs no new version. ``tests/experiment/test_identity.py`` holds the defaults fast."""

_SAME_DIGEST = frozenset(
    {"engine", "fleet", "fleet_settings", "board", "emulator", "compiler", "link", "evaluate_every",
     "checkpoint_every"}
)  # fmt: skip
"""Settings that change who computes and what is told of it, and no digest."""

_DATA = frozenset({"dataset", "data", "extractor"})
"""Settings that name data. Files move, and change: the digest of their samples decides instead."""


def identity(experiment: Experiment, network: Network | None = None, **more: Any) -> str:
    """SHA-256 (hex) of what decides the outcome of ``experiment``, data apart.

    Args:
        experiment: what is run.
        network: what every device holds, where the data were looked at; else that of
            ``experiment.layers``, or none.
        more: what else decides, by name, such as ``data``, the digest of the data set.

    Raises:
        UsageError: if no network follows from the settings.
    """
    content = description(experiment, network) | more
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def description(experiment: Experiment, network: Network | None = None) -> dict[str, Any]:
    """What decides the outcome: version, settings, and the constants that follow from them.

    The constants are there because a recipe's rules can change between two releases.

    Args:
        experiment: what is run.
        network: see `identity`.

    >>> description(Experiment(rounds=3, engine="oracle"))["settings"]
    {'rounds': 3}
    """
    settings = experiment.model_dump(
        mode="json",
        exclude_defaults=True,
        exclude={*_SAME_DIGEST, *_DATA, "recipe_settings", "baseline_settings"},
    )
    for kind, chosen in (
        ("recipe", experiment.build_recipe()),
        ("baseline", experiment.build_baseline()),
    ):
        if chosen is not None and (own := chosen.model_dump(mode="json", exclude_defaults=True)):
            settings[f"{kind}_settings"] = own
    return {
        "version": VERSION,
        "settings": settings,
        "constants": _constants(experiment, network),
    }


def data_settings(experiment: Experiment) -> dict[str, Any]:
    """The settings that name the data, for those who compare experiments before they have them.

    >>> data_settings(Experiment())
    {'data': {}, 'dataset': 'digits', 'features': None}
    """
    named = experiment.model_dump(mode="json", include=set(_DATA))
    # The name that the setting had at first: results that are kept are found by this text.
    named["features"] = named.pop("extractor")
    return {name: named[name] for name in sorted(named)}


def canonical(content: Any) -> str:
    """JSON with sorted keys and no spaces: the same content is the same text.

    >>> canonical({"b": [1, 2.5], "a": None})
    '{"a":null,"b":[1,2.5]}'
    """
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def _constants(experiment: Experiment, network: Network | None) -> dict[str, Any]:
    """What the recipe, or the baseline, makes of the settings, as numbers and names."""
    learner, rounds = experiment.learner(), experiment.rounds
    constants: dict[str, Any] = {
        "assignment": learner.assignment,
        "calibration": learner.calibration_samples,
        "shifts": _runs(
            learner.extra_shift(number, rounds, experiment.mode) for number in range(rounds)
        ),
    }
    baseline, recipe = experiment.build_baseline(), experiment.build_recipe()
    if baseline is not None:
        return constants | dict(baseline.constants(experiment.mode))
    if network is None and experiment.layers is not None:
        network = recipe.network(experiment.layers, experiment.batch)
    if network is None:
        return constants
    return constants | {
        "network": _chosen(network),
        "server": _chosen(recipe.server(experiment.mode, network.depth)),
        "start": recipe.start(network),
        "start_biases": recipe.start_biases(network),
        **({"norms": "by layer"} if experiment.robust.clip else {}),
        **_by_energy(recipe, network),
        **_changes(experiment, network),
    }


def _changes(experiment: Experiment, network: Network) -> dict[str, Any]:
    """How weights go up and down in the first round, where they do not travel whole."""
    directions = zip(("upload", "download"), changes_of(experiment, network), strict=True)
    return {name: _chosen(changes) for name, changes in directions if changes.layers}


def _by_energy(recipe: Recipe, network: Network) -> dict[str, Any]:
    """What the recipe chooses by the input's energy, at 1 and each power of two up to 2**31.

    Nothing if it chooses as it does without one.
    """
    rules: dict[str, tuple[Any, Callable[[int], Any]]] = {
        "energy_shifts": (0, lambda energy: recipe.energy_shift(network, energy)),
        "energy_start": (
            recipe.start(network), lambda energy: recipe.start(network, energy),
        ),
        "energy_start_biases": (
            recipe.start_biases(network), lambda energy: recipe.start_biases(network, energy),
        ),
    }  # fmt: skip
    found = {
        name: (without, [rule(energy) for energy in ENERGIES])
        for name, (without, rule) in rules.items()
        if recipe.calibration_samples
    }
    return {
        name: _runs(chosen)
        for name, (without, chosen) in found.items()
        if any(one != without for one in chosen)
    }


def _runs(values: Iterable[Value]) -> list[tuple[int, Value]]:
    """How often each value comes in succession, and the value: there may be millions of rounds.

    >>> _runs([0, 0, 0, 1, 1])
    [(3, 0), (2, 1)]
    """
    return [(sum(1 for _ in equal), value) for value, equal in groupby(values)]


def _chosen(value: Any) -> Any:
    """A dataclass as those of its fields that are not at their defaults, by name."""
    if is_dataclass(value):
        named = ((field, getattr(value, field.name)) for field in fields(value))
        return {field.name: _chosen(it) for field, it in named if it != field.default}
    return [_chosen(it) for it in value] if isinstance(value, tuple) else value
