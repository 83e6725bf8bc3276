"""Every example in docs/datasets.md's table of formats, with a small file of that name."""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tifed.data import load

PAGE = Path(__file__).parents[2] / "docs" / "datasets.md"
EXAMPLES = re.findall(r"^\| .* \| `(load\(.*\))` \|$", PAGE.read_text(encoding="utf-8"), re.M)

SERIES = "@classLabel true a b\n@data\n" + "1,2,3:a\n4,5,6:b\n" * 9
CLASSES = ("sit", "walk")


def lines(row: str, count: int = 18) -> str:
    """Rows with the number, the class and a fraction filled in."""
    return "".join(
        row.format(i=i, c=CLASSES[i % 2], n=i % 2 + 1, f=i + 0.5) + "\n" for i in range(count)
    )


TEXTS = {
    "sensors.csv": "a,b,activity\n" + lines("{i},{f},{c}"),
    "iris.csv": lines("{f},{f},{c}"),
    "Coffee_TRAIN.tsv": lines("{n}\t{f}\t{f}"),
    "Coffee_TEST.tsv": lines("{n}\t{f}\t{f}"),
    "X_train.txt": lines("  {f:e}  {f:e}"),
    "y_train.txt": lines("{n}"),
    "subject_train.txt": lines("{n}"),
    "WISDM_ar_v1.1_raw.txt": "".join(
        f"33,{name},{i},{i},0.5,0.25;\n" for name in CLASSES for i in range(600)
    ),
    "BasicMotions_TRAIN.ts": SERIES,
    "BasicMotions_TEST.ts": SERIES,
    "diabetes.arff": "@attribute a real\n@attribute class {sit,walk}\n@data\n" + lines("{f},{c}"),
}


def write_all(folder: Path, idx_bytes: Callable[[NDArray[np.uint8]], bytes]) -> None:
    from scipy.io import wavfile

    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    user = {"x": [[i, i + 0.5] for i in range(18)], "y": [i % 2 for i in range(18)]}
    for name in ("all_data_0_train.json", "all_data_0_test.json"):
        (folder / name).write_text(json.dumps({"user_data": {"u": user}}), encoding="utf-8")
    labels = np.arange(18) % 2
    np.savez(folder / "gestures.npz", features=np.arange(36).reshape(18, 2), labels=labels)
    stem = folder / "emnist-letters-train"
    for kind, array in (("images-idx3", np.zeros((18, 2, 2))), ("labels-idx1", labels)):
        content = gzip.compress(idx_bytes(array.astype(np.uint8)))
        Path(f"{stem}-{kind}-ubyte.gz").write_bytes(content)
    for name in CLASSES:
        for person in ("ann", "bob"):
            where = folder / "words" / name / person
            where.mkdir(parents=True)
            tone: NDArray[Any] = np.arange(2000, dtype=np.int16)
            wavfile.write(where / "1.wav", 8000, tone)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 12


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_example_works(
    example: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    idx_bytes: Callable[[NDArray[np.uint8]], bytes],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_all(tmp_path, idx_bytes)
    if "parquet" in example:
        arrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        columns = {"a": list(range(18)), "activity": list(CLASSES) * 9}
        parquet.write_table(arrow.table(columns), "sensors.parquet")
    dataset = eval(example, {"load": load})  # noqa: S307 -- our own page
    assert dataset.classes == 2
    assert len(dataset.train) >= 2
