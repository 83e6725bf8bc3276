"""Metrics grow by appending, and a run that goes on takes nothing in them on trust."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tifed import Experiment, resume, run
from tifed.errors import RunError, UsageError
from tifed.experiment import RunFolder, Setup
from tifed.experiment.growing_table import append_rows
from tifed.federation import DeviceScore, FeatureSums, Fleet, Plan, Update
from tifed.rule.network import Parameters

EXPERIMENT = Experiment(rounds=5)
REASON = 'the line is "gone",\nsaid the board'


@dataclass
class Flaky:
    """Device 2 is away in the rounds of ``away``; the fleet does not repeat itself."""

    fleet: Fleet
    away: Sequence[int]

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterable[FeatureSums]:
        return self.fleet.calibrate(devices, samples)

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        jobs = plan.jobs
        if plan.round in self.away:
            jobs = jobs.for_devices(jobs.device[jobs.device != 2])
            yield Update(absent={2: REASON})
        yield from self.fleet.fit(replace(plan, jobs=jobs), parameters)

    def evaluate(self, parameters: Parameters) -> Iterable[DeviceScore]:
        return self.fleet.evaluate(parameters)

    def close(self) -> None:
        self.fleet.close()


def flaky(setup: Setup) -> Flaky:
    return Flaky(setup.fleet, (1, 2, 4))


class StopHere(Exception):
    """Ends a run as a kill would."""


def stopped_after(rounds: int, folder: Path) -> Path:
    def watch(progress: object) -> None:
        if progress.record.round + 1 == rounds:  # type: ignore[attr-defined]
            raise StopHere

    with pytest.raises(StopHere):
        run(EXPERIMENT, out=folder, watch=watch, fleet=flaky)
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    """Digest, metrics and health of the run that nothing disturbs."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    digest = run(EXPERIMENT, out=folder, fleet=flaky).digest
    health = (folder / "health.csv").read_text()
    assert health.splitlines() == [
        "round,device,event,reason",
        '2,2,lost,"the line is ""gone"", said the board"',
        "4,2,back,",
        '5,2,lost,"the line is ""gone"", said the board"',
    ]
    return digest, (folder / "metrics.csv").read_text(), health


def goes_on(folder: Path, whole: tuple[str, str, str]) -> list[str]:
    """Resume, hold the outcome to that of an undisturbed run, give the warnings."""
    heard: list[str] = []
    result = resume(folder, warn=heard.append, fleet=flaky)
    metrics, health = folder / "metrics.csv", folder / "health.csv"
    assert (result.digest, metrics.read_text(), health.read_text()) == whole
    return heard


def test_every_byte_that_a_kill_may_leave_behind_a_checkpoint(
    tmp_path: Path, whole: tuple[str, str, str]
) -> None:
    """Of the row of round 4, or of its health row, any part may be there."""
    folder = stopped_after(3, tmp_path / "run")
    files = {name: (folder / name).read_bytes() for name in ("metrics.csv", "health.csv")}
    full = dict(zip(files, (text.encode() for text in whole[1:]), strict=True))
    checkpoints = {path: path.read_bytes() for path in (folder / "checkpoints").iterdir()}
    rest = full["metrics.csv"][len(files["metrics.csv"]) :]
    for length in (0, 1, 2, len(rest) // 3, rest.index(b"\n"), rest.index(b"\n") + 1, len(rest)):
        for path in (folder / "checkpoints").iterdir():
            path.unlink()
        for path, content in checkpoints.items():
            path.write_bytes(content)
        (folder / "metrics.csv").write_bytes(files["metrics.csv"] + rest[:length])
        tail = full["health.csv"][len(files["health.csv"]) :][:length]
        (folder / "health.csv").write_bytes(files["health.csv"] + tail)
        assert goes_on(folder, whole) == []


def test_rows_of_a_run_without_a_checkpoint_are_not_kept(
    tmp_path: Path, whole: tuple[str, str, str]
) -> None:
    folder = stopped_after(3, tmp_path / "run")
    for path in (folder / "checkpoints").iterdir():
        path.unlink()
    assert goes_on(folder, whole) == []


DAMAGES: list[tuple[str, Callable[[list[str]], list[str]], str]] = [
    ("missing", lambda rows: [*rows[:3], *rows[4:]], "line 4: is of round '4' where that of 3"),
    ("twice", lambda rows: [*rows[:4], rows[3], *rows[4:]], "line 5: is of round '3'"),
    ("swapped", lambda rows: [*rows[:3], rows[4], rows[3]], "line 4: is of round '4'"),
    ("torn", lambda rows: [*rows[:3], rows[3][:9], rows[4]], "line 4: .* fields for 12 columns"),
    ("text", lambda rows: [*rows[:4], rows[4].replace("8,", "x,")], "line 5: .*is not a number"),
    ("zeros", lambda rows: [*rows[:4], "\0" * 40], "line 5: "),
    ("too short", lambda rows: rows[:4], "ends too early"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"), [d[1:] for d in DAMAGES], ids=[d[0] for d in DAMAGES]
)
def test_damaged_rows_cost_no_more_than_the_rounds_since_the_checkpoint_before(
    tmp_path: Path,
    whole: tuple[str, str, str],
    change: Callable[[list[str]], list[str]],
    message: str,
) -> None:
    folder = stopped_after(4, tmp_path / "run")
    path = folder / "metrics.csv"
    rows = path.read_text().splitlines()
    assert len(rows) == 5
    path.write_text("".join(f"{row}\n" for row in change(rows)))
    heard = goes_on(folder, whole)
    assert heard
    assert all("trying the checkpoint before it" in sentence for sentence in heard)
    assert re.search(message, heard[0])


@pytest.mark.parametrize(
    "content", [None, b"", b"round,accuracy\n", b"\xff\xfe\n1,2\n", b"a,a\n1,2\n"]
)
def test_without_rows_for_any_checkpoint_it_is_refused(
    tmp_path: Path, content: bytes | None
) -> None:
    folder = stopped_after(4, tmp_path / "run")
    if content is None:
        (folder / "metrics.csv").unlink()
    else:
        (folder / "metrics.csv").write_bytes(content)
    with pytest.raises(RunError, match=r"no sound checkpoint that metrics\.csv has all rows for"):
        resume(folder, fleet=flaky)


def test_a_damaged_health_file_is_said_and_cut(tmp_path: Path) -> None:
    folder = stopped_after(4, tmp_path / "run")
    path = folder / "health.csv"
    path.write_text(path.read_text().replace("back", "bakc"))
    heard: list[str] = []
    resume(folder, warn=heard.append, fleet=flaky)
    assert len(heard) == 1
    assert "health.csv: line 3: event: 'bakc' is not one of lost, back" in heard[0]
    # It is still the loss of round 2 that is known last, so that of round 5 is no news.
    assert [row["round"] for row in RunFolder(folder).read_health(5)] == ["2"]


def test_appending_does_not_touch_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    append_rows(path, [{"round": 1, "a": "x"}])
    number = path.stat().st_ino
    with path.open("r+b") as file:
        file.seek(8)
        file.write(b"7")  # nobody rewrites this
    append_rows(path, [{"round": 2, "a": "y"}, {"round": 3, "a": "z,"}])
    assert path.stat().st_ino == number
    assert path.read_text() == 'round,a\n7,x\n2,y\n3,"z,"\n'
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))  # as editors on Windows save it
    append_rows(path, [{"round": 4, "a": "y"}])
    assert path.read_bytes().endswith(b'3,"z,"\r\n4,y\n')
    with pytest.raises(
        UsageError, match="has the columns round,a, but this release writes round,b"
    ):
        append_rows(path, [{"round": 5, "b": "y"}])


def test_a_watcher_reads_whole_rows_only(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.metrics.write_bytes(b"round,accuracy,asked\n1,0.5,8\n2,,8\n3,0.6")
    assert [row["round"] for row in folder.read_metrics(9)] == ["1", "2"]
    assert folder.read_metrics(1) == [{"round": "1", "accuracy": "0.5", "asked": "8"}]
    folder.metrics.write_bytes(b"round,accuracy,asked\n1,0.5,8\n2,,eight\n3,0.6,8\n")
    with pytest.raises(UsageError, match=r"metrics\.csv: line 3: asked: 'eight' is not a number"):
        folder.read_metrics(9)
