"""Instructions of a device's round on a kind of core: measured where it was, modelled elsewhere."""

from tifed.board import Core, Measured, Round
from tifed.experiment import Experiment
from tifed.plan.figure import Figure, Source
from tifed.plan.round_operations import RoundOperations, round_operations
from tifed.plan.workload import Work
from tifed.rule.network import Network

FEEDBACK_ADDITION = 1.0
"""Instructions per class on the error's way to a hidden unit, on any core: where the error is the
margin, two classes are looked at, and none for a unit that lets nothing through."""


def modelled(counts: RoundOperations, core: Core) -> float:
    """Instructions of a round, from the core's row of the table."""
    return (
        counts.forward_macs * core.forward_per_mac
        + counts.update_macs * core.update_per_mac
        + counts.feedback_additions * FEEDBACK_ADDITION
        + counts.random_numbers * core.random
        + counts.parameters * core.per_parameter
        + counts.units * core.per_unit
        + counts.divisions * core.division
        + counts.inputs * core.per_input
    )


def scale(kind: str, core: Core, measured: Measured) -> float:
    """What the model of a core is multiplied with: measured by modelled, over its rounds; or 1."""
    rows = [row for row in measured.rounds if row.core == kind]
    if not rows:
        return 1.0
    model = sum(
        modelled(
            round_operations(row.network, row.layers, row.buffer, row.batch, row.local_epochs), core
        )
        for row in rows
    )
    return sum(row.instructions for row in rows) / model


def instructions(
    kind: str,
    core: Core,
    experiment: Experiment,
    network: Network,
    work: Work,
    measured: Measured,
) -> Figure:
    """Instructions of a round: the measured ones if just this work on a buffer was measured."""
    for row in measured.rounds:
        if row.core == kind and _same(row, experiment, network, work.layers):
            return Figure(experiment.buffers_per_round * row.instructions, Source.MEASURED)
    model = modelled(work.operations, core) * scale(kind, core, measured)
    return Figure(round(model), Source.MODELLED)


def _same(row: Round, experiment: Experiment, network: Network, layers: tuple[int, ...]) -> bool:
    """Whether ``row`` is about this very round."""
    return (
        row.layers == layers
        and row.buffer == experiment.buffer
        and row.batch == experiment.batch
        and row.local_epochs == experiment.local_epochs
        and row.network == network
    )
