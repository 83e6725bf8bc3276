"""The numbers of a reproduction: per setting for JSON and the page, per run for CSV."""

import csv
import io
import statistics
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from tifed.studies.cited import published
from tifed.studies.outcome import Outcome
from tifed.studies.reproduction import Reproduction
from tifed.studies.setting import METHOD_NOTES, Setting
from tifed.version import __version__

BEST = "best over rounds on the test set, for comparison only"
"""What the best round's accuracy is called wherever it is shown."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Summary(_Record):
    """Accuracies over runs, fractions; ``std`` is the sample's (n - 1), None for a single run."""

    mean: float
    std: float | None
    min: float
    median: float
    max: float


class Cited(_Record):
    """A published mean and spread, as far as there is one."""

    mean: float
    std: float | None


class Digest(_Record):
    """A run's outcome in short; the digest is None for floats."""

    seed: int
    final: float
    best: float
    digest: str | None


class SummaryRow(_Record):
    """One setting.

    Attributes:
        setting: its name.
        method: recipe, or the float baseline.
        mode: which layers a device trains.
        inverse_learning_rate: of the `paper` recipe.
        devices: in the fleet.
        engine: who computed the learning rule.
        runs: how many.
        final_round: ours after the last round: the result.
        best_over_rounds: ours in the best round (`BEST`).
        published_final_round: the published final round's.
        published_best_over_rounds: the published best round's.
        published_plotted: a value that was read off a published plot.
        difference_final: ours less the published, final rounds' means.
        difference_best: ours less the published, best rounds' means.
        difference_plotted: our final round's mean less the value read off the plot.
        clipped: parameters and deltas that reached their bound, all runs together.
        seconds: mean over runs.
        curve: mean accuracy over runs after each round.
        lowest: least accuracy of a run after each round.
        highest: greatest accuracy of a run after each round.
        published_curve: the published mean over runs after each round.
        digests: one per run.
    """

    setting: str
    method: str
    mode: str
    inverse_learning_rate: int | None
    devices: int
    engine: str
    runs: int
    final_round: Summary
    best_over_rounds: Summary
    published_final_round: Cited | None
    published_best_over_rounds: Cited | None
    published_plotted: float | None
    difference_final: float | None
    difference_best: float | None
    difference_plotted: float | None
    clipped: int
    seconds: float
    curve: tuple[float, ...]
    lowest: tuple[float, ...]
    highest: tuple[float, ...]
    published_curve: tuple[float, ...] | None
    digests: tuple[Digest, ...]


class SummaryTable(_Record):
    """A reproduction in one object, as ``--json`` prints it.

    Attributes:
        name: of the study.
        title: its one line.
        schedule: federated or published.
        what: the schedule in words.
        best_over_rounds_is: what that column is (`BEST`).
        seeds: 1..seeds were run.
        held_out_samples: that accuracy is measured on.
        dataset_digest: SHA-256 of the samples.
        version: of TIFeD.
        command: how to repeat it.
        notes: what a reader has to know.
        published_source: where the published figures are from.
        published_caveat: what to keep in mind about them.
        rows: one per setting.
        findings: sentences on what they show.
    """

    name: str
    title: str
    schedule: str
    what: str
    best_over_rounds_is: str = BEST
    seeds: int
    held_out_samples: int
    dataset_digest: str
    version: str
    command: str
    notes: tuple[str, ...]
    published_source: str
    published_caveat: str
    rows: tuple[SummaryRow, ...]
    findings: tuple[str, ...] = ()


def table(reproduction: Reproduction, command: str) -> SummaryTable:
    """The table of a finished reproduction; ``command`` repeats it."""
    cited, study = published(), reproduction.study
    first = reproduction.runs[0][1][0]
    methods = {setting.method for setting, _ in reproduction.runs}
    rows = tuple(_row(setting, runs) for setting, runs in reproduction.runs)
    return SummaryTable(
        name=study.name,
        title=study.title,
        schedule=reproduction.schedule,
        what=reproduction.schedule.label,
        seeds=reproduction.seeds,
        held_out_samples=first.held_out_samples,
        dataset_digest=first.dataset_digest,
        version=__version__,
        command=command,
        notes=study.notes + tuple(METHOD_NOTES[one] for one in METHOD_NOTES if one in methods),
        published_source=cited.source,
        published_caveat=cited.caveat,
        rows=rows,
        findings=study.judge(rows),
    )


def csv_text(reproduction: Reproduction) -> str:
    """One line per run."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["setting", "method", "mode", "inverse_learning_rate", "devices", "schedule", "what_it_is",
         "seed", "rounds", "final_accuracy", "best_accuracy_over_rounds_for_comparison_only",
         "best_round", "clipped", "seconds", "engine", "digest", "dataset_digest"]
    )  # fmt: skip
    for setting, runs in reproduction.runs:
        experiment = setting.experiment
        for run in runs:
            writer.writerow(
                [setting.name, setting.method, experiment.mode, setting.inverse_learning_rate or "",
                 experiment.devices, run.schedule.value, run.what, run.seed, len(run.correct),
                 f"{run.accuracy:.6f}", f"{run.best:.6f}", 1 + run.accuracies.index(run.best),
                 run.clipped, f"{run.seconds:.3f}", run.engine, run.digest or "",
                 run.dataset_digest]
            )  # fmt: skip
    return text.getvalue()


def _row(setting: Setting, runs: Sequence[Outcome]) -> SummaryRow:
    """One setting's line."""
    final, best = _summary([run.accuracy for run in runs]), _summary([run.best for run in runs])
    figures = setting.figures
    cited_final, cited_best = None, None
    if figures is not None:
        cited_final = Cited(mean=figures.final_round.mean, std=figures.final_round.std)
        cited_best = Cited(mean=figures.best_over_rounds.mean, std=figures.best_over_rounds.std)
    rounds = list(zip(*(run.accuracies for run in runs), strict=True))
    return SummaryRow(
        setting=setting.name,
        method=setting.method,
        mode=setting.experiment.mode,
        inverse_learning_rate=setting.inverse_learning_rate,
        devices=setting.experiment.devices,
        engine=runs[0].engine,
        runs=len(runs),
        final_round=final,
        best_over_rounds=best,
        published_final_round=cited_final,
        published_best_over_rounds=cited_best,
        published_plotted=setting.plotted,
        difference_final=_difference(final.mean, cited_final.mean if cited_final else None),
        difference_best=_difference(best.mean, cited_best.mean if cited_best else None),
        difference_plotted=_difference(final.mean, setting.plotted),
        clipped=sum(run.clipped for run in runs),
        seconds=round(statistics.fmean(run.seconds for run in runs), 3),
        curve=tuple(_rounded(statistics.fmean(values)) for values in rounds),
        lowest=tuple(_rounded(min(values)) for values in rounds),
        highest=tuple(_rounded(max(values)) for values in rounds),
        published_curve=None if figures is None else figures.mean_curve,
        digests=tuple(
            Digest(seed=run.seed, final=run.accuracy, best=run.best, digest=run.digest)
            for run in runs
        ),
    )


def _summary(values: Sequence[float]) -> Summary:
    """Mean, spread and order statistics of one value per run."""
    return Summary(
        mean=_rounded(statistics.fmean(values)),
        std=_rounded(statistics.stdev(values)) if len(values) > 1 else None,
        min=_rounded(min(values)),
        median=_rounded(statistics.median(values)),
        max=_rounded(max(values)),
    )


def _difference(ours: float, theirs: float | None) -> float | None:
    """Ours less theirs."""
    return None if theirs is None else _rounded(ours - theirs)


def _rounded(value: float) -> float:
    """Six decimals: a mean of fractions needs no more, and files stay the same everywhere."""
    return round(value, 6)
