"""What a study is: settings to be run over seeds, and what they are held against."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from tifed.baselines import BASELINES
from tifed.errors import UsageError
from tifed.experiment.load import validated
from tifed.experiment.schema import Experiment
from tifed.fleets.published_schedule import LABEL
from tifed.rule.recipes import RECIPES
from tifed.studies.cited import Figures

PAPER, TUNED, FLOAT = "paper", "tuned", "float-fedavg"
METHODS = (*RECIPES.built_in, *BASELINES.built_in)
"""How a setting learns: TIFeD's own recipes, and the float32 baseline."""

_UNPUBLISHED = "has no published counterpart; its mini-batches are of 10."
METHOD_NOTES = {
    TUNED: f"The tuned recipe {_UNPUBLISHED}",
    FLOAT: "float-fedavg is FedAvg in float32 (backpropagation, stochastic gradient descent) with "
    "the same devices, buffers and order, and mini-batches of 10; plain: a learning rate of 0.1 "
    "and no trick, else with the tricks of the tuned recipe. For comparison only, not for devices. "
    "Floats do not repeat bit for bit, so it has no digest.",
}
"""What a reader has to know where a method other than the paper's is shown."""


def kind_of(method: str) -> str:
    """The key of an experiment that names ``method``: recipe, or baseline."""
    return "baseline" if method in BASELINES.built_in else "recipe"


class Schedule(StrEnum):
    """How workers' work becomes one model: by real averaging, or as the published code did it."""

    FEDERATED = "federated"
    PUBLISHED = "published"

    @property
    def label(self) -> str:
        """What it is, in words; every output says it."""
        if self is Schedule.PUBLISHED:
            return LABEL
        return "federated averaging: every device trains a copy of its own, the server averages"


@dataclass(frozen=True)
class Setting:
    """One line of a study's table: an experiment that is run with seeds 1, 2, ….

    Attributes:
        name: such as "paper full-network 1/2048".
        method: one of `METHODS`.
        experiment: what is run; each run puts in its seed.
        wide: whether the engine for wide weights does it, rather than the experiment's own.
        figures: the published ones for it, if there are any.
        plotted: accuracy read off a published plot, where that is all there is.
    """

    name: str
    method: str
    experiment: Experiment
    wide: bool = False
    figures: Figures | None = None
    plotted: float | None = None

    @property
    def inverse_learning_rate(self) -> int | None:
        """Of the `paper` recipe; None for the others, which have no such thing."""
        if self.method != PAPER:
            return None
        value: int = self.experiment.build_recipe().inverse_learning_rate  # type: ignore[attr-defined]
        return value

    def changed(self, **fields: Any) -> "Setting":
        """The same setting with some of the experiment's fields replaced, and checked again."""
        settings = self.experiment.model_dump(mode="json", exclude_none=True) | fields
        return replace(self, experiment=validated(settings, self.name))


@dataclass(frozen=True)
class Study:
    """One of the paper's experiments.

    Attributes:
        name: what a user calls it.
        title: one line.
        settings: all that it knows to run.
        methods: those of `METHODS` that run unless others are asked for.
        notes: what a reader of its results has to know.
        over_devices: whether the picture is accuracy against number of devices.
        judge: sentences on what the rows of its table show; none without it.
    """

    name: str
    title: str
    settings: tuple[Setting, ...]
    methods: tuple[str, ...]
    notes: tuple[str, ...]
    over_devices: bool = False
    judge: Callable[[Sequence[Any]], tuple[str, ...]] = lambda rows: ()

    def chosen(
        self,
        schedule: Schedule = Schedule.FEDERATED,
        methods: Sequence[str] = (),
        containing: Sequence[str] = (),
        engine: str | None = None,
    ) -> tuple[Setting, ...]:
        """The settings to run.

        Args:
            schedule: the published one is defined for the `paper` recipe alone, and gets wide
                weights, for it drives them past int16.
            methods: which of `METHODS`; none for the study's own.
            containing: keep settings whose name has all words of one of these; none for all.
            engine: who computes the learning rule; None for the experiments' own, or with the
                published schedule for `tifed.studies.wide`.

        Raises:
            UsageError: if nothing is left, or the schedule does not go with a method.
        """
        for method in methods:
            if method not in METHODS:
                raise UsageError(f"recipe: {method!r} is not one of {', '.join(METHODS)}")
        if schedule is Schedule.PUBLISHED:
            if any(method != PAPER for method in methods):
                raise UsageError(
                    "recipe: the published schedule is that of the published arithmetic; "
                    "use --recipe paper with it, or --schedule federated"
                )
            methods = (PAPER,)
        known = [one for one in self.settings if one.method in (methods or self.methods)]
        chosen = [
            one
            for one in known
            if not containing or any(_has_words(one.name, text) for text in containing)
        ]
        if not chosen:
            raise UsageError(
                f"settings: nothing in {self.name} is called {' or '.join(containing) or 'so'}; "
                f"choose from {', '.join(one.name for one in known)}"
            )
        if schedule is Schedule.FEDERATED:
            changes = {} if engine is None else {"engine": engine}
            return tuple(one.changed(**changes) for one in chosen)
        return tuple(
            replace(
                one.changed(
                    engine=engine or "oracle",  # the only one that knows wide weights
                    recipe_settings=one.experiment.recipe_settings | {"weight_bits": 32},
                ),
                wide=engine is None,
            )
            for one in chosen
        )


def _has_words(name: str, text: str) -> bool:
    """Whether every word of ``text`` is a word of ``name``, so that 4 is not found in 64."""
    return set(text.split()) <= set(name.split())
