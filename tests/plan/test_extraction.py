"""What `tifed plan` says of an extractor, against images and processors."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tifed.board import Measured, load_boards
from tifed.board.firmware import build_firmware, experiment_header
from tifed.board.firmware.elf import read_image
from tifed.board.firmware.emulated_boards import QEMU
from tifed.board.measured_extraction import Extractions, load_extractions, write_extractions
from tifed.cli import app
from tifed.errors import UsageError
from tifed.experiment import Experiment
from tifed.experiment.setup import network_for
from tifed.extractor.memory import extractor_memory
from tifed.extractor.operations import extractor_operations
from tifed.extractor.packed import constant_bytes
from tifed.extractor.shipped import find_extractor
from tifed.plan import Preprocessing, Source, plan
from tifed.plan.board_memory import flash_parts, ram_parts
from tifed.plan.extraction_costs import extraction_instructions
from tifed.plan.measure_extraction import measure_one, probes

EXPERIMENT = Experiment(dataset="fashion-mnist", extractor="mnist", layers=(200, 50, 10))
MNIST = find_extractor("mnist")


@pytest.mark.slow
def test_ram_and_flash_of_an_image_are_as_planned() -> None:
    """What an extractor adds to a compiled image: exactly the parts of the plan."""
    board, network = QEMU["cortex-m4"], network_for(EXPERIMENT)
    sizes = [
        read_image(
            build_firmware(board, experiment_header(network, [(0, 1)], 20, 10, extractor=it)).elf
        )
        for it in (None, MNIST)
    ]
    assert extractor_memory(MNIST).total == 400 + 14 * 14 * 16
    known = load_boards().boards["nrf52840"]
    choice = plan(EXPERIMENT, network, load_boards(), Measured()).boards[0].placements[0].choice
    with_it = Preprocessing(extractor=MNIST, extractions=load_extractions())
    parts = [
        ram_parts(EXPERIMENT, network, choice, known, Measured(), it)
        for it in (Preprocessing(), with_it)
    ]
    names = ("extraction", "firmware")
    planned = [sum(it[name].value for name in names if name in it) for it in parts]
    assert sizes[1].data - sizes[0].data == planned[1] - planned[0]
    flash = flash_parts(EXPERIMENT, network, choice, known, Measured(), with_it)
    planned_flash = flash["extractor"].value + flash["extractor's code"].value
    # Beside both there are the tables of layers, and calls.
    assert planned_flash <= sizes[1].code - sizes[0].code <= planned_flash + 400


@pytest.mark.slow
def test_a_measured_extractor_costs_what_a_processor_counts() -> None:
    """The table's row is what an emulated M4 does, which is at most 2.5 per MAC."""
    counted = measure_one(QEMU["cortex-m4"], "mnist", MNIST)
    known, extractions = load_boards(), load_extractions()
    core = known.cores["cortex-m4"]
    figure = extraction_instructions("cortex-m4", core, MNIST, extractions)
    assert figure.source is Source.MEASURED
    # Compilers and their options differ by little.
    assert figure.value == pytest.approx(counted.instructions, rel=0.05)
    assert counted.operations == extractor_operations(MNIST)
    assert counted.instructions <= 2.5 * counted.operations.macs


def test_others_are_modelled_from_what_was_measured() -> None:
    """Each measured extractor, left out of the model, is estimated within a fifth."""
    extractions, cores = load_extractions(), load_boards().cores
    every = {it.digest: it for it in (MNIST, *(extractor for _, extractor in probes()))}
    looked = 0
    for row in extractions.rows:
        if row.extractor not in every or row.name.startswith(("1x1", "dense")):
            continue  # these alone tell what a window and a product cost
        rest = Extractions(
            rows=tuple(it for it in extractions.rows if it.extractor != row.extractor)
        )
        figure = extraction_instructions(row.core, cores[row.core], every[row.extractor], rest)
        assert figure.source is Source.MODELLED
        assert figure.value == pytest.approx(row.instructions, rel=0.2), row.name
        looked += 1
    assert looked == 6 * 5
    nobody = extraction_instructions("mine", cores["cortex-m0"], MNIST, extractions)
    assert nobody.value == round(
        extractor_operations(MNIST).products * cores["cortex-m0"].forward_per_mac
    )


def test_a_plan_shows_the_extractor() -> None:
    chosen = ("--set", "dataset=fashion-mnist", "--set", "extractor=mnist", "--set")
    command = ["plan", *chosen, "layers=[200,50,10]", "--board", "nrf52840"]
    done = CliRunner().invoke(app, [*command, "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.output)
    macs = extractor_operations(MNIST).macs
    assert said["extractor"] == {
        "digest": MNIST.digest, "input_shape": [28, 28, 1], "features": 200,
        "macs_per_sample": macs, "constant_bytes": constant_bytes(MNIST),
        "memory_bytes": extractor_memory(MNIST).total,
    }  # fmt: skip
    first = said["boards"][0]["choices"][0]
    one = first["extraction_instructions_per_sample"]["value"]
    assert first["instructions_per_round"]["value"] > 20 * one
    shown = CliRunner().invoke(app, command)
    assert "features of one sample" in shown.output
    wrong = CliRunner().invoke(app, ["plan", *chosen, "layers=[100,10]"])
    assert isinstance(wrong.exception, UsageError)
    assert "the first is 100, but 'mnist' gives 200 features" in str(wrong.exception)


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"extractions\.csv: cannot be read"):
        load_extractions(tmp_path)
    write_extractions(tmp_path, load_extractions())
    assert load_extractions(tmp_path) == load_extractions()
    path = tmp_path / "extractions.csv"
    path.write_text(path.read_text().replace(",stack,", ",stuck,", 1))
    with pytest.raises(UsageError, match=r"extractions\.csv: line 1: the columns have to be core"):
        load_extractions(tmp_path)
