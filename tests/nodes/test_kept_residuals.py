"""A node keeps residuals of its devices: repeats, killed nodes and servers, files, wrong orders."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.nodes.direct import Residents

import tifed
from tifed.errors import UsageError
from tifed.experiment import Experiment, build, to_toml
from tifed.experiment.identity import identity
from tifed.federation import (
    Plan,
    RoundRecord,
    ServerState,
    Update,
    begin,
    federate,
    published,
)
from tifed.fleets.passing import PassingFleet
from tifed.nodes.context import samples_digest
from tifed.nodes.kept_residuals import MOST_KEPT, KeptResiduals
from tifed.nodes.messages.content import Content, fit_message, job_runs, refusal
from tifed.nodes.messages.own_check import OwnSamples
from tifed.nodes.serving.fleet import NodeFleet
from tifed.nodes.serving.settings import Settings
from tifed.rule.network import Parameters

KEEPING: dict[str, Any] = {
    "devices": 4, "rounds": 4, "layers": (64, 6, 10), "evaluate_every": 4,
    "compression": {"upload": "ternary", "coder": True, "residual": True},
}  # fmt: skip
LEFT = {0: np.ones((2, 3), np.int8)}


@dataclass
class Nodes(Residents):
    """Two resident nodes.

    Attributes:
        deaf: nodes whose answer to an exchange does not come, by the exchange.
        asks: told of every exchange before a node is asked.
        jobs: what was asked of each node in turn.
    """

    deaf: dict[int, int] = field(default_factory=dict)
    asks: Callable[[int, int], None] = lambda node, exchange: None
    jobs: list[list[list[int]]] = field(default_factory=list)

    def answered(self, node: int, content: Content) -> Content:
        if content.kind != "fit":
            return super().answered(node, content)
        exchange = content.integer("exchange")
        self.asks(node, exchange)
        self.jobs.append(content.arrays["jobs"].tolist())
        said = super().answered(node, content)
        return refusal("", "lost") if self.deaf.get(exchange) == node else said


@dataclass
class Run:
    """An experiment over such nodes."""

    experiment: Experiment
    configurations: list[dict[str, Any]] = field(default_factory=lambda: [{}, {}])

    def __post_init__(self) -> None:
        self.settings = Settings(to_toml(self.experiment), attempts=1, grace=0.0)
        self.setup = build(self.experiment)
        self.nodes = Nodes(self.settings, self.configurations)

    @property
    def fleet(self) -> NodeFleet:
        own = OwnSamples.of(self.setup.inputs) if self.experiment.own_data else None
        return NodeFleet(
            self.nodes, self.setup.federation, identity(self.experiment),
            samples_digest(self.experiment, self.setup), self.settings, own=own,
        )  # fmt: skip

    def rounds(
        self, state: ServerState | None = None, fleet: Any = None
    ) -> Iterator[tuple[ServerState, RoundRecord]]:
        """From the first or from ``state`` on, over the nodes or over another fleet."""
        return federate(self.setup.federation, fleet or self.fleet, state or self.start)

    def states(self, state: ServerState | None = None, fleet: Any = None) -> list[ServerState]:
        return [after for after, _ in self.rounds(state, fleet)]

    @property
    def start(self) -> ServerState:
        """Before the first round; how nodes calibrate is no matter of this file."""
        return begin(self.setup.federation, self.setup.fleet, self.setup.start)[0]

    def ask(self, part: Plan, state: ServerState) -> Content:
        """What the first node says to its ``part`` of an exchange."""
        request = fit_message(identity(self.experiment), part, state.parameters)
        request.arrays["jobs"] = job_runs(part.jobs, part.residuals)
        return self.nodes.nodes[0].answer(self.nodes.request(request))

    def kept(self, node: int) -> KeptResiduals:
        """What a node has of the residuals of its devices."""
        (found,) = self.nodes.nodes[node - 1].kept.residuals.values()
        return found

    def digest(self, states: Sequence[ServerState]) -> str:
        return published(self.setup.federation.server, states[-1]).digest


@dataclass
class Failing(PassingFleet):
    """A simulation in which devices are absent, by exchange."""

    fleet: Any
    absent: dict[int, Iterable[int]]

    def fit(self, plan: Plan, parameters: Parameters) -> Any:
        there = ~np.isin(plan.jobs.device, list(self.absent.get(plan.exchange, ())))
        return self.fleet.fit(replace(plan, jobs=plan.jobs.at(there)), parameters)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"average_every": "epoch", "local_epochs": 2, "mode": "single-layer"},
        {"devices_per_round": 3, "rounds": 6, "compression": KEEPING["compression"]
         | {"upload": ("4-bit", "ternary"), "download": "ternary"}},
        {"own_data": True},
    ],
)  # fmt: skip
def test_the_digest_is_the_simulators(more: dict[str, Any]) -> None:
    run = Run(Experiment(**KEEPING | more), [{"accepts": "any"}] * 2)
    states, records = zip(*run.rounds(), strict=True)
    _, here = zip(*run.rounds(fleet=run.setup.fleet), strict=True)
    assert run.digest(states) == tifed.run(run.experiment).digest
    assert [record.costs for record in records] == [record.costs for record in here]
    assert states[-1].residuals is not None
    assert (states[-1].residuals.after >= 0).all()


def test_jobs_grow_no_longer_than_devices_differ() -> None:
    run = Run(Experiment(**KEEPING | {"devices": 6}))
    run.nodes.deaf = {1: 2}
    states = run.states()
    devices = [[[*row[:2], row[-1]] for row in asked] for asked in run.nodes.jobs]
    assert devices[:2] == [[[0, 3, -1]], [[3, 3, -1]]]
    assert devices[4:] == [[[0, 3, 1]], [[3, 3, -1]], [[0, 3, 2]], [[3, 3, 2]]]
    assert states[1].residuals is not None
    (plan,) = run.setup.federation.plans(states[1])
    assert job_runs(plan.jobs, states[1].residuals)[:, [0, 1, -1]].tolist() == [
        [0, 3, 1], [3, 3, -1],
    ]  # fmt: skip


def test_a_node_that_has_lost_what_it_kept_says_so_and_costs_its_devices_one_exchange() -> None:
    run = Run(Experiment(**KEEPING))

    def kill(node: int, exchange: int) -> None:
        if (node, exchange) == (2, 2):
            run.nodes.nodes[1] = run.nodes.started(1)

    run.nodes.asks = kill
    states, records = zip(*run.rounds(), strict=True)
    reason = "what it had left after exchange 1 is not here"
    assert [record.absent for record in records] == [{}, {}, dict.fromkeys((2, 3), reason), {}]
    assert states[-1].residuals is not None
    assert states[-1].residuals.after.tolist() == [3] * 4
    alone = run.states(fleet=Failing(run.setup.fleet, {2: (2, 3)}))
    assert run.digest(states) == run.digest(alone)


def test_a_node_with_a_ledger_has_it_when_it_is_started_again(tmp_path: Path) -> None:
    run = Run(Experiment(**KEEPING), [{"ledger": str(tmp_path / name)} for name in "ab"])

    def kill(node: int, exchange: int) -> None:
        if exchange == 2:
            run.nodes.nodes[node - 1] = run.nodes.started(node - 1)

    run.nodes.asks = kill
    assert run.digest(run.states()) == tifed.run(run.experiment).digest
    assert len(list((tmp_path / "a").glob("residuals-*"))) == 1


def test_a_node_whose_answer_is_lost_begins_anew() -> None:
    run = Run(Experiment(**KEEPING))
    run.nodes.deaf = {1: 1}
    alone = run.states(fleet=Failing(run.setup.fleet, {1: (0, 1)}))
    assert run.digest(run.states()) == run.digest(alone)


def test_whoever_asks_again_gets_the_same_answer() -> None:
    run = Run(Experiment(**KEEPING))
    rounds = run.rounds()
    next(rounds)
    state, _ = next(rounds)
    (plan,) = run.setup.federation.plans(state)
    part = replace(plan, jobs=plan.jobs.for_devices(np.arange(2)), residuals=state.residuals)
    one, other = (run.ask(part, state) for _ in range(2))
    assert dict(one.values) == dict(other.values)
    assert np.array_equal(one.arrays["sums"], other.arrays["sums"])
    assert state.residuals is not None
    cleared = replace(part, residuals=replace(state.residuals, after=np.full(4, -1)))
    assert not np.array_equal(one.arrays["sums"], run.ask(cleared, state).arrays["sums"])


@pytest.mark.parametrize("every", [1, 2])
def test_a_server_goes_on_from_its_last_checkpoint(every: int) -> None:
    """Nodes were asked for up to five more exchanges since."""
    more: dict[str, Any] = {
        "rounds": 5, "average_every": "epoch", "local_epochs": 3, "checkpoint_every": every,
    }  # fmt: skip
    run = Run(Experiment(**KEEPING | more))

    def killed(node: int, exchange: int) -> None:
        if (node, exchange) == (2, 11):
            raise InterruptedError

    run.nodes.asks = killed
    states, rounds = [run.start], run.rounds()
    with pytest.raises(InterruptedError):
        states.extend(after for after, _ in rounds)
    assert len(states) == 4
    run.nodes.asks = lambda node, exchange: None
    resumed = run.states(states[4 - every])
    assert run.digest(resumed) == tifed.run(run.experiment).digest


def test_no_more_is_kept_than_can_be_asked_for() -> None:
    run = Run(Experiment(**KEEPING, average_every="epoch", local_epochs=5))
    run.states()
    assert [sorted(run.kept(1).of[device]) for device in (0, 1)] == [[14, 18, 19]] * 2


@pytest.mark.parametrize("after", [-2, 1, 2])
def test_an_exchange_that_was_not_yet_is_no_order(after: int) -> None:
    run = Run(Experiment(**KEEPING))
    first, _ = next(run.rounds())
    (plan,) = run.setup.federation.plans(first)
    assert first.residuals is not None
    wrong = replace(first.residuals, after=np.full(4, after))
    part = replace(plan, jobs=plan.jobs.for_devices(np.arange(2)), residuals=wrong)
    assert run.ask(part, first).values["refused"] == (
        f"device 0 is to have what it had left after exchange {after}, which is not in -1..0"
    )
    without = run.ask(replace(part, residuals=None), first)
    assert without.values["refused"] == "jobs has the shape (1, 7), not (None, 8)"


@pytest.fixture
def plan() -> Plan:
    """Of the second exchange."""
    run = Run(Experiment(**KEEPING))
    state, _ = next(run.rounds())
    (plan,) = run.setup.federation.plans(state)
    return replace(plan, residuals=state.residuals)


def test_a_file_outlives_the_node(tmp_path: Path, plan: Plan) -> None:
    kept = KeptResiduals.kept_in(tmp_path, "it")
    assert kept.of == {}
    kept.keep(plan, Update(residuals={1: LEFT}), 1)
    again = KeptResiduals.kept_in(tmp_path, "it")
    assert list(again.of[1]) == [plan.exchange]
    assert np.array_equal(again.of[1][plan.exchange][0], LEFT[0])
    assert KeptResiduals.kept_in(tmp_path, "other data").of == {}
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(UsageError, match=f"^{file}: cannot be read"):
        KeptResiduals.kept_in(tmp_path, "it")


def test_a_folder_has_files_of_the_last_few_experiments(tmp_path: Path, plan: Plan) -> None:
    for number in range(MOST_KEPT + 3):
        residuals = KeptResiduals.kept_in(tmp_path, f"experiment {number}")
        residuals.keep(plan, Update(residuals={1: LEFT}), 0)
    assert len(list(tmp_path.iterdir())) == MOST_KEPT
    assert KeptResiduals.kept_in(tmp_path, f"experiment {MOST_KEPT + 2}").of.keys() == {1}
