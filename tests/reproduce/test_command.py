"""``tifed reproduce`` as typed."""

import gzip
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from tifed.cli.reproduce import reproduce
from tifed.datasets.mnist import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS
from tifed.errors import UsageError
from tifed.fleets.published import LABEL

app = typer.Typer()
app.command()(reproduce)
runner = CliRunner()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with 400 + 40 invented pictures in the format of Fashion-MNIST."""
    generator = np.random.default_rng(3)
    folder = tmp_path / "data" / "fashion-mnist"
    folder.mkdir(parents=True)
    for images, labels, count in (
        (TRAIN_IMAGES, TRAIN_LABELS, 400),
        (TEST_IMAGES, TEST_LABELS, 40),
    ):
        classes = (np.arange(count) % 10).astype(np.uint8)
        pixels = generator.integers(0, 90, (count, 28, 28)).astype(np.uint8)
        pixels[np.arange(count), classes] += 150
        for name, array in ((images, pixels), (labels, classes)):
            header = struct.pack(f">{1 + array.ndim}I", 0x0800 | array.ndim, *array.shape)
            (folder / f"{name}.gz").write_bytes(gzip.compress(header + array.tobytes()))
    return folder.parent


def test_the_list_names_every_experiment() -> None:
    text = runner.invoke(app, ["list"]).output
    for name in ("mnist", "fashion-mnist", "workers"):
        assert f" {name} " in text
    listed = json.loads(runner.invoke(app, ["list", "--json"]).output)
    assert [one["name"] for one in listed] == ["mnist", "fashion-mnist", "workers"]
    assert listed[0]["settings"][0] == "paper full-network 1/2048"


def test_an_unknown_name_says_which_there_are() -> None:
    outcome = runner.invoke(app, ["cifar"])
    assert isinstance(outcome.exception, UsageError)
    assert "mnist, fashion-mnist, workers" in str(outcome.exception)


def test_an_unknown_schedule_is_refused() -> None:
    outcome = runner.invoke(app, ["mnist", "--schedule", "secret"])
    assert isinstance(outcome.exception, UsageError)
    assert "schedule: 'secret' is not one of federated, published" in str(outcome.exception)


def test_a_reproduction_prints_its_table_and_leaves_its_folder(
    pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = [
        "workers", "--runs", "1", "--settings", "full-network 4 devices", "--data-dir",
        str(pictures), "--out", str(out),
    ]  # fmt: skip
    outcome = runner.invoke(app, [*arguments, "--json"])
    assert outcome.exit_code == 0, outcome.output
    table = json.loads(outcome.stdout)
    assert [row["setting"] for row in table["rows"]] == [
        "paper full-network 4 devices",
        "tuned full-network 4 devices",
        "float-fedavg full-network 4 devices",
    ]
    assert table["rows"][0]["published_plotted"] == 0.683
    assert table["command"] == (
        "tifed reproduce workers --runs 1 --schedule federated --settings 'full-network 4 devices'"
    )
    assert sorted(path.name for path in out.iterdir()) == [
        "finished", "report.html", "results.csv", "table.json",
    ]  # fmt: skip
    assert "NOT like for like" in (out / "report.html").read_text()
    again = runner.invoke(app, arguments)
    assert "3 kept from before" in again.stderr
    assert f"{table['rows'][0]['final_round']['mean']:.4f}" in again.stdout


def test_the_published_schedule_is_named_on_the_terminal(pictures: Path, tmp_path: Path) -> None:
    outcome = runner.invoke(
        app,
        ["workers", "--runs", "1", "--settings", "paper full-network 4 devices", "--schedule",
         "published", "--data-dir", str(pictures), "--out", str(tmp_path / "out")],
    )  # fmt: skip
    assert outcome.exit_code == 0, outcome.output
    assert LABEL in " ".join(outcome.stdout.split())
