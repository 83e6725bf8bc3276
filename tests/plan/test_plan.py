"""What fits, what it costs, and where each figure is from."""

import json
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tifed.board import Measured, load_boards
from tifed.board.measured import Image, Round, fingerprint_of
from tifed.errors import UsageError
from tifed.experiment import Experiment, load_experiment, run
from tifed.experiment.setup import build, network_for
from tifed.federation.costs import Costs
from tifed.fleets import SimulatedFleet
from tifed.plan import DeploymentPlan, Placement, Source, work
from tifed.plan.as_json import as_json
from tifed.rule.network.memory import device_memory

MakePlan = Callable[..., DeploymentPlan]

WIDE = ("dataset=mnist", "layers=[784,200,10]")


def placement(plan: DeploymentPlan, name: str, board: int = 0) -> Placement:
    return next(one for one in plan.boards[board].placements if one.choice.name == name)


def test_the_small_network_fits_the_smallest_board(make_plan: MakePlan) -> None:
    plan = make_plan(names=("microbit",))
    assert [one.fits for one in plan.boards[0].placements] == [True] * 5
    full = placement(plan, "full network")
    assert full.ram_total.value < 16 * 1024
    assert full.ram_total.source is Source.MODELLED, "its code was not compiled"


def test_the_last_layer_needs_a_fifth_where_the_others_are_in_flash(make_plan: MakePlan) -> None:
    plan = make_plan(*WIDE)
    for number, board in enumerate(plan.boards):
        full = placement(plan, "full network", number)
        last = placement(plan, "layer 1, others in flash", number)
        if not board.board.reserved_ram:
            assert full.ram_total.value >= 5 * last.ram_total.value
        core = full.ram_total.value - board.board.reserved_ram
        assert core >= 5 * (last.ram_total.value - board.board.reserved_ram)
        assert last.flash["frozen weights"].value == 784 * 200 * 2 + 200 * 2
        assert last.flash_written == 314_000
    fits = {board.name: board.placements[0].fits for board in plan.boards}
    assert fits["stm32h743"]
    assert not fits["nrf52840"]
    assert placement(make_plan(*WIDE, names=("nrf52840",)), "layer 1, others in flash").fits


def test_ram_parts_are_the_cores_own(make_plan: MakePlan) -> None:
    plan = make_plan("batch=7")
    for one in plan.boards[0].placements:
        memory = device_memory(plan.network, one.choice.layers, 20, 7, one.choice.frozen_in_flash)
        computed = [part for part in one.ram.values() if part.source is Source.COMPUTED]
        assert sum(part.value for part in computed) == memory.total


def test_flash_can_be_what_is_missing(make_plan: MakePlan) -> None:
    plan = make_plan(*WIDE, names=("stm32f103",))
    last = placement(plan, "layer 1, others in flash")
    assert last.flash_total.value > last.board.flash
    small = make_plan("layers=[64,480,10]", "buffer=4", "batch=2", names=("stm32f103",))
    last = placement(small, "layer 1, others in flash")
    assert last.ram_total.value <= last.board.ram
    assert last.flash_total.value > last.board.flash
    assert not last.fits


@pytest.mark.parametrize("mode", ["full-network", "single-layer"])
@pytest.mark.parametrize(
    "every",
    [
        "average_every=buffer", "average_every=epoch", "average_every=mini-batch",
        "buffers_per_round=3",
    ],
)  # fmt: skip
def test_bytes_and_operations_are_those_that_a_run_counts(mode: str, every: str) -> None:
    experiment = load_experiment(
        preset="digits",
        overrides=[
            "rounds=4",
            "devices=4",
            f"mode={mode}",
            "assignment=rotating",
            every,
            "batch=7",
        ],
    )
    setup = build(experiment)
    assert isinstance(setup.fleet, SimulatedFleet)
    depth = setup.network.depth
    works = [work(experiment, setup.network, layers) for layers in ((0, 1), (0,), (1,))]
    # In single-layer mode roles rotate over two layers and four rounds: a device has each twice.
    per_device = [works[0]] * 4 if mode == "full-network" else [works[1], works[2]] * 2
    expected = Costs(
        sum(one.bytes_down for one in per_device) + works[0].bytes_once_down,
        sum(one.bytes_up for one in per_device) + works[0].bytes_once_up,
        sum(one.operations.macs for one in per_device),
    )
    assert depth == 2
    assert _run_costs(experiment) == expected


def _run_costs(experiment: Experiment) -> Costs:
    """Per device, from a run's own result."""
    with tempfile.TemporaryDirectory() as folder:
        result = run(experiment, out=Path(folder) / "run")
    return Costs(
        round(result.bytes_down_per_device),
        round(result.bytes_up_per_device),
        round(result.macs_per_device),
    )


def test_measured_figures_take_the_models_place(make_plan: MakePlan) -> None:
    network = network_for(load_experiment(preset="digits"))
    measured = Measured(
        images=(
            Image(core="cortex-m4", command="size", code=5000, static=700, stack=240, compiler="c"),
        ),
        rounds=(
            Round(
                core="cortex-m4", command="count", recipe="tuned", shape=(64, 32, 10),
                layers=(0, 1), buffer=20, batch=10, local_epochs=5, instructions=3_000_000,
                fingerprint=fingerprint_of(network, 20, 10),
            ),
        ),
    )  # fmt: skip
    modelled = make_plan(names=("stm32f411", "microbit"))
    plan = make_plan(names=("stm32f411", "microbit"), measured=measured)
    full = placement(plan, "full network")
    assert full.instructions == type(full.instructions)(3_000_000, Source.MEASURED)
    assert full.compute_seconds.source is Source.MODELLED, "instructions are not cycles"
    assert full.compute_seconds.value == pytest.approx(3_000_000 * 1.4 / 100e6)
    assert full.flash_total == type(full.instructions)(5000, Source.MEASURED)
    assert full.ram["stack"].value == 240
    assert full.ram["firmware"].value == 700 + 64
    assert full.ram_total.source is Source.MEASURED
    # Another round of the same core is scaled as far as the model was off; another core is not.
    scale = 3_000_000 / placement(modelled, "full network").instructions.value
    for name in ("layer 0, others in RAM", "layer 1, others in flash"):
        before, after = (placement(one, name).instructions for one in (modelled, plan))
        assert after.source is Source.MODELLED
        assert after.value == pytest.approx(before.value * scale, rel=1e-5)
    assert placement(plan, "full network", 1) == placement(modelled, "full network", 1)


def test_energy_is_current_times_time_and_bytes(make_plan: MakePlan) -> None:
    plan = make_plan(names=("nrf52840",))
    board = plan.boards[0].board
    full = placement(plan, "full network")
    assert full.compute_joules.value == pytest.approx(full.compute_seconds.value * 0.0033 * 3)
    expected = full.work.bytes_up * board.radio.sent + full.work.bytes_down * board.radio.received
    assert full.radio_joules.value == pytest.approx(expected * 1e-9)
    assert full.radio_seconds.value == pytest.approx(2 * 4820 * 8 / 700_000)


def test_more_work_takes_more_instructions(make_plan: MakePlan) -> None:
    counts = [
        placement(make_plan(f"local_epochs={epochs}"), "full network").instructions.value
        for epochs in (1, 2, 4)
    ]
    assert all(2 * a == pytest.approx(b, rel=1e-5) for a, b in pairwise(counts))
    paper = [
        placement(make_plan("recipe=paper", f"layers={layers}"), "full network").instructions.value
        for layers in ("[64,32,10]", "[64,32,32,10]")
    ]
    assert paper[1] > paper[0]
    one = make_plan()
    assert (
        placement(one, "layer 1, others in RAM").instructions.value
        < placement(one, "full network").instructions.value
    )


@pytest.mark.parametrize(
    ("overrides", "needed"),
    [
        ([], [(0, 1)]),
        (["mode=single-layer"], [(0,), (1,)]),
        (["mode=single-layer", "assignment=contiguous", "devices=5000"], [(0,), (1,)]),
        (["mode=memory-aware", "memory.budgets=[100000,5000]", "memory.frozen_in=flash"],
         [(0, 1), (1,)]),
        (["layers=[64,8,8,10]", "mode=per-device", "devices=2", "device_layers=[[0,2],[1]]"],
         [(0, 2), (1,)]),
    ],
)  # fmt: skip
def test_what_the_experiment_asks_of_devices(
    make_plan: MakePlan, overrides: list[str], needed: list[tuple[int, ...]]
) -> None:
    plan = make_plan(*overrides)
    assert sorted(plan.needed) == sorted(needed)
    offered = {one.choice.layers for one in plan.boards[0].placements}
    assert set(needed) <= offered


def test_a_part_of_the_devices_takes_a_part_of_the_rounds() -> None:
    experiment = load_experiment(preset="digits", overrides=["devices_per_round=2"])
    one = work(experiment, network_for(experiment), (0, 1))
    assert one.rounds == 60 * 2 / 8
    assert one.bytes_of_training == 15 * 2 * 4820 + 64 + 256 + 8


def test_simulation_only_networks_are_refused(make_plan: MakePlan) -> None:
    with pytest.raises(UsageError, match="weight_bits: 32 is for simulations"):
        make_plan("recipe=paper", "recipe_settings.weight_bits=32")
    with pytest.raises(UsageError, match="layers: 33 of weights; a device holds 32"):
        make_plan(f"layers={[64, *[8] * 32, 10]}", "batch=4")


def test_json_names_every_source(make_plan: MakePlan) -> None:
    plan = make_plan(names=("microbit", "esp32-c3"))
    plain = json.loads(json.dumps(as_json(plan, load_boards(), Measured())))
    assert [board["name"] for board in plain["boards"]] == ["microbit", "esp32-c3"]
    choice = plain["boards"][0]["choices"][0]
    assert choice["fits"] is True
    assert choice["ram"]["value"] == sum(p["value"] for p in choice["ram"]["parts"].values())
    assert choice["bytes_per_round"] == {"down": 4820, "up": 4820}
    sources = _sources(plain)
    assert sources <= {"computed", "measured", "modelled", "assumed"}
    assert {"computed", "modelled", "assumed"} <= sources


def _sources(value: object) -> set[str]:
    """Every source in a tree."""
    if isinstance(value, dict):
        own = {value["source"]} if "source" in value else set()
        return own.union(*map(_sources, value.values()))
    if isinstance(value, list):
        return set().union(*map(_sources, value))
    return set()
