"""A node keeps residuals of its devices: repeats, killed nodes and servers, files, wrong orders."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tifed
from tifed.errors import UsageError
from tifed.experiment import Experiment, Setup, build, to_toml
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
from tifed.federation.sum_numbers import SumNumbers
from tifed.fleets.passing import PassingFleet
from tifed.nodes.answer import answer
from tifed.nodes.context import DeviceSelection, simulated_context
from tifed.nodes.kept_residuals import MOST_KEPT, KeptResiduals
from tifed.nodes.messages.check import checked_update
from tifed.nodes.messages.content import Content, fit_message, job_runs
from tifed.nodes.terms import NodeTerms
from tifed.rule.network import Parameters

KEEPING: dict[str, Any] = {
    "devices": 4, "rounds": 4, "layers": (64, 6, 10), "evaluate_every": 4,
    "compression": {"upload": "ternary", "coder": True, "residual": True},
}  # fmt: skip
PARTS = 2
LEFT = {0: np.ones((2, 3), np.int8)}
Hook = Callable[[int, Plan], None]


@dataclass
class Nodes:
    """A fleet of two nodes, as a server sees them; what each keeps is bytes between messages.

    Attributes:
        experiment: of the run.
        kept: of each node.
        asks: told of every message before it is sent.
        deaf: nodes whose answer does not come, by exchange.
        said: of each exchange what was answered.
    """

    experiment: Experiment
    kept: list[bytes] = field(default_factory=lambda: [b""] * PARTS)
    asks: Hook = lambda node, plan: None
    deaf: dict[int, int] = field(default_factory=dict)
    said: list[tuple[int, Content]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.setup = build(self.experiment)

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        for node in range(PARTS):
            own = np.intersect1d(plan.jobs.device, np.arange(4).reshape(PARTS, -1)[node])
            if not len(own):
                continue
            self.asks(node, plan)
            part = replace(plan, jobs=plan.jobs.for_devices(own))
            said = self.asked(node, part, parameters)
            if self.deaf.get(plan.exchange) != node:
                numbers = SumNumbers(self.setup.federation, part, parameters)
                yield checked_update(said, numbers)

    def asked(self, node: int, part: Plan, parameters: Parameters) -> Content:
        request = fit_message(identity(self.experiment), part, parameters)
        request.arrays["jobs"] = job_runs(part.jobs, part.residuals)
        here = simulated_context(
            to_toml(self.experiment), DeviceSelection(partition=(node, PARTS)), None,
            NodeTerms.open(),
        )  # fmt: skip
        residuals = KeptResiduals.from_bytes(self.kept[node])
        said = answer(replace(here, residuals=residuals), request)
        self.kept[node] = residuals.to_bytes()
        self.said.append((part.exchange, said))
        return said


def went(setup: Setup, fleet: Any, state: ServerState | None = None) -> list[ServerState]:
    """The states of a run over ``fleet``, from the first or from ``state`` on."""
    return [after for after, _ in rounds(setup, fleet, state)]


def rounds(
    setup: Setup, fleet: Any, state: ServerState | None = None
) -> Iterator[tuple[ServerState, RoundRecord]]:
    """The same, and what happened in each."""
    return federate(setup.federation, fleet, state or started(setup))


def started(setup: Setup) -> ServerState:
    """Before the first round; how nodes calibrate is no matter of this file."""
    state, _ = begin(setup.federation, setup.fleet, setup.start)
    return state


@dataclass
class Failing(PassingFleet):
    """A simulation in which devices are absent, by exchange."""

    fleet: Any
    absent: dict[int, Iterable[int]]

    def fit(self, plan: Plan, parameters: Parameters) -> Any:
        there = ~np.isin(plan.jobs.device, list(self.absent.get(plan.exchange, ())))
        return self.fleet.fit(replace(plan, jobs=plan.jobs.at(there)), parameters)


def digest(setup: Setup, states: Sequence[ServerState]) -> str:
    return published(setup.federation.server, states[-1]).digest


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
    experiment = Experiment(**KEEPING | more)
    nodes = Nodes(experiment)
    states, records = zip(*rounds(nodes.setup, nodes), strict=True)
    _, here = zip(*rounds(nodes.setup, nodes.setup.fleet), strict=True)
    assert digest(nodes.setup, states) == tifed.run(experiment).digest
    assert [record.costs for record in records] == [record.costs for record in here]
    assert states[-1].residuals is not None
    assert (states[-1].residuals.after >= 0).all()


def test_jobs_grow_no_longer_than_devices_differ() -> None:
    nodes = Nodes(Experiment(**KEEPING))
    seen: list[list[list[int]]] = []

    def ask(node: int, plan: Plan) -> None:
        seen.append(job_runs(plan.jobs, plan.residuals)[:, [0, 1, -1]].tolist())

    nodes.asks = ask
    nodes.deaf = {1: 1}
    went(nodes.setup, nodes)
    assert seen[::PARTS] == [
        [[0, 4, -1]], [[0, 4, 0]], [[0, 2, 1], [2, 2, -1]], [[0, 4, 2]],
    ]  # fmt: skip


def test_a_node_that_has_lost_what_it_kept_says_so_and_costs_its_devices_one_exchange() -> None:
    nodes = Nodes(Experiment(**KEEPING))

    def kill(node: int, plan: Plan) -> None:
        if (node, plan.exchange) == (1, 2):
            nodes.kept[node] = b""

    nodes.asks = kill
    setup = nodes.setup
    records = list(rounds(setup, nodes))
    reason = "what it had left after exchange 1 is not here"
    assert [record.absent for _, record in records] == [{}, {}, dict.fromkeys((2, 3), reason), {}]
    assert records[-1][0].residuals.after.tolist() == [3] * 4  # type: ignore[union-attr]
    alone = went(setup, Failing(setup.fleet, {2: (2, 3)}))
    assert digest(setup, [after for after, _ in records]) == digest(setup, alone)


def test_a_node_whose_answer_is_lost_begins_anew() -> None:
    nodes = Nodes(Experiment(**KEEPING))
    nodes.deaf = {1: 0}
    alone = went(nodes.setup, Failing(nodes.setup.fleet, {1: (0, 1)}))
    assert digest(nodes.setup, went(nodes.setup, nodes)) == digest(nodes.setup, alone)


def test_whoever_asks_again_gets_the_same_answer() -> None:
    nodes = Nodes(Experiment(**KEEPING))
    setup = nodes.setup
    run = rounds(setup, nodes)
    next(run)
    state, _ = next(run)
    (plan,) = setup.federation.plans(state)
    part = replace(plan, jobs=plan.jobs.for_devices(np.arange(2)), residuals=state.residuals)
    one, other = (nodes.asked(0, part, state.parameters) for _ in range(2))
    assert dict(one.values) == dict(other.values)
    assert np.array_equal(one.arrays["sums"], other.arrays["sums"])
    assert state.residuals is not None
    cleared = replace(part, residuals=replace(state.residuals, after=np.full(4, -1)))
    other = nodes.asked(0, cleared, state.parameters)
    assert not np.array_equal(one.arrays["sums"], other.arrays["sums"])


@pytest.mark.parametrize("every", [1, 2])
def test_a_server_goes_on_from_its_last_checkpoint(every: int) -> None:
    """Nodes were asked for up to five more exchanges since."""
    more: dict[str, Any] = {
        "rounds": 5, "average_every": "epoch", "local_epochs": 3, "checkpoint_every": every,
    }  # fmt: skip
    experiment = Experiment(**KEEPING | more)
    nodes = Nodes(experiment)

    def killed(node: int, plan: Plan) -> None:
        if (node, plan.exchange) == (1, 11):
            raise InterruptedError

    nodes.asks = killed
    states = [started(nodes.setup)]
    run = rounds(nodes.setup, nodes, states[0])
    with pytest.raises(InterruptedError):
        states.extend(after for after, _ in run)
    assert len(states) == 4
    nodes.asks = lambda node, plan: None
    resumed = went(nodes.setup, nodes, states[4 - every])
    assert digest(nodes.setup, resumed) == tifed.run(experiment).digest


def test_no_more_is_kept_than_can_be_asked_for() -> None:
    nodes = Nodes(Experiment(**KEEPING, average_every="epoch", local_epochs=5))
    went(nodes.setup, nodes)
    kept = KeptResiduals.from_bytes(nodes.kept[0]).of
    assert [sorted(kept[device]) for device in (0, 1)] == [[14, 18, 19]] * 2


@pytest.mark.parametrize("after", [-2, 1, 2])
def test_an_exchange_that_was_not_yet_is_no_order(after: int) -> None:
    nodes = Nodes(Experiment(**KEEPING))
    first, *_ = went(nodes.setup, nodes)
    (plan,) = nodes.setup.federation.plans(first)
    assert first.residuals is not None
    wrong = replace(first.residuals, after=np.full(4, after))
    part = replace(plan, jobs=plan.jobs.for_devices(np.arange(2)), residuals=wrong)
    said = nodes.asked(0, part, first.parameters)
    assert said.values["refused"] == (
        f"device 0 is to have what it had left after exchange {after}, which is not in -1..0"
    )
    said = nodes.asked(0, replace(part, residuals=None), first.parameters)
    assert said.values["refused"] == "jobs has the shape (1, 7), not (None, 8)"


@pytest.fixture
def plan() -> Plan:
    """Of the second exchange."""
    nodes = Nodes(Experiment(**KEEPING))
    state, _ = next(rounds(nodes.setup, nodes))
    (plan,) = nodes.setup.federation.plans(state)
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
