import pytest

from tifed.errors import UsageError
from tifed.federation.assignment import (
    alternating,
    contiguous,
    full_network,
    memory_aware,
    per_device,
    rotating,
    rotating_quarter,
)
from tifed.rule.network.memory import device_memory
from tifed.rule.recipes import Tuned


def test_the_papers_groups_are_equal_and_contiguous() -> None:
    assert [contiguous(8, 2)(d, 0) for d in range(8)] == [(0,)] * 4 + [(1,)] * 4
    assert [contiguous(3, 3)(d, 5) for d in range(3)] == [(0,), (1,), (2,)]
    assert [contiguous(7, 3)(d, 0)[0] for d in range(7)] == [0, 0, 0, 1, 1, 2, 2]


def test_other_assignments() -> None:
    assert full_network(3)(5, 9) == (0, 1, 2)
    assert [alternating(5, 2)(d, 3)[0] for d in range(5)] == [0, 1, 0, 1, 0]
    assert [rotating(4, 2)(0, r)[0] for r in range(4)] == [0, 1, 0, 1]
    assert [rotating(4, 2)(3, r)[0] for r in range(4)] == [1, 0, 1, 0]
    assert per_device([[1], [1, 0, 1]], 2, 2)(1, 0) == (0, 1)


def test_a_quarter_of_the_devices_trains_the_last_of_two_layers_in_turn() -> None:
    assign = rotating_quarter(8, 2)
    last = [[d for d in range(8) if assign(d, r) == (1,)] for r in range(5)]
    assert last == [[0, 1], [6, 7], [4, 5], [2, 3], [0, 1]]
    assert [rotating_quarter(3, 2)(d, 1)[0] for d in range(3)] == [0, 0, 1]
    assert all(rotating_quarter(9, 3)(d, 4) == rotating(9, 3)(d, 4) for d in range(9))


@pytest.mark.parametrize("devices", [2, 3, 7, 9, 30])
def test_in_rotating_quarter_every_device_trains_both_layers(devices: int) -> None:
    assign = rotating_quarter(devices, 2)
    for device in range(devices):
        assert {assign(device, number) for number in range(devices)} == {(0,), (1,)}


@pytest.mark.parametrize("choose", [contiguous, alternating, rotating, rotating_quarter])
def test_more_layers_than_devices_are_refused(choose: object) -> None:
    with pytest.raises(UsageError, match=r"2 devices cannot train 3 layers.*at least 3 devices"):
        choose(2, 3)  # type: ignore[operator]


@pytest.mark.parametrize("lists", [[[0]], [[0], []], [[0], [2]], [[0], [-1]]])
def test_layer_lists_must_fit_the_fleet(lists: list[list[int]]) -> None:
    with pytest.raises(UsageError, match="device_layers"):
        per_device(lists, 2, 2)


def test_devices_train_what_fits_their_memory() -> None:
    network = Tuned().network((64, 32, 10), 10)
    everything = device_memory(network, (0, 1), 20, 10).total
    first = device_memory(network, (0,), 20, 10, frozen_in_flash=True).total
    last = device_memory(network, (1,), 20, 10, frozen_in_flash=True).total
    assert last < first < everything
    assign = memory_aware(network, [everything, last], 4, 20, 10, frozen_in_flash=True)
    assert [assign(device, 0) for device in range(4)] == [(0, 1), (1,), (0, 1), (1,)]


def test_a_device_too_small_for_all_layers_takes_them_in_turn() -> None:
    network = Tuned().network((16, 16, 16, 16), 10)
    two = device_memory(network, (0, 1), 4, 10, frozen_in_flash=True).total
    assign = memory_aware(network, [two], 1, 4, 10, frozen_in_flash=True)
    seen = {assign(0, number) for number in range(3)}
    # Two layers fit, but not 1 and 2: both need their inputs kept, the first reads the buffer.
    assert device_memory(network, (1, 2), 4, 10, frozen_in_flash=True).total > two
    assert seen == {(0, 1), (0, 2)}


def test_a_device_that_fits_nothing_is_named() -> None:
    network = Tuned().network((64, 32, 10), 10)
    need = min(device_memory(network, (layer,), 20, 10).total for layer in (0, 1))
    with pytest.raises(UsageError, match=f"100 bytes of device 1; the smallest needs {need} bytes"):
        memory_aware(network, [100_000, 100], 2, 20, 10, frozen_in_flash=False)


def test_single_layer_memory_with_frozen_layers_in_flash_is_far_smaller() -> None:
    network = Tuned().network((784, 200, 10), 10)
    full = device_memory(network, (0, 1), 50, 10).total
    last = device_memory(network, (1,), 50, 10, frozen_in_flash=True).total
    assert full > 5 * last


@pytest.mark.parametrize(("devices", "depth"), [(3, 3), (7, 3), (8, 4), (5, 2), (1, 1)])
def test_roles_are_those_of_the_specification(devices: int, depth: int) -> None:
    choices = {choose: choose(devices, depth) for choose in (contiguous, alternating, rotating)}
    for device in range(devices):
        group = device * depth // devices
        for number in range(2 * depth + 1):
            assert choices[contiguous](device, number) == (group,)
            assert choices[alternating](device, number) == (device % depth,)
            assert choices[rotating](device, number) == ((group + number) % depth,)


@pytest.mark.parametrize("devices", [2, 3, 4, 7, 8, 12, 15])
def test_a_quarter_is_rounded_down_and_at_least_one(devices: int) -> None:
    assign, quarter = rotating_quarter(devices, 2), max(1, devices // 4)
    for number in range(5):
        for device in range(devices):
            last = (device + number * quarter) % devices < quarter
            assert assign(device, number) == (int(last),)


def test_what_fits_starts_at_a_layer_that_moves_on_and_goes_round() -> None:
    network, buffer, batch = Tuned().network((40, 24, 20, 12, 10), 10), 6, 10
    depth = network.depth

    def cost(*layers: int) -> int:
        return device_memory(network, tuple(sorted(layers)), buffer, batch, True).total

    alone = [cost(layer) for layer in range(depth)]
    assert len(set(alone)) == depth
    budgets = [*sorted(alone), cost(0, 2), cost(1, 3), cost(0, 1, 2), cost(*range(depth))]
    assign = memory_aware(network, budgets, 2 * len(budgets), buffer, batch, frozen_in_flash=True)
    seen = set()
    for device in range(2 * len(budgets)):
        budget = budgets[device % len(budgets)]
        fitting = [layer for layer in range(depth) if alone[layer] <= budget]
        for number in range(2 * depth):
            first = fitting[(device + number) % len(fitting)]
            layers = [first]
            for step in range(1, depth):
                if cost(*layers, (first + step) % depth) <= budget:
                    layers.append((first + step) % depth)
            assert assign(device, number) == tuple(sorted(layers))
            seen.add(assign(device, number))
    # All sizes came up.
    assert {len(layers) for layers in seen} == {1, 2, 3, 4}


def test_budgets_are_for_devices_in_turn_and_at_least_one() -> None:
    network = Tuned().network((16, 16, 16), 10)
    everything = device_memory(network, (0, 1), 4, 10).total
    assert memory_aware(network, [everything], 3, 4, 10, frozen_in_flash=False)(2, 5) == (0, 1)
    # The second budget is no device's.
    assert memory_aware(network, [everything, 1], 1, 4, 10, frozen_in_flash=False)(0, 0) == (0, 1)
    with pytest.raises(UsageError, match=r"memory\.budgets: name at least one"):
        memory_aware(network, [], 1, 4, 10, frozen_in_flash=False)


def test_lists_are_one_for_each_device() -> None:
    with pytest.raises(UsageError, match="device_layers: 1 lists for 2 devices"):
        per_device([[0]], 2, 2)
    with pytest.raises(
        UsageError, match=r"device 1 has \[2\]; name one or more of the layers 0\.\.1"
    ):
        per_device([[0], [2]], 2, 2)
