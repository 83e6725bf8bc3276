"""What the motion front end costs: measured figures are today's, others are near them."""

import importlib.util

import pytest

from tifed.board import load_boards, load_measured
from tifed.board.firmware import EMULATED_PROCESSORS
from tifed.board.measured_motion import load_motion_runs
from tifed.experiment import Experiment
from tifed.experiment.setup import network_of
from tifed.plan import Preprocessing, plan
from tifed.plan.as_json import as_json
from tifed.plan.figure import Source
from tifed.plan.measure_motion import SHAPES, measure_one
from tifed.plan.signal_costs import STREAM, motion_instructions
from tifed.plan.tables import tables
from tifed.rule.signal.motion import MotionFrontEnd

RUNS = load_motion_runs()


def test_every_processor_and_window_was_measured() -> None:
    found = {(row.core, (row.axes, row.window)) for row in RUNS.rows}
    assert found == {(core, shape) for core in EMULATED_PROCESSORS for shape in SHAPES}


@pytest.mark.slow(4)
@pytest.mark.skipif(importlib.util.find_spec("unicorn") is None, reason="pip install unicorn")
@pytest.mark.parametrize("processor", ["cortex-m0", "cortex-m4", "riscv32"])
def test_the_table_is_what_is_measured_today(processor: str) -> None:
    row = next(row for row in RUNS.of(processor) if (row.axes, row.window) == (3, 64))
    assert measure_one(MotionFrontEnd(3, 64), processor) == row


def test_an_unmeasured_window_lies_between_its_neighbours() -> None:
    core = load_boards().cores["cortex-m4"]
    exact = motion_instructions("cortex-m4", core, MotionFrontEnd(6, 128), RUNS)
    between = motion_instructions("cortex-m4", core, MotionFrontEnd(6, 200), RUNS)
    largest = motion_instructions("cortex-m4", core, MotionFrontEnd(6, 256), RUNS)
    assert exact.source is largest.source is Source.MEASURED
    assert between.source is Source.MODELLED
    assert exact.value < between.value < largest.value


def test_a_plan_has_the_window_s_cost_and_room() -> None:
    front_end = MotionFrontEnd(6, 128)
    experiment = Experiment(front_end="motion", layers=(117, 32, 7))
    network, boards, measured = network_of(experiment, 117, 7), load_boards(), load_measured()
    before = Preprocessing(signal=front_end, motion_runs=RUNS)
    made = plan(experiment, network, boards, measured, ("nrf52840",), before)
    plain = as_json(made, boards, measured)
    assert plain["signal"]["memory_bytes"] == 2816
    assert before.ram(117)["readings"].value == 2816 + STREAM + 117
    assert "python -m tifed.plan.measure_motion" in plain["measured_by"]["features"]
    assert len(list(tables(made, measured, parts=True))) > 2
