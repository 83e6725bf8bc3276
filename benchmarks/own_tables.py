"""Does a user's own table learn as well as it should, however its numbers are written?

Saves the tables that come with scikit-learn as CSV and as NPZ, as they are and times a constant
that makes them integers, runs each with TIFeD's defaults (4 devices, 60 rounds, 32 hidden units),
and trains scikit-learn's MLPClassifier with the same hidden layer and its default settings on the
same training samples, as they are and standardised. Prints a table of test accuracies, means over
seeds.

    python benchmarks/own_tables.py
    python benchmarks/own_tables.py --seeds 3 --page docs/datasets.md   # into the page
"""

import argparse
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets as tables
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tifed
from tifed.data.split import stratified, with_every_class

INTEGERS = {"iris": 10, "wine": 100, "breast_cancer": 1_000_000, "digits": 1}
"""Tables, and the constant that makes their numbers integers."""

HIDDEN = 32
BEGIN = "<!-- own tables: made by python benchmarks/own_tables.py -->"
END = "<!-- end of own tables -->"


def table_of(name: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Features (N, D) and labels (N,) of one of scikit-learn's tables."""
    loaded: Any = getattr(tables, f"load_{name}")()
    return loaded.data, loaded.target


def files(name: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """The table as four files: what each holds, and where it is."""
    features, labels = table_of(name)
    integers = np.rint(features * INTEGERS[name]).astype(np.int64)
    header = [*(f"c{column}" for column in range(features.shape[1])), "label"]
    for kind, numbers in (("numbers as they are", features), ("integers", integers)):
        path = folder / f"{name}-{kind.split()[0]}"
        rows = [
            ",".join([*map(repr, row), str(label)])
            for row, label in zip(numbers.tolist(), labels.tolist(), strict=True)
        ]
        path.with_suffix(".csv").write_text("\n".join([",".join(header), *rows]) + "\n")
        np.savez(path.with_suffix(".npz"), features=numbers, labels=labels)
        yield f"CSV, {kind}", path.with_suffix(".csv")
        yield f"NPZ, {kind}", path.with_suffix(".npz")


def accuracy(path: Path, seeds: int) -> float:
    """Test accuracy of TIFeD's defaults, mean of the seeds."""
    runs = (
        tifed.run(tifed.Experiment(dataset=str(path), devices=4, seed=seed, evaluate_every=60))
        for seed in range(1, seeds + 1)
    )
    return float(np.mean([run.accuracy for run in runs]))


def scikit_learn(name: str, seeds: int) -> tuple[float, float]:
    """The same of MLPClassifier, on the numbers as they are and on standardised ones."""
    features, labels = table_of(name)
    encoded = labels.astype(np.int32)
    train, test = with_every_class(encoded, *stratified(encoded, None, len(labels) // 5))
    scores = np.zeros((2, seeds))
    for seed in range(seeds):
        plain = MLPClassifier((HIDDEN,), random_state=seed + 1)
        scaled = make_pipeline(StandardScaler(), MLPClassifier((HIDDEN,), random_state=seed + 1))
        for row, model in enumerate((plain, scaled)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # its default of 200 passes
                model.fit(features[train], labels[train])
            scores[row, seed] = model.score(features[test], labels[test])
    plain_mean, scaled_mean = scores.mean(axis=1)
    return float(plain_mean), float(scaled_mean)


def markdown(seeds: int) -> str:
    """The table."""
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in INTEGERS:
            ours = {kind: accuracy(path, seeds) for kind, path in files(name, Path(folder))}
            if not lines:
                heads = ["table", *ours, "MLPClassifier", "MLPClassifier, standardised"]
                lines = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}"]
            cells = [f"{score:.3f}" for score in (*ours.values(), *scikit_learn(name, seeds))]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table, or put it into a page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--page", type=Path, help="page whose table is replaced")
    options = parser.parse_args()
    made = markdown(options.seeds)
    print(made)
    if options.page is not None:
        before, rest = options.page.read_text(encoding="utf-8").split(BEGIN)
        after = rest.split(END)[1]
        text = f"{before}{BEGIN}\n{made}\n{END}{after}"
        options.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
