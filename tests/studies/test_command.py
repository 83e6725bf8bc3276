"""``tifed reproduce`` as typed."""

import gzip
import html
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from tifed.cli.reproduce import reproduce
from tifed.data.builtin.cifar10 import BINARY
from tifed.data.builtin.mnist import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS
from tifed.errors import UsageError
from tifed.fleets.published_schedule import LABEL
from tifed.studies import names

app = typer.Typer()
app.command()(reproduce)
runner = CliRunner()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIFED_CACHE", str(tmp_path / "cache"))


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
    for name in names():
        assert f" {name} " in text
    listed = json.loads(runner.invoke(app, ["list", "--json"]).output)
    assert [one["name"] for one in listed] == list(names())
    assert listed[0]["settings"][0] == "paper full-network 1/2048"


def test_an_unknown_name_says_which_there_are() -> None:
    outcome = runner.invoke(app, ["cifar"])
    assert isinstance(outcome.exception, UsageError)
    assert "mnist, fashion-mnist, fashion-mnist-features" in str(outcome.exception)


def test_an_unknown_schedule_is_refused() -> None:
    outcome = runner.invoke(app, ["mnist", "--schedule", "secret"])
    assert isinstance(outcome.exception, UsageError)
    assert "schedule: 'secret' is not one of federated, published" in str(outcome.exception)


@pytest.mark.slow(4)
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
        "float-fedavg with-tricks full-network 4 devices",
    ]
    assert table["rows"][0]["published_plotted"] == 0.683
    assert table["command"] == (
        "tifed reproduce workers --runs 1 --schedule federated --settings 'full-network 4 devices'"
    )
    assert sorted(path.name for path in out.iterdir()) == [
        "finished", "report.html", "results.csv", "table.json",
    ]  # fmt: skip
    page = (out / "report.html").read_text()
    assert "has seen no test picture" in page
    assert len(table["findings"]) == 2
    assert table["findings"][0].startswith("tuned full-network is at or above float-fedavg full-n")
    assert table["findings"][0] in html.unescape(page)
    again = runner.invoke(app, arguments)
    assert "4 kept from before" in again.stderr
    assert f"{table['rows'][0]['final_round']['mean']:.4f}" in again.stdout


def test_the_published_schedule_is_named_on_the_terminal(pictures: Path, tmp_path: Path) -> None:
    outcome = runner.invoke(
        app,
        ["workers", "--runs", "1", "--settings", "paper full-network 4 devices", "--schedule",
         "published", "--data-dir", str(pictures), "--out", str(tmp_path / "out")],
    )  # fmt: skip
    assert outcome.exit_code == 0, outcome.output
    assert LABEL in " ".join(outcome.stdout.split())


def test_what_is_missing_for_cifar_is_said_one_thing_after_the_other(tmp_path: Path) -> None:
    arguments = ["cifar10-features", "--runs", "1", "--data-dir", str(tmp_path)]
    folder = tmp_path / "cifar-10-batches-bin"
    (tmp_path / "cache").write_text("")  # so that nothing is fetched
    outcome = runner.invoke(app, arguments)
    assert isinstance(outcome.exception, UsageError)
    assert "data set cifar-10: not found" in str(outcome.exception)
    folder.mkdir()
    for number, name in enumerate(BINARY.files):
        records = np.zeros((20, 3073), np.uint8)
        records[:, 0] = (np.arange(20) + number) % 10
        (folder / name).write_bytes(records.tobytes())
    outcome = runner.invoke(app, arguments)
    assert isinstance(outcome.exception, UsageError)
    assert "'cifar-10-0-4' does not ship; make it with" in str(outcome.exception)
    assert "tifed extractor train --source cifar-10 --classes 0,1,2,3,4" in str(outcome.exception)
