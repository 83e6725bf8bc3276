"""A gateway keeps its boards, and what it remembers, through a session under masks."""

from typing import Any

import pytest

pytest.importorskip("unicorn", reason="needs pip install 'tifed[emulator]'")

from tifed.experiment import Experiment, build, to_toml
from tifed.experiment.identity import identity
from tifed.federation import begin
from tifed.nodes.answer import answer
from tifed.nodes.context import DeviceSelection
from tifed.nodes.gateway.board_pool import BoardPool, HeldError, Lines
from tifed.nodes.messages.content import Content, job_runs
from tifed.nodes.messages.device_ranges import to_ranges
from tifed.nodes.messages.masked import (
    keys_from,
    keys_message,
    masked_fit_message,
    neighbour_arrays,
    sealed_arrays,
    sealed_from,
    shares_message,
    survivor_arrays,
    unmask_message,
)

pytestmark = pytest.mark.slow(20)

SETTINGS: dict[str, Any] = {"devices": 3, "rounds": 1, "layers": (64, 8, 10)}
SECURE = Experiment(**SETTINGS, privacy={"secure_aggregation": True})
NAME, SESSION = identity(SECURE), bytes(range(16))
OTHER = to_toml(Experiment(**SETTINGS, seed=7))


def said(pool: BoardPool, site: int, request: Content, more: dict[str, Any]) -> Content:
    """What a gateway's process does with a request."""
    node = pool.context(to_toml(SECURE), DeviceSelection(first=site))
    asked = Content(request.kind, request.values, {**request.arrays, **more})
    content = answer(node, asked)
    assert content.kind == request.kind, content.values
    pool.answered(content.kind)
    return content


def held(pool: BoardPool) -> bool:
    """Whether another experiment is kept waiting."""
    try:
        pool.context(OTHER, DeviceSelection(first=0))
    except HeldError:
        return True
    return False


def test_boards_are_held_from_the_first_keys_until_the_last_sum_is_unmasked(boards: Any) -> None:
    pools = [BoardPool(Lines((address,))) for address in boards(3, "layers=[64,8,10]")]
    setup = build(SECURE)
    state, _ = begin(setup.federation, setup.fleet, setup.start)
    (plan,) = setup.federation.plans(state)
    try:
        keys = {
            site: keys_from(
                said(pool, site, keys_message(NAME, SESSION), {"devices": to_ranges([site])})
            )
            for site, pool in enumerate(pools)
        }
        assert all(map(held, pools))

        # Whoever asked is gone, and asks again: the keys are those that he has.
        pools[0].give_up()
        pools[0].look()
        again = said(pools[0], 0, keys_message(NAME, SESSION), {"devices": to_ranges([0])})
        assert keys_from(again) == keys[0]

        sealed = {}
        for site, pool in enumerate(pools):
            others = {other: of for other, of in keys.items() if other != site}
            shared = said(pool, site, shares_message(NAME, SESSION, 3, 2), neighbour_arrays(others))
            sealed[site] = sealed_from(shared, list(others)[1:])
        for site, pool in enumerate(pools):
            mine = {other: of.get(site, b"") for other, of in sealed.items() if other != site}
            jobs = job_runs(plan.jobs.for_devices(to_ranges([site])[:, 0]))
            request = masked_fit_message(NAME, SESSION, plan, state.parameters, (0, 1))
            said(pool, site, request, {"jobs": jobs, **sealed_arrays(mine)})
        # That was the last round, but its sum is still under masks that these gateways know.
        assert all(map(held, pools))
        pools[0].give_up()
        for site, pool in enumerate(pools):
            said(pool, site, unmask_message(NAME, SESSION), survivor_arrays([0, 1, 2]))
        assert not any(map(held, pools[1:]))
    finally:
        for pool in pools:
            pool.close()
