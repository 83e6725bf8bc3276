"""What `tifed plan` says of a front end, against images and processors."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tifed.board import Board, Measured, load_boards, load_measured
from tifed.board.emulators.qemu import QemuBoard
from tifed.board.firmware import EMULATED_PROCESSORS, build_firmware, experiment_header
from tifed.board.firmware.elf import read_image
from tifed.board.firmware.emulated_boards import QEMU
from tifed.board.measured_front_end import (
    FrontEndRuns,
    load_front_end_runs,
    write_front_end_runs,
)
from tifed.cli import app
from tifed.data import Samples
from tifed.errors import UsageError
from tifed.experiment import Experiment, load_experiment
from tifed.experiment.setup import network_for
from tifed.extractor import Dense, Extractor
from tifed.extractor.shipped import find_extractor
from tifed.link import Client, Patience
from tifed.plan import Preprocessing, Source, plan
from tifed.plan.board_memory import flash_parts, ram_parts
from tifed.plan.emulated_round import emulated_round
from tifed.plan.front_end_costs import front_end_instructions
from tifed.plan.measure_front_end import SHAPES, measure_one, noise
from tifed.rule.front_end import EDGE_FRONT_ENDS, FrontEnd, front_end_memory

OCTANTS = FrontEnd("octants", (28, 28, 1))
EXPERIMENT = Experiment(dataset="fashion-mnist", front_end="octants", layers=(392, 8, 10))
RUNS = load_front_end_runs()
"""Checked when it is read: no row is about a front end of another day."""


def test_every_front_end_was_measured_on_every_processor() -> None:
    found = {(row.core, row.front_end, row.shape) for row in RUNS.rows}
    assert found == {
        (core, name, shape)
        for core in EMULATED_PROCESSORS
        for name in EDGE_FRONT_ENDS
        for shape in SHAPES
    }


@pytest.mark.slow
@pytest.mark.parametrize("processor", EMULATED_PROCESSORS)
def test_a_measured_front_end_costs_what_a_processor_counts(processor: str) -> None:
    counted = measure_one(OCTANTS, processor)
    figure = front_end_instructions(processor, load_boards().cores[processor], OCTANTS, RUNS)
    assert figure.source is Source.MEASURED
    # Compilers and their options differ by little.
    assert figure.value == pytest.approx(counted.instructions, rel=0.05)


def test_others_are_modelled_from_what_was_measured() -> None:
    """All pictures of one size, left out of the model, are estimated within a tenth."""
    cores = load_boards().cores
    for row in RUNS.rows:
        rest = FrontEndRuns(rows=tuple(it for it in RUNS.rows if it.shape != row.shape))
        figure = front_end_instructions(row.core, cores[row.core], row.made, rest)
        assert figure.source is Source.MODELLED
        assert figure.value == pytest.approx(row.instructions, rel=0.1), row
    for name, core in cores.items():
        nobody = front_end_instructions("mine", core, OCTANTS, RUNS)
        assert nobody.source is Source.MODELLED
        assert 1 / 2 < nobody.value / front_end_instructions(name, core, OCTANTS, RUNS).value < 2


@pytest.mark.slow(3)
@pytest.mark.parametrize("processor", EMULATED_PROCESSORS)
def test_ram_flash_and_stack_of_an_image_are_as_planned(processor: str) -> None:
    """What a front end adds to a compiled image: exactly the parts of the plan."""
    board, network = QEMU[processor], network_for(EXPERIMENT)
    built = [
        build_firmware(board, experiment_header(network, [(0, 1)], 8, 10, front_end=it))
        for it in (None, OCTANTS)
    ]
    sizes = [read_image(it.elf) for it in built]
    before = Preprocessing(OCTANTS, front_end_runs=RUNS)
    row = board_with(processor)
    choice = plan(
        EXPERIMENT, network, load_boards(), Measured(), before=before
    ).boards[0].placements[0].choice  # fmt: skip
    parts = [
        ram_parts(EXPERIMENT, network, choice, row, load_measured(), it)
        for it in (Preprocessing(), before)
    ]
    names = ("front end", "firmware")
    planned = [sum(it[name].value for name in names if name in it) for it in parts]
    assert sizes[1].data - sizes[0].data == planned[1] - planned[0]
    assert parts[1]["front end"].value == front_end_memory(OCTANTS).total + 68
    flash = flash_parts(EXPERIMENT, network, choice, row, load_measured(), before)
    # Beside it there are calls, and the numbers that describe it.
    more = sizes[1].code - sizes[0].code
    assert flash["front end's code"].value <= more <= flash["front end's code"].value + 200

    chip = QemuBoard(built[1], count_instructions=True)
    try:
        client = Client(board.name, chip.open, Patience(answer=5.0, silence=120.0))
        client.open_session()
        client.configure((0, 1), 1)
        client.add_samples(noise(784)[np.newaxis], np.zeros(1, np.int32))
        status = client.status()
        client.close()
    finally:
        chip.close()
    assert status.stack <= parts[1]["stack"].value
    # Pieces of a sample are given to it one by one.
    figure = front_end_instructions(processor, load_boards().cores[processor], OCTANTS, RUNS)
    assert figure.value <= board.instructions(status.ticks) <= 1.06 * figure.value


@pytest.mark.slow(2)
@pytest.mark.parametrize(
    ("preset", "board"),
    [("fashion-mnist-edges-small-16kb", "microbit"), ("fashion-mnist-octants-32kb", "samd21")],
)
def test_presets_for_small_boards_fit_them(preset: str, board: str) -> None:
    """By the plan, and a compiled image takes what the plan says."""
    experiment = load_experiment(preset=preset)
    assert experiment.front_end is not None
    front_end = FrontEnd(experiment.front_end, (28, 28, 1))
    network, before = network_for(experiment), Preprocessing(front_end, front_end_runs=RUNS)
    planned = plan(experiment, network, load_boards(), load_measured(), (board,), before)
    whole = planned.boards[0].placements[0]
    assert whole.fits
    # One pass over the 60,000 pictures, as in the preset that it follows.
    assert experiment.devices * experiment.rounds * experiment.buffer == 60_000
    header = experiment_header(
        network, [(0, 1)], experiment.buffer, experiment.batch, front_end=front_end
    )
    image = read_image(build_firmware(QEMU["cortex-m3"], header).elf)
    # Up to the alignment of variables.
    assert abs(image.data - (whole.ram_total.value - whole.ram["stack"].value)) <= 8
    if board != "microbit":
        return
    # QEMU has this one, with its 16 KB: a round's training is what was modelled.
    rng = np.random.default_rng(1)
    features = front_end.compute(rng.integers(-128, 128, (experiment.buffer, 784)).astype(np.int8))
    samples = Samples(features, (np.arange(experiment.buffer) % 10).astype(np.int32))
    start = experiment.build_recipe().start_parameters(network, experiment.seed)
    steps = experiment.local_epochs * experiment.buffer // experiment.batch
    plain = experiment_header(network, [(0, 1)], experiment.buffer, experiment.batch)
    assert read_image(build_firmware(QEMU["cortex-m0"], header).elf).data <= 16 * 1024 - 468
    firmware = build_firmware(QEMU["cortex-m0"], plain)
    counted = emulated_round(firmware, network, (0, 1), samples, start, steps, 1)
    made = experiment.buffer * whole.per_sample["front end"].value
    assert whole.instructions.value - made == pytest.approx(counted.instructions, rel=0.25)
    assert counted.stack <= whole.ram["stack"].value


def board_with(processor: str) -> Board:
    """A known board with another processor."""
    return load_boards().boards["stm32f411"].model_copy(update={"core": processor})


def test_a_plan_shows_the_front_end() -> None:
    chosen = ("--set", "front_end=edges", "--board", "microbit")
    done = CliRunner().invoke(app, ["plan", *chosen, "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.output)
    made = FrontEnd("edges", (8, 8, 1))
    assert said["front_end"] == {
        "name": "edges", "digest": made.digest, "input_shape": [8, 8, 1], "features": 64,
        "memory_bytes": front_end_memory(made).total,
    }  # fmt: skip
    assert said["bytes_per_sample"] == 64
    assert said["measured_by"]["features"] == ["python -m tifed.plan.measure_front_end"]
    first = said["boards"][0]["choices"][0]
    one = first["front_end_instructions_per_sample"]
    assert one["source"] == "measured"
    plain = json.loads(CliRunner().invoke(app, ["plan", "--board", "microbit", "--json"]).output)
    without = plain["boards"][0]["choices"][0]
    assert plain["front_end"] is None
    assert without["front_end_instructions_per_sample"] is None
    # Once a sample, not once an epoch: the buffer holds 20.
    more = first["instructions_per_round"]["value"] - without["instructions_per_round"]["value"]
    assert more == 20 * one["value"]
    room = first["ram"]["value"] - without["ram"]["value"]
    assert room == front_end_memory(made).total + 68
    shown = CliRunner().invoke(app, ["plan", *chosen]).output
    assert "features of one sample: 64, from 64 bytes" in shown
    assert "front end's code" in shown
    assert "python -m tifed.plan.measure_front_end" in shown


def test_an_extractor_may_follow() -> None:
    weights = np.ones((16, 2 * 2 * 8), np.int8)
    layer = Dense(weights, np.zeros(16, np.int32), np.full(16, 5, np.uint8))
    extractor = Extractor((2, 2, 8), -128, (layer,), "nothing")
    front_end = FrontEnd("octants", (8, 8, 1))
    before = Preprocessing(front_end, extractor)
    before.check(extractor.features)
    assert before.inputs(16) == 8 * 8
    assert before.kept(16) == 2 * 2 * 8
    assert list(before.ram(16)) == ["front end", "extraction"]
    core = load_boards().cores["cortex-m4"]
    assert list(before.instructions("cortex-m4", core)) == ["front end", "extraction"]
    with pytest.raises(UsageError, match="extractor: the extractor takes 32 features, the front "):
        replace(before, front_end=OCTANTS).check(extractor.features)
    # As many values, but no picture of 28x28 pixels.
    other = Preprocessing(FrontEnd("edges-small", (56, 56, 1)), find_extractor("mnist"))
    with pytest.raises(
        UsageError, match=r"extractor: the extractor takes \(28, 28, 1\), the front"
    ):
        other.check(200)


def test_what_is_not_a_boards_front_end_is_refused_by_name() -> None:
    network = network_for(EXPERIMENT)
    for other in (None, FrontEnd("edges", (14, 14, 1))):
        with pytest.raises(UsageError, match="front_end: the experiment names 'octants', but "):
            plan(EXPERIMENT, network, load_boards(), Measured(), before=Preprocessing(other))
    wrong = Preprocessing(FrontEnd("octants", (8, 8, 1)))
    with pytest.raises(UsageError, match="layers: the network takes 392 features, the front end "):
        plan(EXPERIMENT, network, load_boards(), Measured(), before=wrong)


def test_a_table_of_another_day_is_named(tmp_path: Path) -> None:
    write_front_end_runs(tmp_path, RUNS)
    assert load_front_end_runs(tmp_path) == RUNS
    path = tmp_path / "front_ends.csv"
    text = path.read_text()
    for old, new, message in (
        (OCTANTS.digest, "0" * 64, "line .*digest: the front end 'octants' is another one today"),
        (",octants,", ",sextants,", "there is no front end 'sextants'"),
        (",28-28-1,", ",28-28,", r"shape: .* is not a height, a width and channels"),
    ):
        path.write_text(text.replace(old, new, 1))
        with pytest.raises(UsageError, match=message):
            load_front_end_runs(tmp_path)
