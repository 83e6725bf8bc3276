"""Which run in a folder a server goes on with."""

from pathlib import Path
from typing import Any

import pytest

import tifed
from tifed.errors import UsageError
from tifed.experiment import Experiment, RunFolder, build, to_toml
from tifed.nodes.serving.run import serve
from tifed.nodes.serving.settings import Settings

NOBODY: Any = None  # nobody is asked here


class StopHere(Exception):
    """Ends a run in the middle."""


@pytest.fixture
def without_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The devices' work is done by this process."""
    monkeypatch.setattr(
        "tifed.nodes.serving.run.NodeFleet", lambda *_: build(Experiment(rounds=4)).fleet
    )


@pytest.mark.usefixtures("without_nodes")
def test_a_server_goes_on_with_what_was_begun(tmp_path: Path) -> None:
    rounds: list[int] = []

    def watch(progress: tifed.experiment.Progress) -> None:
        rounds.append(progress.record.round)
        if rounds == [0, 1]:
            raise StopHere

    with pytest.raises(StopHere):
        serve(NOBODY, settings(tmp_path), "nodes.log", print, watch=watch)
    # Who computes and how often is looked changes nothing that would be lost.
    done = serve(NOBODY, settings(tmp_path, evaluate_every=2), "nodes.log", print, watch=watch)
    assert rounds == [0, 1, 2, 3]
    assert done.digest == tifed.run(Experiment(rounds=4)).digest
    accuracies = [row["accuracy"] for row in RunFolder(tmp_path).read_metrics(4)]
    assert [text != "" for text in accuracies] == [True, True, False, True]


@pytest.mark.parametrize("other", [{"seed": 2}, {"dataset": "mnist"}])
def test_a_server_refuses_a_folder_of_other_work(tmp_path: Path, other: dict[str, Any]) -> None:
    """Before the first checkpoint too, which would be the first to know the data's digest."""
    RunFolder(tmp_path).create(to_toml(Experiment(rounds=4)))
    with pytest.raises(UsageError, match="holds a run of another experiment"):
        serve(NOBODY, settings(tmp_path, **other), "nodes.log", print)


def settings(out: Path, **changed: Any) -> Settings:
    return Settings(to_toml(Experiment(rounds=4, **changed)), out=str(out))
