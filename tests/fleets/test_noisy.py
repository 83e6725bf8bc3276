"""What leaves a site: sums with noise, in which no device weighs more than its bound."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tifed.errors import UsageError
from tifed.experiment import Experiment, Setup, build
from tifed.federation import (
    DeviceScore,
    FeatureSums,
    Fleet,
    PersonalRounds,
    Plan,
    Update,
    begin,
    federate,
    personal_work,
    planned_update,
    published,
    total,
)
from tifed.federation.noise import Noise
from tifed.fleets import NoisyFleet
from tifed.rule.integer.gaussian import discrete_gaussian
from tifed.rule.integer.rounding import Integers
from tifed.rule.integer.secret_words import SeededWords
from tifed.rule.learning import Statistics, norm_of
from tifed.rule.network import Parameters

CLIP, SEED = 300, 9


@dataclass
class Recorded:
    """A fleet that keeps what its devices say before anything is done to it."""

    fleet: Fleet
    plans: list[Plan] = field(default_factory=list)
    said: list[Update] = field(default_factory=list)

    def calibrate(self, devices: Any, samples: int) -> Iterable[FeatureSums]:
        return self.fleet.calibrate(devices, samples)

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        self.plans.append(plan)
        for index in range(len(plan.jobs)):
            # One by one: some engines add up what they are asked for together.
            alone = replace(plan, jobs=plan.jobs.at(np.array([index])))
            for update in self.fleet.fit(alone, parameters):
                self.said.append(update)
                yield update

    def evaluate(self, parameters: Parameters) -> Iterable[DeviceScore]:
        return self.fleet.evaluate(parameters)

    def close(self) -> None:
        self.fleet.close()


def built(**changes: Any) -> tuple[Setup, NoisyFleet, Recorded, Plan]:
    """A small federation, its fleet with a recorder beneath the noise, and its first plan."""
    given: dict[str, Any] = {"devices": 4, "layers": (64, 4, 10), "rounds": 3, "buffer": 20}
    privacy = {"noise_multiplier": 0.5, "clip": CLIP, "centre": -64, "noise_seed": SEED}
    setup = build(Experiment(**given, privacy=privacy | changes.pop("privacy", {}), **changes))
    assert isinstance(setup.fleet, NoisyFleet)
    recorded = Recorded(setup.fleet.fleet)
    state, _ = begin(setup.federation, setup.fleet, setup.start)
    plan = next(setup.federation.plans(state))
    return setup, replace(setup.fleet, fleet=recorded), recorded, plan


def flat(update: Update) -> Integers:
    """All sums of an update in one vector."""
    return np.concatenate(
        [a.ravel() for _, part in sorted(update.layers.items()) for a in (part.weight, part.bias)]
    )


def test_the_sum_has_the_noise_and_what_devices_said_has_none() -> None:
    setup, fleet, recorded, plan = built()
    before = setup.start.digest
    noisy = total(fleet.fit(plan, setup.start))
    plain = total(recorded.said)
    words = SeededWords(SEED, plan.exchange, 0)
    sizes = [layer.fan_in * layer.fan_out for layer in setup.network.layers]
    units = [layer.fan_out for layer in setup.network.layers]
    drawn = [
        discrete_gaussian(words, CLIP // 2, count)
        for pair in zip(sizes, units, strict=True)
        for count in pair
    ]
    # Times the samples that each device counts with, which the server divides by.
    assert np.array_equal(flat(noisy) - flat(plain), 20 * np.concatenate(drawn))
    for device in range(4):
        alone = setup.fleet.fleet.fit(  # type: ignore[attr-defined]
            replace(recorded.plans[0], jobs=plan.jobs.at(plan.jobs.device == device)), setup.start
        )
        assert np.array_equal(flat(recorded.said[device]), flat(total(alone)))
    assert setup.start.digest == before
    assert {n: (s.samples, s.devices) for n, s in noisy.layers.items()} == {
        0: (80, 4),
        1: (80, 4),
    }


def test_a_seed_gives_another_noise_to_each_exchange() -> None:
    setup, fleet, recorded, plan = built()
    later = replace(plan, exchange=plan.exchange + 1)
    first, second = (flat(total(fleet.fit(one, setup.start))) for one in (plan, later))
    said = [flat(total(recorded.said[at : at + 4])) for at in (0, 4)]
    assert np.count_nonzero(first - said[0] == second - said[1]) < 20


def test_without_a_seed_noise_is_another_one_each_time() -> None:
    setup, fleet, recorded, plan = built(privacy={"noise_seed": None})
    sums = [flat(total(fleet.fit(plan, setup.start))) for _ in range(2)]
    plain = flat(total(recorded.said[:4]))
    assert np.array_equal(plain, flat(total(recorded.said[4:])))
    for found in sums:
        noise, rest = np.divmod(found - plain, 20)
        assert not rest.any()
        # 310 values of 150: six standard errors.
        assert abs(noise.std() / 150 - 1) < 6 / (2 * len(noise)) ** 0.5
    assert np.count_nonzero(sums[0] == sums[1]) < 20


def test_counts_of_training_and_norms_stay_at_the_site() -> None:
    setup, fleet, recorded, plan = built()
    noisy = total(fleet.fit(plan, setup.start))
    assert total(recorded.said).statistics.visits > 0
    assert len(total(recorded.said).norms) == 4
    assert noisy.statistics == Statistics()
    assert len(noisy.norms) == 0
    assert noisy.devices.tolist() == [0, 1, 2, 3]
    assert list(fleet.evaluate(setup.start)) == []


@pytest.mark.parametrize("wanted", [{"clip": 0}, {"clip": 10**6}, {"clips": {0: 10**6}}])
def test_a_server_cannot_ask_for_a_wider_bound(wanted: dict[str, Any]) -> None:
    setup, fleet, recorded, plan = built()
    assert len(list(fleet.fit(replace(plan, **wanted), setup.start))) == 1
    assert (recorded.plans[0].clip, recorded.plans[0].clips) == (CLIP, {})
    start = [*setup.start.weights, *setup.start.biases]
    for update in recorded.said:
        parts = [*(p.weight for p in update.layers.values())]
        parts += [p.bias for p in update.layers.values()]
        changed = (part // 20 - sent for part, sent in zip(parts, start, strict=True))
        assert norm_of(sum(int(np.square(D).sum()) for D in changed)) <= CLIP


def test_a_server_may_ask_for_a_narrower_one() -> None:
    setup, fleet, recorded, plan = built()
    list(fleet.fit(replace(plan, clip=100), setup.start))
    assert recorded.plans[0].clip == 100


def test_a_device_that_is_to_count_more_than_others_is_not_trained() -> None:
    setup, fleet, recorded, plan = built()
    samples = np.array([20, 20, 21, 20])
    jobs = replace(plan.jobs, samples=samples)
    with pytest.raises(UsageError, match="privacy: will not train device 2 on 21 samples"):
        list(fleet.fit(replace(plan, jobs=jobs), setup.start))
    assert recorded.plans == []


def test_a_fleet_that_does_not_know_the_bound_gets_no_noise() -> None:
    setup, fleet, recorded, plan = built()
    with pytest.raises(UsageError, match="privacy: the devices of Unbounded do not keep"):
        list(replace(fleet, fleet=Unbounded(recorded)).fit(plan, setup.start))


@pytest.mark.slow(20)
def test_boards_and_the_simulation_end_with_one_digest(simulated: Callable[..., Any]) -> None:
    """The same bound and the same noise, wherever the devices are; of a seed for tests."""
    privacy = {"noise_multiplier": 1, "clip": CLIP, "centre": -64, "noise_seed": SEED}
    given: dict[str, Any] = {"devices": 2, "layers": (64, 4, 10), "rounds": 2}
    here = simulated(**given, privacy=privacy)
    setup = build(Experiment(fleet="emulated", **given, privacy=privacy))
    try:
        state, _ = begin(setup.federation, setup.fleet, setup.start)
        for after, _ in federate(setup.federation, setup.fleet, state):
            state = after
    finally:
        setup.fleet.close()
    assert published(setup.federation.server, state).digest == here.digest
    other = simulated(**given, privacy=privacy | {"noise_seed": SEED + 1})
    assert other.digest != here.digest


def test_what_has_no_noise_is_refused() -> None:
    _, fleet, _, _ = built()
    with pytest.raises(UsageError, match="privacy: will not calibrate"):
        list(fleet.calibrate([0], 50))
    own, _, _, _ = built(own_data=True)
    state, _ = begin(own.federation, own.fleet, own.start)
    personal = PersonalRounds(1, (0, 1), 0)
    work = personal_work(replace(own.federation, personal=personal), state)
    assert work is not None
    with pytest.raises(UsageError, match="privacy: will not do personal rounds"):
        own.fleet.personalise(own.start, work)  # type: ignore[attr-defined]
    # On samples that nothing is trained on, devices score.
    assert len(list(own.fleet.evaluate(own.start))) == 4


def test_where_sites_share_the_noise_each_adds_its_part_even_without_an_answer() -> None:
    setup, fleet, recorded, plan = built()
    shared = Noise.of(CLIP, 0.5, sites=9, seed=SEED)
    assert shared.sigma == 50
    silent = replace(fleet, noise=shared, fleet=Silent(recorded))
    found = total(silent.fit(plan, setup.start))
    assert found.devices.tolist() == []
    assert {n: (s.samples, s.devices) for n, s in found.layers.items()} == {0: (0, 0), 1: (0, 0)}
    noise = flat(found) // 20
    assert abs(noise.std() / 50 - 1) < 6 / (2 * len(noise)) ** 0.5
    # With a whole noise each, a site that has nothing to hide adds nothing.
    assert total(replace(silent, noise=fleet.noise).fit(plan, setup.start)).layers == {}
    none = replace(plan, jobs=plan.jobs.at(plan.jobs.device < 0))
    assert list(fleet.fit(none, setup.start)) == []


@dataclass
class Silent(Recorded):
    """None of its devices answers."""

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        yield Update(absent=dict.fromkeys(plan.jobs.device.tolist(), "asleep"))


class Unbounded(Recorded):
    """Its devices change as much as they like."""

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        yield from self.fleet.fit(replace(plan, clip=0, clips={}), parameters)


@settings(max_examples=15, deadline=None)
@given(
    device=st.integers(0, 3),
    clip=st.sampled_from([1, 7, 300, 10**6]),
    seed=st.integers(0, 2**32 - 1),
    mode=st.sampled_from(["full-network", "single-layer"]),
)
def test_one_device_moves_the_sum_by_the_bound_at_most(
    device: int, clip: int, seed: int, mode: str
) -> None:
    """Two runs in which one device has other samples, or changes nothing, and equal noise."""
    setup, fleet, recorded, plan = built(privacy={"clip": clip, "noise_multiplier": 1}, mode=mode)
    ours = total(fleet.fit(plan, setup.start))
    rng = np.random.default_rng(seed)
    streams = list(setup.inputs.streams)
    stream = streams[device]
    other = rng.integers(-128, 128, stream.samples.shape, np.int8)
    labels = rng.integers(0, 10, len(other), np.int32)
    streams[device] = replace(stream, samples=other, labels=labels)
    simulated: Any = recorded.fleet
    theirs_fleet = replace(
        fleet, fleet=type(simulated)(replace(setup.inputs, streams=tuple(streams)))
    )
    theirs = total(theirs_fleet.fit(plan, setup.start))
    assert norm(flat(ours) - flat(theirs)) <= 2 * clip * 20
    # The device takes part, and changes nothing.
    job = next(iter(plan.jobs.at(plan.jobs.device == device)))
    idle = planned_update(plan, job, setup.start, setup.start, Statistics())
    mine = next(u for u in recorded.said if u.devices.tolist() == [device])
    assert norm(flat(mine) - flat(idle)) <= clip * 20


def norm(vector: Integers) -> int:
    return norm_of(int(np.square(vector).sum()))


@given(st.floats(1e-9, 1000), st.integers(1, 100_000), st.integers(1, 50))
def test_noise_is_never_less_than_was_asked_for(multiplier: float, clip: int, sites: int) -> None:
    noise = Noise.of(clip, multiplier, sites)
    wanted = (Fraction(multiplier) * clip) ** 2
    assert sites * noise.sigma**2 >= wanted
    assert noise.sigma == 1 or sites * (noise.sigma - 1) ** 2 < wanted
