"""Masked sums give the digest of plain ones, whoever is lost on the way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tifed
from tifed.errors import UsageError
from tifed.experiment import Experiment, RunFolder, Setup
from tifed.federation import Fleet, Plan
from tifed.fleets.secure import Loses, SecureFleet, nobody
from tifed.secure_aggregation.site import Step

SECURE = {"secure_aggregation": True}
SITES = 10


def three_of_ten(plan: Plan | None) -> Loses:
    """In each exchange another three of ten sites, each before another step."""
    if plan is None:
        return nobody
    random = np.random.default_rng(plan.exchange)
    at = dict(zip(random.permutation(SITES)[:3].tolist(), random.integers(1, 5, 3), strict=True))
    return lambda site, step: site in at and step >= at[site]


def without_the_lost(setup: Setup) -> Any:
    """The plain run in which those devices do not answer whose masked sums do not come."""

    class Without:
        calibrate, evaluate, close = setup.fleet.calibrate, setup.fleet.evaluate, setup.fleet.close

        @staticmethod
        def fit(plan: Plan, parameters: Any) -> Any:
            parts = np.array_split(np.arange(setup.federation.devices), SITES)
            loses = three_of_ten(plan)
            gone = [part for site, part in enumerate(parts) if loses(site, Step.MASKED)]
            there = ~np.isin(plan.jobs.device, np.concatenate([[-1], *gone]))
            return setup.fleet.fit(replace(plan, jobs=plan.jobs.at(there)), parameters)

    return Without


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"average_every": "epoch"},
        {"average_every": "mini-batch", "rounds": 2},
        {"mode": "single-layer"},
        {"recipe": "paper"},
        {"own_data": True, "personal": {"rounds": 1}},
        {"devices": 30, "devices_per_round": 12},
        {"devices": 12, "faults": {"probability": 0.3}},
        {"at_end": "stop", "buffer": 100, "rounds": 3},
        {"compression": {"upload": "ternary", "download": "ternary", "rows": 3}},
        {"compression": {"upload": "ternary", "download": "4-bit", "coder": True}},
        {"compression": {"upload": "ternary"}, "buffers_per_round": 2},
    ],
)
def test_the_digest_is_that_of_the_run_without(settings: dict[str, Any]) -> None:
    plain = tifed.run(Experiment(**{"devices": 10, "rounds": 4, **settings}))
    secure = tifed.run(Experiment(**{"devices": 10, "rounds": 4, **settings}, privacy=SECURE))
    assert secure.digest == plain.digest
    assert secure.accuracy == plain.accuracy
    assert secure.bytes_up_per_device == plain.bytes_up_per_device
    assert secure.bytes_down_per_device == plain.bytes_down_per_device


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"average_every": "epoch"},
        {"mode": "single-layer"},
        {"compression": {"upload": "ternary"}},
        {"compression": {"upload": "4-bit", "rows": 2}, "at_end": "stop", "rounds": 4},
    ],
)
def test_with_three_tenths_lost_in_each_exchange_it_is_that_of_a_run_without_their_devices(
    settings: dict[str, Any],
) -> None:
    experiment = Experiment(**{"devices": 20, "rounds": 6, **settings})
    told: list[str] = []

    def secure(setup: Setup) -> Fleet:
        return SecureFleet(setup.fleet, setup.federation, SITES, three_of_ten, told.append)

    plain = tifed.run(experiment, fleet=without_the_lost)
    assert tifed.run(experiment, fleet=secure).digest == plain.digest
    assert plain.digest != tifed.run(experiment).digest
    assert not told


def test_with_more_lost_the_exchange_is_void_and_the_run_goes_on(tmp_path: Path) -> None:
    experiment = Experiment(devices=10, rounds=3)

    def four_in_the_second(plan: Plan | None) -> Loses:
        if plan is None or plan.exchange != 1:
            return nobody
        return lambda site, step: step >= Step.MASKED and site < 4

    told: list[str] = []
    tifed.run(
        experiment, out=tmp_path / "run",
        fleet=lambda setup: SecureFleet(
            setup.fleet, setup.federation, SITES, four_in_the_second, told.append
        ),
    )  # fmt: skip
    assert [row["answered"] for row in RunFolder(tmp_path / "run").read_metrics(3)] == [
        "10", "0", "10",
    ]  # fmt: skip
    assert told == [
        "round 2, exchange 1 is void: 6 of 10 sites have sent masked sums, and it takes 7"
    ]


def test_the_fleet_beneath_is_never_asked_for_two_sites_at_once() -> None:
    """What it answers is a site's sum; `SecureFleet` hands none of them on."""
    asked: list[list[int]] = []

    @dataclass
    class Asked:
        fleet: Any

        def fit(self, plan: Plan, parameters: Any) -> Any:
            asked.append(plan.jobs.device.tolist())
            return self.fleet.fit(plan, parameters)

        def calibrate(self, devices: Sequence[int], samples: int) -> Any:
            asked.append(list(devices))
            return self.fleet.calibrate(devices, samples)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.fleet, name)

    tifed.run(
        Experiment(devices=6, rounds=1),
        fleet=lambda setup: SecureFleet(Asked(setup.fleet), setup.federation, 3),
    )
    assert asked == [[0, 1], [2, 3], [4, 5]] * 2


def test_a_run_that_was_stopped_goes_on_to_the_same_digest(tmp_path: Path) -> None:
    experiment = Experiment(devices=10, rounds=5, privacy=SECURE)
    whole = tifed.run(experiment)

    class StoppedError(Exception):
        pass

    def stop(progress: Any) -> None:
        if progress.record.round == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        tifed.run(experiment, out=tmp_path / "run", watch=stop)
    assert tifed.resume(tmp_path / "run").digest == whole.digest


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"devices": 2, "privacy": SECURE}, "among 3 sites or more, and devices is 2"),
        ({"devices_per_round": 2, "privacy": SECURE}, "and devices_per_round is 2"),
        ({"baseline": "float-fedavg", "privacy": SECURE}, "baseline 'float-fedavg' has no devices"),
        ({"privacy": {"sites": 4}}, r"privacy\.sites: goes with privacy\.secure_aggregation"),
        ({"privacy": {**SECURE, "sites": 9}}, "9 sites have 8 devices"),
        ({"privacy": {**SECURE, "sites": 2}}, r"privacy\.sites: .*greater than or equal to 3"),
        ({"privacy": {"secure": True}}, r"privacy\.secure: unknown key; the keys are secure_agg"),
    ],
)
def test_settings_that_do_not_go_together_are_named(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        Experiment(**settings)


def test_studies_mask_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """`run_setup` is another way to run an experiment."""
    from tifed.experiment.running import run_setup
    from tifed.experiment.setup import build

    summed: list[int] = []
    before: Callable[..., Any] = SecureFleet._summed

    def counted(self: SecureFleet, *args: Any) -> Any:
        summed.append(self.sites)
        return before(self, *args)

    monkeypatch.setattr(SecureFleet, "_summed", counted)
    experiment = Experiment(devices=5, rounds=1, privacy={**SECURE, "sites": 4})
    run_setup(experiment, build(experiment))
    assert summed == [4, 4]
