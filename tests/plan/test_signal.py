"""What the front ends of sensors cost: measured figures are today's, others are near them."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import typer
from scipy.io import wavfile
from typer.testing import CliRunner

from tifed.board import load_boards, load_measured
from tifed.board.firmware import EMULATED_PROCESSORS
from tifed.board.measured_signal import SignalRuns, load_signal_runs, shape_of
from tifed.cli.plan import plan as plan_command
from tifed.experiment import Experiment
from tifed.experiment.setup import network_of
from tifed.plan import Preprocessing, plan
from tifed.plan.as_json import as_json
from tifed.plan.figure import Source
from tifed.plan.measure_signal import FRONT_ENDS, measure_one
from tifed.plan.signal_costs import STREAM, signal_instructions
from tifed.plan.tables import tables
from tifed.rule.signal import SignalFrontEnd
from tifed.rule.signal.log_mel import LogMel
from tifed.rule.signal.motion import MotionFrontEnd

RUNS = load_signal_runs()


def test_every_processor_and_front_end_was_measured() -> None:
    found = {(row.core, row.front_end, row.shape) for row in RUNS.rows}
    wanted = {(core, one.name, shape_of(one)) for core in EMULATED_PROCESSORS for one in FRONT_ENDS}
    assert found == wanted
    assert [row.made for row in RUNS.of("cortex-m0")] == [*FRONT_ENDS]


@pytest.mark.slow(4)
@pytest.mark.skipif(importlib.util.find_spec("unicorn") is None, reason="pip install unicorn")
@pytest.mark.parametrize("processor", ["cortex-m0", "cortex-m4", "riscv32"])
@pytest.mark.parametrize(
    "signal", [MotionFrontEnd(3, 64), LogMel(frames=8)], ids=["motion", "sound"]
)
def test_the_table_is_what_is_measured_today(processor: str, signal: SignalFrontEnd) -> None:
    row = next(row for row in RUNS.about(processor, signal) if row.shape == shape_of(signal))
    assert measure_one(signal, processor) == row


@pytest.mark.parametrize(
    "three",
    [
        [MotionFrontEnd(6, window) for window in (128, 200, 256)],
        [LogMel(frames=frames) for frames in (98, 150, 226)],
    ],
    ids=["motion", "sound"],
)
def test_an_unmeasured_one_lies_between_its_neighbours(three: list[SignalFrontEnd]) -> None:
    core = load_boards().cores["cortex-m4"]
    exact, between, largest = (signal_instructions("cortex-m4", core, one, RUNS) for one in three)
    assert exact.source is largest.source is Source.MEASURED
    assert between.source is Source.MODELLED
    assert exact.value < between.value < largest.value


def test_a_plan_has_the_window_s_cost_and_room() -> None:
    front_end = MotionFrontEnd(6, 128)
    experiment = Experiment(front_end="motion", layers=(117, 32, 7))
    network, boards, measured = network_of(experiment, 117, 7), load_boards(), load_measured()
    before = Preprocessing(signal=front_end, signal_runs=RUNS)
    made = plan(experiment, network, boards, measured, ("nrf52840",), before)
    plain = as_json(made, boards, measured)
    assert plain["signal"]["memory_bytes"] == 2816
    assert before.ram(117)["readings"].value == 2816 + STREAM + 117
    assert "python -m tifed.plan.measure_signal" in plain["measured_by"]["features"]
    assert len(list(tables(made, measured, parts=True))) > 2


def test_recordings_have_their_cost_in_a_plan_whether_the_front_end_is_named_or_not(
    tmp_path: Path,
) -> None:
    """A folder of recordings: the longest has 98 frames, as one that was measured."""
    for word in ("no", "yes"):
        (tmp_path / word).mkdir()
        for number in range(3):
            sound = np.arange(8000 - 500 * number, dtype=np.int16)
            wavfile.write(tmp_path / word / f"{number}.wav", 8000, sound)
    app = typer.Typer()
    app.command()(plan_command)
    shown = []
    for named in ([], ["--set", "front_end=log-mel"]):
        settings = [f"dataset={tmp_path}", "layers=[200,8,2]"]
        pairs = [word for setting in settings for word in ("--set", setting)]
        outcome = CliRunner().invoke(app, [*pairs, *named, "--board", "nrf52840", "--json"])
        assert outcome.exit_code == 0, outcome.output
        shown.append(json.loads(outcome.output))
    assert shown[0] == shown[1]
    assert shown[0]["signal"]["memory_bytes"] == 924 + 40 * 98
    full = shown[0]["boards"][0]["choices"][0]
    row = next(row for row in RUNS.about("cortex-m4", LogMel()) if row.shape == (98,))
    assert full["signal_instructions_per_sample"]["value"] == row.instructions
    assert full["signal_instructions_per_sample"]["source"] == "measured"
    assert full["ram"]["parts"]["readings"]["value"] == 924 + 40 * 98 + 200
    assert full["flash"]["parts"]["code for readings"]["source"] == "measured"


def test_a_core_that_nothing_was_measured_on_gets_figures_of_the_same_size() -> None:
    core = load_boards().cores["cortex-m4"]
    modelled = signal_instructions("cortex-m4", core, LogMel(frames=98), SignalRuns())
    measured = signal_instructions("cortex-m4", core, LogMel(frames=98), RUNS)
    assert modelled.source is Source.MODELLED
    assert 0.5 < modelled.value / measured.value < 2
