"""Which presets fit which small boards, and what a round costs there: tables for a page.

    python benchmarks/small_boards.py [PRESET …] [--board samd21] [--data-dir DIR]

PRESET is by default 784-200-10 on pixels and every preset of Fashion-MNIST with a front end. All
figures are those of `tifed plan`, for full-network mode: RAM is exact or measured, time and energy
are modelled. The first table has the boards with the least RAM. The second one has what a round
costs on --board; where a preset does not fit that board the figures are those of the same
processor and radio with more memory.
"""

import argparse
from collections.abc import Iterator, Sequence

from tifed import load_experiment, preset_names
from tifed.board import Boards, load_boards, load_measured
from tifed.board.measured_front_end import load_front_end_runs
from tifed.experiment.setup import intake_of, network_for
from tifed.plan import DeploymentPlan, Placement, Preprocessing, plan

PIXELS = "fashion-mnist"
SMALL = 128 * 1024
"""Bytes of RAM of a board in the first table, at most."""


def main() -> None:
    """Print what was asked for."""
    known = load_boards()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("presets", nargs="*", metavar="PRESET")
    parser.add_argument("--board", choices=known.boards, default="samd21")
    parser.add_argument("--data-dir", help="folder of data sets")
    chosen = parser.parse_args()
    presets = chosen.presets or [PIXELS, *with_front_end()]
    plans = {preset: planned(preset, known, chosen.data_dir) for preset in presets}
    for line in (*fits(plans, known), "", *costs(plans, known, chosen.board)):
        print(line)


def with_front_end() -> list[str]:
    """Presets of Fashion-MNIST with a front end, those with the most parameters first."""
    found = {name: load_experiment(preset=name) for name in preset_names()}
    sizes = {
        name: sum(a * b for a, b in zip(it.layers, it.layers[1:], strict=False))
        * it.build_recipe().network(it.layers, it.batch).layers[0].weight_bits
        for name, it in found.items()
        if it.front_end is not None and it.dataset == "fashion-mnist" and it.layers
    }
    return sorted(sizes, key=lambda name: -sizes[name])


def planned(preset: str, known: Boards, data_dir: str | None) -> DeploymentPlan:
    """The preset on every board."""
    experiment = load_experiment(preset=preset)
    front_end, _ = intake_of(experiment, data_dir)
    before = Preprocessing(front_end, front_end_runs=load_front_end_runs())
    network = network_for(experiment, data_dir)
    return plan(experiment, network, known, load_measured(), before=before)


def whole(made: DeploymentPlan, board: str) -> Placement:
    """The whole network on ``board``."""
    return next(one for one in made.boards if one.name == board).placements[0]


def fits(plans: dict[str, DeploymentPlan], known: Boards) -> Iterator[str]:
    """A row per preset: its network, and the share of each small board's RAM."""
    small = sorted((row.ram, name) for name, row in known.boards.items() if row.ram <= SMALL)
    boards = [f"{name}, {ram // 1024} KiB" for ram, name in small]
    yield from header(["preset", "network", "weights", "parameters, bytes", *boards])
    for preset, made in plans.items():
        shares = [whole(made, name).ram_total.value / ram for ram, name in small]
        layers = made.network.layers
        weights = sum(it.fan_in * it.fan_out * it.weight_bits // 8 for it in layers)
        total = weights + sum(it.fan_out * it.bias_bits // 8 for it in layers)
        yield row(
            f"`{preset}`", "-".join(map(str, made.network.shape)),
            f"{layers[0].weight_bits} bits", f"{total:,}",
            *(f"{share:.0%}" if share <= 1 else "no" for share in shares),
        )  # fmt: skip


def costs(plans: dict[str, DeploymentPlan], known: Boards, board: str) -> Iterator[str]:
    """A row per preset: a sample, a round, a whole training on ``board``."""
    yield from header(
        [
            f"on {board}", "samples a round", "front end, ms a sample", "ms a round",
            "mJ a round", "bytes up a round", "rounds", "training, s", "training, J",
            "up, MB", "radio, J",
        ]
    )  # fmt: skip
    facts = known.boards[board]
    rate = facts.clock / known.cycles_per_instruction(facts)
    for preset, made in plans.items():
        one, experiment = whole(made, board), made.experiment
        rounds = one.work.rounds
        sample = sum(it.value for it in one.per_sample.values()) / rate
        yield row(
            f"`{preset}`", f"{experiment.buffer}", f"{1e3 * sample:.1f}" if sample else "",
            f"{1e3 * one.compute_seconds.value:,.0f}", f"{1e3 * one.compute_joules.value:,.1f}",
            f"{one.work.bytes_up:,}", f"{rounds:.0f}",
            f"{rounds * one.compute_seconds.value:,.0f}",
            f"{rounds * one.compute_joules.value:.1f}",
            f"{rounds * one.work.bytes_up / 1e6:.1f}", f"{rounds * one.radio_joules.value:.1f}",
        )  # fmt: skip


def header(names: Sequence[str]) -> Iterator[str]:
    """The first two lines of a table."""
    yield row(*names)
    yield "|" + "---|" * len(names)


def row(*cells: str) -> str:
    """A line of a table."""
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
