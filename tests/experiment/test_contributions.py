"""The table of what each update did: in the run's folder, after a kill, and in words."""

from pathlib import Path

import pytest

from tifed import Experiment, resume, run
from tifed.errors import UsageError
from tifed.experiment.contributions import COLUMNS, sentences
from tifed.experiment.folder import RunFolder
from tifed.experiment.report import write_report

EXPERIMENT = Experiment(
    rounds=5, devices=3, checkpoint_every=2, robust={"clip": 1, "aggregate": "median"}
)


def stopped_after(rounds: int, folder: Path) -> Path:
    class StopHere(Exception):
        pass

    def watch(progress: object) -> None:
        if progress.record.round + 1 == rounds:  # type: ignore[attr-defined]
            raise StopHere

    with pytest.raises(StopHere):
        run(EXPERIMENT, out=folder, watch=watch)
    return folder


def test_a_run_that_goes_on_ends_with_the_same_file(tmp_path: Path) -> None:
    run(EXPERIMENT, out=tmp_path / "whole")
    whole = (tmp_path / "whole/contributions.csv").read_text()
    lines = whole.splitlines()
    assert lines[0].split(",") == list(COLUMNS)
    assert [line.split(",")[:4] for line in lines[1:]] == [
        [str(number), str(number), str(device), "1"]
        for number in range(1, 6)
        for device in range(3)
    ]
    folder = stopped_after(3, tmp_path / "run")
    path = folder / "contributions.csv"
    kept = path.read_text()
    assert kept == "".join(f"{line}\n" for line in lines[:7])
    path.write_text(whole[: len(kept) + 20])  # as a kill within the next rows would leave it
    resume(folder)
    assert path.read_text() == whole
    write_report(folder)
    page = (folder / "report.html").read_text()
    assert "the updates that were least like the others came from device" in page
    path.write_text(whole.replace("\n1,1,0,", "\n1,1,x,"))
    with pytest.raises(UsageError, match=r"contributions.csv: line 2: device: 'x' is not a whole"):
        RunFolder(folder).read()


def test_without_robust_there_is_no_file(tmp_path: Path) -> None:
    run(Experiment(rounds=1), out=tmp_path / "run")
    assert not (tmp_path / "run/contributions.csv").exists()


def test_who_was_least_like_the_others_is_named() -> None:
    def row(device: int, devices: int, norm: str, told: str, cosine: str) -> dict[str, str]:
        values = ("1", "1", str(device), str(devices), norm, told, cosine, "", "")
        return dict(zip(COLUMNS, values, strict=True))

    rows = [
        row(0, 1, "90", "", "900"), row(1, 1, "70", "1500", "-950"), row(1, 1, "1", "", "-990"),
        row(2, 4, "100", "", "1000"), row(2, 4, "0", "", ""),
    ]  # fmt: skip
    assert list(sentences(rows)) == [
        "the updates that were least like the others came from device 1: their cosine with what "
        "was made of all updates was -0.97 on average",
        "the longest update came from device 1: its norm was 1,500",
    ]
    assert list(sentences(rows[3:])) == []
