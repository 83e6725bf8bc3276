"""With noise over Flower: whoever is asked again gives the same sum, and the server counts twice.

Each message is answered as by a program of its own, as Flower's node starts one: all that it has is
what Flower's node keeps for it. The noise has no seed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flwr", reason="needs Flower: pip install 'tifed[flower]'")
pytest.importorskip("dp_accounting", reason="needs pip install 'tifed[privacy]'")

from flwr.app import Context, RecordDict

from tifed.experiment import Experiment, RunFolder, to_toml
from tifed.experiment.identity import identity
from tifed.nodes.flower.client import reply
from tifed.nodes.flower.format import pack, unpack
from tifed.nodes.flower.server import serve
from tifed.nodes.messages.content import Content, message
from tifed.nodes.serving.settings import Settings

EXPERIMENT = Experiment(
    devices=4, rounds=3, layers=(64, 4, 10),
    privacy={"noise_multiplier": 1, "clip": 1000, "centre": -64},
)  # fmt: skip
NAME = identity(EXPERIMENT)
LOST = (1, 0)
"""Round, from 0, and node whose first answer is lost on the way."""


@dataclass
class Nodes:
    """Flower's way to two nodes; one answer is lost on the way, and perhaps the node restarts."""

    out: Path
    restarts: bool = False
    contexts: list[Context] = field(default_factory=list)
    fits: dict[tuple[int, int], list[Content]] = field(default_factory=dict)
    written: dict[tuple[int, int], list[bool]] = field(default_factory=dict)
    _replies: dict[str, Any] = field(default_factory=dict)
    _count: int = 0

    def __post_init__(self) -> None:
        self.contexts = [self.started(node) for node in range(2)]

    @staticmethod
    def started(node: int) -> Context:
        place: dict[str, Any] = {"partition-id": node, "num-partitions": 2}
        return Context(1, node + 1, place, RecordDict(), {})

    @property
    def settings(self) -> Settings:
        return Settings(to_toml(EXPERIMENT), out=str(self.out), attempts=3, grace=0.0)

    def get_node_ids(self) -> list[int]:
        return [1, 2]

    def push_messages(self, messages: Iterable[Any]) -> list[str]:
        names = []
        for one in messages:
            self._count += 1
            names.append(name := f"m{self._count}")
            node = one.node - 1
            head: Any = one.content["tifed"]
            place = (head["round"], node) if head["kind"] == "fit" else None
            if place is not None:
                again = RunFolder(self.out).asked_again
                self.written.setdefault(place, []).append(again.is_file())
            content = reply(one.content, self.contexts[node], self.settings)
            if place is not None:
                fits = self.fits.setdefault(place, [])
                fits.append(unpack(content, "fit", NAME))
                if place == LOST and len(fits) == 1:
                    content = pack(message("refusal", NAME, {}, refused="it was cut off"))
                    if self.restarts:
                        self.contexts[node] = self.started(node)
            metadata = SimpleNamespace(reply_to_message_id=name)
            self._replies[name] = SimpleNamespace(
                metadata=metadata, content=content, has_error=lambda: False
            )
        return names

    def pull_messages(self, names: Iterable[str]) -> Iterator[Any]:
        for name in list(names):
            if name in self._replies:
                yield self._replies.pop(name)


@pytest.fixture(autouse=True)
def _flower_without_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    # Flower's own messages can be made within one of its server's processes alone.
    monkeypatch.setattr(
        "tifed.nodes.flower.grid.Message",
        lambda content, node, *_, **__: SimpleNamespace(content=content, node=node),
    )


@pytest.mark.parametrize("restarts", [False, True])
def test_an_answer_that_is_lost_counts_again_and_is_the_same_one(
    tmp_path: Path, restarts: bool
) -> None:
    grid: Any = Nodes(tmp_path / "run", restarts)
    result = serve(grid, grid.settings, log=print)
    first, second = (fit.arrays["sums"] for fit in grid.fits[LOST])
    # A node that was started anew has forgotten, and the noise is another one.
    assert np.array_equal(first, second) == (not restarts)
    assert {place: len(fits) for place, fits in grid.fits.items() if place != LOST} == {
        (number, node): 1 for number in range(3) for node in range(2) if (number, node) != LOST
    }
    # The server cannot know which, so it counts the exchange again, before it asks again.
    assert grid.written[LOST] == [False, True]
    folder = RunFolder(tmp_path / "run")
    assert folder.asked_again.read_text() == "round,first,devices\n2,0,2\n"
    assert result.privacy is not None
    assert result.privacy.exchanges == 4
    # Whoever goes on with the run knows it, too.
    folder.result.unlink()
    assert serve(grid, grid.settings, log=print).privacy == result.privacy


def asked(context: Context, request: Content, settings: Settings) -> Content:
    return unpack(reply(pack(request), context, settings), None, NAME)


def test_another_message_about_an_exchange_that_was_answered_is_refused(tmp_path: Path) -> None:
    """Other parameters would tell more of the devices, though the noise of each sum is whole."""
    grid: Any = Nodes(tmp_path / "run")
    requests: list[Content] = []
    usual = grid.push_messages

    def push_messages(messages: list[Any]) -> Any:
        for one in messages:
            content = unpack(one.content, None, NAME)
            if content.kind == "fit" and one.node == 1:
                requests.append(content)
        return usual(messages)

    grid.push_messages = push_messages
    serve(grid, grid.settings, log=print)
    *_, last = requests
    same = asked(grid.contexts[0], last, grid.settings)
    assert np.array_equal(same.arrays["sums"], grid.fits[2, 0][0].arrays["sums"])
    weight = last.arrays["layer.0.weight"].copy()
    weight[0, 0] = 0 if weight[0, 0] else 1
    fewer = last.arrays["jobs"].copy()
    fewer[0, 1] = 1
    for changed in ({"layer.0.weight": weight}, {"jobs": fewer}):
        other = Content("fit", last.values, last.arrays | changed)
        with pytest.raises(Exception, match="has answered another message about exchange 2, and"):
            asked(grid.contexts[0], other, grid.settings)
