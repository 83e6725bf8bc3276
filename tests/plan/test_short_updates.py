"""What short updates take of a board, and what they save on the air."""

from typing import Any

from tifed.board import load_boards, load_measured
from tifed.experiment import Experiment
from tifed.experiment.setup import network_for
from tifed.plan.board_memory import (
    CODER,
    QUIET,
    QUIET_STATIC,
    RESIDUAL_LAYER,
    RESIDUAL_STATIC,
    RESIDUALS,
    SHORT_UPDATES,
)
from tifed.plan.planning import Placement, plan
from tifed.rule.network.memory import held_bytes


def placements(**settings: Any) -> tuple[Placement, ...]:
    """Every way to take part, on a board with a Cortex-M4."""
    experiment = Experiment(dataset="digits", **settings)
    boards = plan(experiment, network_for(experiment), load_boards(), load_measured()).boards
    return next(board for board in boards if board.board.core == "cortex-m4").placements


def first(**settings: Any) -> Placement:
    """All layers trained."""
    return placements(**settings)[0]


def test_a_second_copy_in_ram_code_in_flash_and_a_fraction_of_the_bytes() -> None:
    whole = first()
    short = first(compression={"upload": "ternary", "download": "4-bit"})
    network = network_for(Experiment(dataset="digits"))
    assert short.ram["received weights"].value == held_bytes(network, 0) + held_bytes(network, 1)
    assert "received weights" not in whole.ram
    assert "short updates" not in whole.flash
    assert short.ram_total.value > whole.ram_total.value
    assert short.flash_total.value == whole.flash_total.value + SHORT_UPDATES + CODER
    assert short.work.bytes_up < whole.work.bytes_up / 3
    assert short.work.bytes_down < whole.work.bytes_down / 2
    assert short.radio_joules.value < whole.radio_joules.value / 2
    assert short.radio_seconds.value < whole.radio_seconds.value / 2


def test_answers_to_whole_exchanges_take_flash_and_ram() -> None:
    short = {"upload": "ternary", "download": "4-bit"}
    without, quiet = first(compression=short), first(compression=short, link={"quiet": True})
    assert quiet.flash_total.value == without.flash_total.value + QUIET
    assert quiet.ram_total.value == without.ram_total.value + QUIET_STATIC


def test_a_residual_takes_a_byte_a_weight_and_flash() -> None:
    short = {"upload": "ternary", "download": "4-bit"}
    without, kept = first(compression=short), first(compression=short | {"residual": True})
    assert "residuals" not in without.ram
    assert kept.ram["residuals"].value == 64 * 32 + 32 * 10
    assert kept.flash_total.value == without.flash_total.value + RESIDUALS
    beside = RESIDUAL_STATIC + 2 * RESIDUAL_LAYER
    assert kept.ram_total.value == without.ram_total.value + 64 * 32 + 32 * 10 + beside


def test_a_residual_is_kept_of_layers_that_a_device_trains_in_another_round() -> None:
    """And of none that goes up whole, or that it never trains."""
    upload: dict[str, Any] = {"upload": "ternary", "residual": True}
    every = {
        mode: {one.choice.name: one.ram["residuals"].value for one in placements(
            compression=upload, mode=mode
        )}
        for mode in ("full-network", "single-layer")
    }  # fmt: skip
    assert every["single-layer"]["layer 0, others in RAM"] == 64 * 32 + 32 * 10
    assert every["full-network"]["layer 0, others in RAM"] == 64 * 32
    whole = first(compression=upload | {"upload": ["ternary", "whole"]})
    assert whole.ram["residuals"].value == 64 * 32
