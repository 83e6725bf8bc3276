"""The paper's own figures, cited: what ours are held against."""

from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

_DATASETS = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}


class _Cited(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Spread(_Cited):
    """Accuracies over runs, fractions."""

    mean: float
    std: float
    min: float
    median: float
    max: float


class Figures(_Cited):
    """One published setting; ``mean_curve`` is the mean accuracy over runs after each round."""

    dataset: str
    mode: str
    network: str
    workers: int
    inverse_learning_rate: int
    runs: int
    rounds: int
    best_over_rounds: Spread
    final_round: Spread
    mean_curve: tuple[float, ...]


class WorkersCurve(_Cited):
    """Accuracy against number of workers, one value of each curve per entry of ``workers``."""

    note: str
    workers: tuple[int, ...]
    float_fedavg: tuple[float, ...]
    full_network: tuple[float, ...]
    single_layer: tuple[float, ...]


class Published(_Cited):
    """All cited figures, where they are from, and what to keep in mind."""

    source: str
    caveat: str
    results: tuple[Figures, ...]
    workers_curve: WorkersCurve

    def find(self, dataset: str, mode: str, inverse_learning_rate: int) -> Figures | None:
        """The figures of one setting; None if it was not published."""
        wanted = (_DATASETS.get(dataset, dataset), mode, inverse_learning_rate)
        for figures in self.results:
            if (figures.dataset, figures.mode, figures.inverse_learning_rate) == wanted:
                return figures
        return None


@cache
def published() -> Published:
    """The figures that ship with the package.

    >>> figures = published().find("fashion-mnist", "full-network", 2048)
    >>> figures.best_over_rounds.mean, figures.final_round.mean
    (0.8435, 0.8417)
    """
    text = (files("tifed.studies") / "published.json").read_text(encoding="utf-8")
    return Published.model_validate_json(text)
