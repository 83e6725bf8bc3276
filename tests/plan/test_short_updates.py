"""What short updates take of a board, and what they save on the air."""

from typing import Any

from tifed.board import load_boards, load_measured
from tifed.experiment import Experiment
from tifed.experiment.setup import network_for
from tifed.plan.board_memory import CODER, QUIET, QUIET_STATIC, SHORT_UPDATES
from tifed.plan.planning import Placement, plan
from tifed.rule.network.memory import held_bytes


def first(**settings: Any) -> Placement:
    """All layers trained, on a board with a Cortex-M4."""
    experiment = Experiment(dataset="digits", **settings)
    boards = plan(experiment, network_for(experiment), load_boards(), load_measured()).boards
    return next(board for board in boards if board.board.core == "cortex-m4").placements[0]


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
