"""What a site writes down of what it gives away, and what it does at its owner's limit."""

import builtins
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("dp_accounting", reason="needs pip install 'tifed[privacy]'")

from typer.testing import CliRunner

from tifed.cli import app
from tifed.errors import UsageError
from tifed.experiment import Experiment, build, to_toml
from tifed.experiment.identity import identity
from tifed.experiment.privacy_spent import concentrated, epsilon_of
from tifed.federation import Plan, begin
from tifed.nodes.acceptance import ANY
from tifed.nodes.answer import answer
from tifed.nodes.context import DeviceSelection, NodeContext, simulated_context
from tifed.nodes.gateway.board_pool import BoardPool, BoardTerms, Lines
from tifed.nodes.last_answer import LastAnswer
from tifed.nodes.ledger import ChargedFleet, Ledger, charged
from tifed.nodes.messages.content import Content, fit_message, job_runs, refusal
from tifed.nodes.terms import NodeTerms
from tifed.rule.network import Parameters

PRIVACY = {"noise_multiplier": 2, "clip": 1000, "centre": -64}
EXPERIMENT = Experiment(devices=4, rounds=9, layers=(64, 4, 10), privacy=PRIVACY)
SETUP = build(EXPERIMENT)
NOISE = SETUP.federation.noise
assert NOISE is not None
PARAMETERS = SETUP.network.parameter_count
RHO = concentrated(NOISE, PARAMETERS)


def epsilon(exchanges: int, delta: float = 1e-5) -> float:
    assert NOISE is not None
    return epsilon_of(NOISE, PARAMETERS, exchanges, delta)


def written(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "spent.json").read_text())
    return found


def test_each_sum_is_written_down_by_device(tmp_path: Path) -> None:
    for devices in ([0, 1, 2, 3], [0, 1, 3], [0, 1, 3]):
        # Each by a program of its own.
        Ledger(tmp_path).charge("a", RHO, np.array(devices))
    Ledger(tmp_path).charge("b", RHO, np.array([2]))
    assert written(tmp_path) == {
        "a": {"rho": RHO, "exchanges": [[0, 2, 3], [2, 1, 1], [3, 1, 3]]},
        "b": {"rho": RHO, "exchanges": [[2, 1, 1]]},
    }


def test_the_limit_is_of_all_experiments_together_and_survives_a_restart(tmp_path: Path) -> None:
    def ledger(most: float = epsilon(3)) -> Ledger:
        return Ledger(tmp_path, most)

    ledger().charge("a", RHO, np.array([0, 1]))
    ledger().charge("a", RHO, np.array([1]))
    # Nobody knows whether device 5 of another experiment is another one.
    ledger().charge("b", RHO, np.array([5]))
    before = written(tmp_path)
    for experiment, device in (("a", 1), ("b", 5), ("c", 9)):
        with pytest.raises(UsageError, match="privacy: will not train, for its devices would have"):
            ledger().charge(experiment, RHO, np.array([device]))
    assert written(tmp_path) == before
    # The other device of "a" was in one sum less.
    ledger().charge("a", RHO, np.array([0]))
    ledger(epsilon(4)).charge("a", RHO, np.array([1]))


def test_delta_is_the_owners(tmp_path: Path) -> None:
    Ledger(tmp_path / "a", epsilon(1), 1e-5).charge("a", RHO, np.array([0]))
    with pytest.raises(UsageError, match="and their owner allows"):
        Ledger(tmp_path / "b", epsilon(1), 1e-9).charge("a", RHO, np.array([0]))


@pytest.mark.parametrize("text", ["", "[]", '{"a": {"rho": 1}}', '{"a": 3}', '{"a": {"rho": "x"'])
def test_a_ledger_that_is_damaged_gives_nothing_away(tmp_path: Path, text: str) -> None:
    (tmp_path / "spent.json").write_text(text)
    with pytest.raises(UsageError, match="spent.json: cannot be read .* put the file back"):
        Ledger(tmp_path).charge("a", RHO, np.array([0]))


def test_a_limit_without_the_accountant_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "dp_accounting":
            raise ModuleNotFoundError(f"No module named {name!r}")
        return usual(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"pip install 'tifed\[privacy\]'"):
        Ledger(tmp_path, 8.0).charge("a", RHO, np.array([0]))
    assert not (tmp_path / "spent.json").exists()
    Ledger(tmp_path).charge("a", RHO, np.array([0]))  # nothing to compare with


@pytest.mark.parametrize("privacy", [{}, PRIVACY | {"noise_seed": 3}])
def test_with_a_limit_nothing_leaves_without_noise(tmp_path: Path, privacy: Any) -> None:
    open_to_all = replace(NodeTerms.open(), ledger=Ledger(tmp_path))
    experiment = Experiment(privacy=privacy)
    open_to_all.require(experiment)
    for terms in (
        replace(open_to_all, ledger=Ledger(tmp_path, 8.0)),
        BoardTerms(accepts=ANY, ledger=Ledger(tmp_path, 8.0)),
    ):
        with pytest.raises(UsageError, match="privacy: will not take part with.* epsilon of 8 at"):
            terms.require(experiment)
        terms.require(EXPERIMENT)


def node_with(ledger: Ledger) -> NodeContext:
    """As a program makes it that is started anew."""
    terms = replace(NodeTerms.open(), ledger=ledger)
    found = simulated_context(to_toml(EXPERIMENT), DeviceSelection((0, 2)), terms=terms)
    return replace(found, last=LastAnswer.kept_in(ledger.last))


def fits(node: NodeContext, plan: Plan) -> Content:
    request = fit_message(identity(EXPERIMENT), plan, SETUP.start)
    jobs = {"jobs": job_runs(plan.jobs.for_devices(np.arange(2)))}
    return answer(node, Content(request.kind, request.values, {**request.arrays, **jobs}))


def test_a_node_stops_at_its_owners_limit_and_repeats_what_it_has_said(tmp_path: Path) -> None:
    state, _ = begin(SETUP.federation, SETUP.fleet, SETUP.start)
    plans: list[Plan] = []
    for _ in range(3):
        plans += SETUP.federation.plans(state)
        state = replace(SETUP.federation.after_round(state), exchange=state.exchange + 1)
    ledger = Ledger(tmp_path / "ledger", epsilon(2))
    first, second = (fits(node_with(ledger), plan) for plan in plans[:2])
    assert "refused" not in second.values
    third = fits(node_with(ledger), plans[2])
    assert third.values["refused"].startswith("privacy: will not train, for its devices would")
    again = fits(node_with(ledger), plans[1])
    assert np.array_equal(again.arrays["sums"], second.arrays["sums"])
    assert fits(node_with(ledger), plans[0]).values["refused"].startswith("privacy: will not tr")
    (entry,) = written(tmp_path / "ledger").values()
    assert entry["exchanges"] == [[0, 2, 2]]
    assert first.arrays["devices"].tolist() == [[0, 2]]


def test_the_last_sum_that_is_damaged_is_named(tmp_path: Path) -> None:
    for content in (b"\x01", b"\x02\0\0\0{}", b"\xff" * 9):
        (tmp_path / "last-answer").write_bytes(content)
        with pytest.raises(UsageError, match="last-answer: cannot be read .* or remove it"):
            LastAnswer.kept_in(tmp_path / "last-answer")


def test_a_gateway_has_a_ledger_as_well(tmp_path: Path) -> None:
    lines = Lines(tuple(f"tcp:127.0.0.1:{port}" for port in range(1, 5)))
    for noise, expected in ((PRIVACY, True), ({}, False)):
        ledger = Ledger(tmp_path)
        pool = BoardPool(lines, BoardTerms(ledger=ledger))
        try:
            experiment = EXPERIMENT.model_copy(
                update={"privacy": Experiment(privacy=noise).privacy}
            )
            node = pool.context(to_toml(experiment), DeviceSelection(first=0))
        finally:
            pool.close()
        assert isinstance(node.fleet, ChargedFleet) == expected
        assert node.last.file == ledger.last


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"most-epsilon": 8}, "most-epsilon: goes with .*ledger, a folder"),
        ({"ledger": 3}, "ledger is 3, not the path of a folder"),
        ({"ledger": "x", "most-epsilon": "8"}, "most-epsilon is '8', not a number"),
        ({"ledger": "x", "most-epsilon": 0}, "most-epsilon: 0 is not more than 0"),
        ({"ledger": "x", "delta": True}, "delta is True, not a number"),
        ({"ledger": "x", "delta": 1}, "delta: 1 is not between 0 and 1"),
    ],
)
def test_what_an_owner_may_say(config: dict[str, Any], reason: str) -> None:
    with pytest.raises(UsageError, match=f"node configuration: {reason}"):
        NodeTerms.from_config(config)
    if "ledger" not in config:
        words = ["gateway", "--devices", "unix:none", "--most-epsilon", "8"]
        done = CliRunner().invoke(app, words)
        assert "--most-epsilon: goes with --ledger" in str(done.exception)


def test_a_ledger_comes_from_a_node_configuration_and_goes_into_one(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, 8.0, 1e-6)
    assert NodeTerms.from_config(NodeTerms(ledger=ledger).to_config()).ledger == ledger
    bare = NodeTerms.from_config({"ledger": str(tmp_path)}).ledger
    assert bare == Ledger(tmp_path)
    assert NodeTerms.from_config({}).ledger is None


def test_other_numbers_do_not_make_other_devices(tmp_path: Path) -> None:
    """Whoever asks says which devices a gateway's boards are."""
    for first in (0, 2):
        terms = replace(NodeTerms.open(), ledger=Ledger(tmp_path))
        node = simulated_context(to_toml(EXPERIMENT), DeviceSelection((first // 2, 2)), terms=terms)
        assert node.devices.start == first
        state, _ = begin(SETUP.federation, SETUP.fleet, SETUP.start)
        (plan,) = SETUP.federation.plans(state)
        jobs = plan.jobs.for_devices(np.array(node.devices))
        list(node.fleet.fit(replace(plan, jobs=jobs), SETUP.start))
    (entry,) = written(tmp_path).values()
    assert entry["exchanges"] == [[0, 2, 2]]


def test_a_site_counts_its_own_part_of_shared_noise_alone(tmp_path: Path) -> None:
    assert NOISE is not None
    federation = replace(SETUP.federation, noise=replace(NOISE, sites=9, masked=True))
    fleet = charged(SETUP.fleet, Ledger(tmp_path), "it", federation, 0)
    assert isinstance(fleet, ChargedFleet)
    assert fleet.rho == RHO


def test_what_a_sum_gave_away_is_not_forgotten_for_one_that_gives_less(tmp_path: Path) -> None:
    Ledger(tmp_path).charge("a", RHO, np.array([0]))
    Ledger(tmp_path).charge("a", RHO / 2, np.array([0]))
    assert written(tmp_path)["a"]["rho"] == RHO


def test_the_same_words_about_other_data_are_answered_anew() -> None:
    request = fit_message(identity(EXPERIMENT), *plan_and_start())
    last = LastAnswer()
    first = last.once(request, 0, "data", lambda: request)
    assert last.once(request, 0, "data", lambda: pytest.fail("drawn again")) is first
    other = refusal("it", "other data")
    assert last.once(request, 0, "others", lambda: other) is other


def plan_and_start() -> tuple[Plan, Parameters]:
    state, _ = begin(SETUP.federation, SETUP.fleet, SETUP.start)
    return next(iter(SETUP.federation.plans(state))), SETUP.start
