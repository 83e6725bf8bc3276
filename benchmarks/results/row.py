"""A line of a table: one experiment, run with several seeds."""

import shlex
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.results.outcome import Outcome, identity, run_row

from tifed.experiment import Experiment, load_experiment
from tifed.studies import Trial

SEEDS = tuple(range(1, 11))
FEWER = tuple(range(1, 6))


@dataclass(frozen=True)
class Row:
    """An experiment and its seeds.

    Attributes:
        name: tells it from all others.
        preset: where it starts.
        settings: ``key=value`` on top of it.
        seeds: of everything random, one run each.
        curve: rounds between two measurements of accuracy; 0 for the final round alone.
        varied: per seed one more setting; empty if only the seed differs.
        program: what runs it; ``tifed`` does not know every front end that is measured.
    """

    name: str
    preset: str
    settings: tuple[str, ...] = ()
    seeds: tuple[int, ...] = FEWER
    curve: int = 0
    varied: tuple[str, ...] = ()
    program: str = "tifed"

    def experiment(self, seed: int) -> Experiment:
        """What is run with ``seed``; evaluating less often does not change the digest."""
        experiment = load_experiment(preset=self.preset, overrides=self._settings(seed))
        every = self.curve or experiment.rounds
        return experiment.model_copy(update={"evaluate_every": every})

    def trial(self, seed: int, data_dir: Path | None) -> Trial[Outcome]:
        """The run with ``seed``."""
        experiment, curve = self.experiment(seed), bool(self.curve)
        return Trial(
            f"{self.name}, seed {seed}",
            identity(experiment, curve),
            partial(run_row, experiment, curve, data_dir),
        )

    def command(self, seed: int) -> str:
        """How to repeat a run."""
        pairs = [part for setting in self._settings(seed) for part in ("--set", setting)]
        return f"{self.program} " + shlex.join(["run", "--preset", self.preset, *pairs])

    def _settings(self, seed: int) -> list[str]:
        varied = (self.varied[self.seeds.index(seed)],) if self.varied else ()
        return [*self.settings, *varied, f"seed={seed}"]
