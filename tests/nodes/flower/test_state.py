"""What a node keeps in Flower's state: each message is answered by a program of its own."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("flwr", reason="needs Flower: pip install 'tifed[flower]'")
pytest.importorskip("cryptography", reason="needs pip install 'tifed[privacy]'")
pytest.importorskip("dp_accounting", reason="needs pip install 'tifed[privacy]'")

from flwr.app import Context, RecordDict

from tifed.experiment import Experiment, build, to_toml
from tifed.experiment.identity import identity
from tifed.federation import begin
from tifed.nodes.flower.client import reply
from tifed.nodes.flower.format import pack, unpack
from tifed.nodes.messages.content import Arrays, Content, fit_message, job_runs
from tifed.nodes.messages.device_ranges import to_ranges
from tifed.nodes.messages.masked import keys_from, keys_message
from tifed.nodes.serving.settings import Settings

NODE: dict[str, Any] = {"partition-id": 0, "num-partitions": 1, "accepts": "any"}


def said(experiment: Experiment, asked: Content, own: Arrays, state: RecordDict) -> Content:
    context = Context(1, 1, dict(NODE), state, {})
    records = reply(pack(asked, own), context, Settings(to_toml(experiment)))
    return unpack(records, asked.kind, identity(experiment))


def test_a_sum_with_noise_is_the_same_as_long_as_flower_keeps_the_state() -> None:
    noisy = Experiment(
        devices=2, rounds=1, layers=(64, 4, 10),
        privacy={"noise_multiplier": 1, "clip": 1000, "centre": -64},
    )  # fmt: skip
    setup = build(noisy)
    state, _ = begin(setup.federation, setup.fleet, setup.start)
    (plan,) = setup.federation.plans(state)
    asked, own = fit_message(identity(noisy), plan, setup.start), {"jobs": job_runs(plan.jobs)}
    kept = RecordDict()
    first, second, other = (
        said(noisy, asked, own, where).arrays["sums"] for where in (kept, kept, RecordDict())
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_the_keys_of_a_session_are_the_same_as_long_as_flower_keeps_the_state() -> None:
    masked = Experiment(devices=3, rounds=1, privacy={"secure_aggregation": True})
    asked = keys_message(identity(masked), bytes(16))
    own: Arrays = {"devices": to_ranges(np.arange(3))}
    kept = RecordDict()
    first, second, other = (
        keys_from(said(masked, asked, own, where)) for where in (kept, kept, RecordDict())
    )
    assert first == second
    assert first != other
