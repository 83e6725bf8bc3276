"""With noise over nodes: whoever is asked again gives the same sum, and the server counts twice.

The noise has no seed.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("dp_accounting", reason="needs pip install 'tifed[privacy]'")

from tests.nodes.direct import Residents

from tifed.experiment import Experiment, RunFolder, to_toml
from tifed.experiment.identity import identity
from tifed.nodes.messages.content import Content, MessageError, refusal
from tifed.nodes.serving import exchange
from tifed.nodes.serving.settings import Settings

EXPERIMENT = Experiment(
    devices=4, rounds=3, layers=(64, 4, 10),
    privacy={"noise_multiplier": 1, "clip": 1000, "centre": -64},
)  # fmt: skip
NAME = identity(EXPERIMENT)
LOST = (1, 0)
"""Round, from 0, and node whose first answer is lost on the way."""


@dataclass
class Nodes(Residents):
    """Two nodes; one answer is lost on the way, and perhaps the node restarts."""

    restarts: bool = False
    fits: dict[tuple[int, int], list[Content]] = field(default_factory=dict)
    written: dict[tuple[int, int], list[bool]] = field(default_factory=dict)
    requests: list[Content] = field(default_factory=list)

    def answered(self, node: int, content: Content) -> Content:
        said = super().answered(node, content)
        if content.kind != "fit":
            return said
        place = (int(content.values["round"]), node - 1)
        again = RunFolder(Path(self.settings.out)).asked_again
        self.written.setdefault(place, []).append(again.is_file())
        if node == 1:
            self.requests.append(content)
        fits = self.fits.setdefault(place, [])
        fits.append(said)
        if place == LOST and len(fits) == 1:
            if self.restarts:
                self.nodes[node - 1] = self.started(node - 1)
            return refusal(NAME, "it was cut off")
        return said


def two_nodes(out: Path, restarts: bool = False) -> Nodes:
    settings = Settings(to_toml(EXPERIMENT), out=str(out), attempts=3, grace=0.0)
    return Nodes(settings, [{}, {}], restarts)


@pytest.fixture(autouse=True)
def _asked_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "PAUSE", 0.0)


@pytest.mark.parametrize("restarts", [False, True])
def test_an_answer_that_is_lost_counts_again_and_is_the_same_one(
    tmp_path: Path, restarts: bool
) -> None:
    nodes = two_nodes(tmp_path / "run", restarts)
    result = nodes.serve()
    first, second = (fit.arrays["sums"] for fit in nodes.fits[LOST])
    # A node that was started anew has forgotten, and the noise is another one.
    assert np.array_equal(first, second) == (not restarts)
    assert {place: len(fits) for place, fits in nodes.fits.items() if place != LOST} == {
        (number, node): 1 for number in range(3) for node in range(2) if (number, node) != LOST
    }
    # The server cannot know which, so it counts the exchange again, before it asks again.
    assert nodes.written[LOST] == [False, True]
    folder = RunFolder(tmp_path / "run")
    assert folder.asked_again.read_text() == "round,first,devices\n2,0,2\n"
    assert result.privacy is not None
    assert result.privacy.exchanges == 4
    # Whoever goes on with the run knows it, too.
    folder.result.unlink()
    assert nodes.serve().privacy == result.privacy


def test_another_message_about_an_exchange_that_was_answered_is_refused(tmp_path: Path) -> None:
    """Other parameters would tell more of the devices, though the noise of each sum is whole."""
    nodes = two_nodes(tmp_path / "run")
    nodes.serve()
    *_, last = nodes.requests
    said = nodes.fits[2, 0][0].arrays["sums"]
    assert np.array_equal(nodes.asked(1, last).arrays["sums"], said)
    weight = last.arrays["layer.0.weight"].copy()
    weight[0, 0] = 0 if weight[0, 0] else 1
    fewer = last.arrays["jobs"].copy()
    fewer[0, 1] = 1
    changes: list[dict[str, Any]] = [{"layer.0.weight": weight}, {"jobs": fewer}]
    for changed in changes:
        other = Content("fit", last.values, last.arrays | changed)
        with pytest.raises(
            MessageError, match="has answered another message about exchange 2, and"
        ):
            nodes.asked(1, other)
