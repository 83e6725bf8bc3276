"""What shift copies cost in a plan, against compiled firmware and emulated processors."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tifed.board import load_boards, load_measured
from tifed.board.firmware import EMULATED_PROCESSORS, build_firmware, experiment_header
from tifed.board.firmware.elf import read_image
from tifed.board.firmware.emulated_boards import QEMU
from tifed.board.measured_front_end import load_front_end_runs
from tifed.cli import app
from tifed.data import Samples
from tifed.errors import UsageError
from tifed.experiment import Experiment
from tifed.experiment.setup import network_for
from tifed.plan import Preprocessing, plan
from tifed.plan.board_memory import flash_parts, ram_parts
from tifed.plan.emulated_round import emulated_round
from tifed.plan.shift_costs import CODE, shift_instructions
from tifed.rule.front_end import FrontEnd, front_end_memory
from tifed.rule.recipes import Tuned

OCTANTS = FrontEnd("octants", (14, 14, 1))


@pytest.mark.slow(5)
@pytest.mark.parametrize("processor", EMULATED_PROCESSORS)
@pytest.mark.parametrize("side", [8, 20])
def test_instructions_are_those_of_a_processor(processor: str, side: int) -> None:
    network, shape = Tuned().network((side * side, 4, 2), 2), (side, side, 1)
    pictures = np.random.default_rng(1).integers(1, 128, (4, side * side)).astype(np.int8)
    samples = Samples(pictures, np.array([0, 1, 0, 1], np.int32))
    start = Tuned().start_parameters(network, 1)
    spent = []
    for shifts in (None, shape):
        header = experiment_header(network, [(0, 1)], 4, 2, shifts=shifts)
        firmware = build_firmware(QEMU[processor], header)
        done = emulated_round(firmware, network, (0, 1), samples, start, 20, 1)
        spent.append(done.instructions / done.visits)
    figure = shift_instructions(shape).value
    assert 0.7 * figure < spent[1] - spent[0] < 1.35 * figure


@pytest.mark.slow(3)
@pytest.mark.parametrize("processor", EMULATED_PROCESSORS)
@pytest.mark.parametrize("front_end", [None, OCTANTS], ids=["pixels", "octants"])
def test_ram_and_flash_of_an_image_are_as_planned(
    processor: str, front_end: FrontEnd | None
) -> None:
    experiment = Experiment(
        dataset="mnist", buffer=20, batch=10, pixel_shifts=True,
        layers=(196 if front_end is None else OCTANTS.features, 8, 10),
        front_end=None if front_end is None else front_end.name,
    )  # fmt: skip
    network, shape = network_for(experiment), (14, 14, 1)
    sizes = [
        read_image(
            build_firmware(
                QEMU[processor],
                experiment_header(network, [(0, 1)], 20, 10, front_end=front_end, shifts=it),
            ).elf
        )
        for it in (None, shape)
    ]
    runs = load_front_end_runs()
    before = [Preprocessing(front_end, front_end_runs=runs, shifts=it) for it in (None, shape)]
    row = load_boards().boards["stm32f411"].model_copy(update={"core": processor})
    made = plan(experiment, network, load_boards(), load_measured(), before=before[1])
    choice = made.boards[0].placements[0].choice
    parts = [ram_parts(experiment, network, choice, row, load_measured(), it) for it in before]
    totals = [sum(int(part.value) for part in one.values()) for one in parts]
    # Up to the alignment of variables, and the two pointers of a source.
    assert abs(sizes[1].data - sizes[0].data - (totals[1] - totals[0])) <= 8
    assert parts[1]["pictures"].value == 20 * 196
    assert parts[0]["buffer"].value - parts[1]["buffer"].value == 10 * network.features
    flash = flash_parts(experiment, network, choice, row, load_measured(), before[1])
    assert flash["shift copies' code"].value == CODE
    assert 300 < sizes[1].code - sizes[0].code <= CODE + 200


def test_a_plan_shows_them() -> None:
    def said(*settings: str) -> dict[str, object]:
        words = ("plan", "--board", "samd21", "--json", *settings)
        done = CliRunner().invoke(app, [*words])
        assert done.exit_code == 0, f"{done.output} {done.exception}"
        found: dict[str, object] = json.loads(done.output)
        return found

    chosen = ("--set", "front_end=edges")
    plain, shifted = said(*chosen), said(*chosen, "--set", "pixel_shifts=true")
    assert (plain["pixel_shifts"], shifted["pixel_shifts"]) == (False, True)
    one, other = (it["boards"][0]["choices"][0] for it in (plain, shifted))  # type: ignore[index]
    assert one["shift_copy_instructions_per_visit"] is None
    visit = other["shift_copy_instructions_per_visit"]["value"]
    assert visit == (
        shift_instructions((8, 8, 1)).value + one["front_end_instructions_per_sample"]["value"]
    )
    # Twenty samples, five local epochs.
    more = other["instructions_per_round"]["value"] - one["instructions_per_round"]["value"]
    assert more == 100 * visit
    room = front_end_memory(FrontEnd("edges", (8, 8, 1))).total + 28 + 8
    assert other["ram"]["parts"]["shift copies"]["value"] == room
    text = CliRunner().invoke(app, ["plan", *chosen, "--set", "pixel_shifts=true"]).output
    assert "as it arrives and 5 times as a shift copy" in " ".join(text.split())
    assert "shift copies' code" in text


def test_copies_that_no_board_makes_are_not_planned() -> None:
    experiment = Experiment(pixel_shifts=True, layers=(64, 10))
    network = network_for(experiment)
    known, measured = load_boards(), load_measured()
    with pytest.raises(UsageError, match="pixel_shifts: boards make moved copies of pixels and"):
        plan(experiment, network, known, measured)
    with pytest.raises(UsageError, match="pixel_shifts: the experiment has none, but shifts were"):
        plan(
            Experiment(layers=(64, 10)), network, known, measured,
            before=Preprocessing(shifts=(8, 8, 1)),
        )  # fmt: skip
    with pytest.raises(UsageError, match=r"pixel_shifts: pictures of \(8, 7, 1\) are not 64 val"):
        plan(experiment, network, known, measured, before=Preprocessing(shifts=(8, 7, 1)))
    done = CliRunner().invoke(
        app, ["plan", "--set", "pixel_shifts=true", "--set", "extractor=mnist"]
    )
    assert done.exit_code != 0
    assert "pixel_shifts: boards make moved copies" in f"{done.output} {done.exception}"
