"""A node's program that is killed when its answer is out, and its state is not stored yet.

A SuperNode takes the answer first. Here a process of its own gives it, and is killed (SIGKILL)
then; the messages that follow are answered from the state that was stored before.
"""

import pickle
import secrets
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flwr", reason="needs Flower: pip install 'tifed[flower]'")

from flwr.app import Context, RecordDict
from flwr.common.config import flatten_dict

from tifed.experiment import Experiment, build, to_toml
from tifed.experiment.identity import identity
from tifed.federation import Plan, begin
from tifed.nodes.flower.client import reply
from tifed.nodes.flower.format import pack, unpack
from tifed.nodes.flower.settings import to_run_config
from tifed.nodes.messages.content import Content, MessageError, fit_message, job_runs
from tifed.nodes.messages.device_ranges import to_ranges
from tifed.nodes.messages.masked import (
    keys_from,
    keys_message,
    masked_fit_message,
    neighbour_arrays,
    opening_from,
    sealed_arrays,
    shares_message,
    survivor_arrays,
    unmask_message,
)
from tifed.nodes.serving.settings import Settings
from tifed.rule.network import Parameters
from tifed.secure_aggregation.site import Site

PROGRAM = """
import os, pickle, signal, sys
from tifed.nodes.flower.client import reply
request, context = pickle.load(sys.stdin.buffer)
pickle.dump(reply(request, context, None), sys.stdout.buffer)
sys.stdout.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""
SESSION = bytes(range(16))


class Node:
    """A node with one device, and the state that its SuperNode has stored."""

    def __init__(self, experiment: Experiment) -> None:
        config: Any = flatten_dict(to_run_config(Settings(to_toml(experiment))))
        place: dict[str, Any] = {"partition-id": 0, "num-partitions": 3, "accepts": "any"}
        self.name = identity(experiment)
        self._context = Context(1, 2, place, RecordDict(), config)

    def ask(self, request: Content, more: dict[str, Any], killed: bool = False) -> Content:
        """The answer, perhaps of a program that is killed before its state is stored."""
        given = pack(request, more)
        said = self._killed(given) if killed else reply(given, self._context, None)
        return unpack(said, request.kind, self.name)

    def _killed(self, given: RecordDict) -> RecordDict:
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM], input=pickle.dumps((given, self._context)),
            capture_output=True, check=False,
        )  # fmt: skip
        assert ran.returncode == -signal.SIGKILL, ran.stderr.decode()
        said: RecordDict = pickle.loads(ran.stdout)  # noqa: S301 (this test's own program)
        return said


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLWR_HOME", str(tmp_path))


def plans_of(experiment: Experiment) -> tuple[Plan, Plan, Parameters]:
    """The first two exchanges of a run, and what it begins with."""
    setup = build(experiment)
    state, _ = begin(setup.federation, setup.fleet, setup.start)
    (first,) = setup.federation.plans(state)
    after = replace(setup.federation.after_round(state), exchange=state.exchange + 1)
    (second,) = setup.federation.plans(after)
    return first, second, state.parameters


def jobs_of(plan: Plan) -> dict[str, Any]:
    return {"jobs": job_runs(plan.jobs.for_devices(np.array([0])))}


class Session:
    """Node 0 in a session of three, whose other two sites are played here."""

    def __init__(self) -> None:
        experiment = Experiment(devices=3, rounds=2, privacy={"secure_aggregation": True})
        self.node = Node(experiment)
        self.plan, _, self.parameters = plans_of(experiment)
        sites = {number: Site.begin(SESSION, number, secrets.token_bytes) for number in (1, 2)}
        request = keys_message(self.node.name, SESSION)
        keys = {number: site.public for number, site in sites.items()}
        keys[0] = keys_from(self.node.ask(request, {"devices": to_ranges([0])}))
        self.sealed = {}
        for own, site in sites.items():
            others = {number: key for number, key in keys.items() if number != own}
            self.sealed[own] = site.share(3, 2, others).get(0, b"")
        request = shares_message(self.node.name, SESSION, 3, 2)
        self.node.ask(request, neighbour_arrays({1: keys[1], 2: keys[2]}))

    def masked(self, shift: int = 0, killed: bool = False) -> bytes:
        plan = replace(self.plan, extra_shift=self.plan.extra_shift + shift)
        request = masked_fit_message(self.node.name, SESSION, plan, self.parameters, (0, 1))
        own = jobs_of(plan) | sealed_arrays(self.sealed)
        return self.node.ask(request, own, killed).arrays["sums"].tobytes()

    def opened(self, survivors: list[int], killed: bool = False) -> set[bytes]:
        request = unmask_message(self.node.name, SESSION)
        answer = self.node.ask(request, survivor_arrays(survivors), killed)
        return set(opening_from(answer, [1, 2]).shares.values())


@pytest.mark.slow(5)
def test_one_killed_after_a_masked_vector_masks_no_other_with_the_same_masks() -> None:
    session = Session()
    assert session.masked(killed=True)
    for shift in (1, 0):  # nor does it know of the message that it has answered
        with pytest.raises(MessageError, match="not in this session.*it has no keys of it"):
            session.masked(shift)


@pytest.mark.slow(5)
def test_one_killed_after_it_has_opened_shares_opens_no_others() -> None:
    session = Session()
    assert session.masked() == session.masked()  # whoever is not killed says it again
    assert len(session.opened([0, 1], killed=True)) == 2
    for survivors in ([0, 2], [0, 1]):
        with pytest.raises(MessageError, match="not in this session"):
            session.opened(survivors)


@pytest.mark.slow(5)
def test_one_killed_after_a_sum_with_noise_draws_no_other_noise_for_it() -> None:
    pytest.importorskip("dp_accounting", reason="needs pip install 'tifed[privacy]'")
    privacy = {"noise_multiplier": 1, "clip": 1000, "centre": -64}
    experiment = Experiment(devices=3, rounds=2, layers=(64, 4, 10), privacy=privacy)
    node = Node(experiment)
    first, second, parameters = plans_of(experiment)

    def summed(plan: Plan, killed: bool = False) -> bytes:
        request = fit_message(node.name, plan, parameters)
        return node.ask(request, jobs_of(plan), killed).arrays["sums"].tobytes()

    assert summed(first, killed=True)
    for _ in range(2):  # it is kept that the answer is lost
        with pytest.raises(MessageError, match="another message about exchange 0"):
            summed(first)
    assert summed(second) == summed(second)
