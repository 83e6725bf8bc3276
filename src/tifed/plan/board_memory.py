"""Where a device's RAM and flash go, part by part."""

from collections.abc import Collection, Mapping

from tifed.board import Board, Measured
from tifed.experiment import Experiment
from tifed.experiment.constants import changes_of
from tifed.plan.choice import Choice
from tifed.plan.figure import Figure, Source
from tifed.plan.preprocessing import AS_THEY_ARE, Preprocessing
from tifed.plan.shift_costs import shift_ram
from tifed.rule.network import Network
from tifed.rule.network.memory import device_memory, layer_bytes

CODE = 8_192
"""Bytes of firmware where none was compiled for a core: the most that it is allowed to be."""

STATIC = 1_024
"""Bytes of RAM of the firmware itself where none was compiled: link buffers and contexts."""

SHORT_UPDATES, CODER = 3_750, 1_900
"""Bytes of flash of short updates and of their coder: the most on the emulated processors."""

QUIET, QUIET_STATIC = 1_300, 88
"""Bytes of flash and of RAM of answers to whole exchanges (``link.quiet``), the most on them."""

RESIDUALS = 1_200
"""Bytes of flash of residuals (``compression.residual``), the most on them."""

RESIDUAL_STATIC, RESIDUAL_LAYER = 24, 4
"""Bytes of RAM beside the residuals themselves, and for each layer of the network."""

SHORT_STACK = 72
"""Bytes of stack that the coder's frames add: 64 on a Cortex-M0, 68 on a Cortex-M4."""

STACK = 512
"""Bytes of stack where none was painted: the most that it is allowed to be."""

Parts = Mapping[str, Figure]
"""Bytes by part."""


def ram_parts(
    experiment: Experiment,
    network: Network,
    choice: Choice,
    board: Board,
    measured: Measured,
    before: Preprocessing = AS_THEY_ARE,
    kept: Collection[int] = (),
) -> Parts:
    """RAM of a device: the core's own layout, and what surrounds it.

    ``kept`` are the layers of which it keeps what of their changes was too small to go up.
    """
    core = device_memory(
        network, choice.layers, experiment.buffer, experiment.batch, choice.frozen_in_flash,
        sourced=before.shifts is not None, received=_compressed(experiment, network),
        residuals=kept,
    )  # fmt: skip
    image = measured.image(board.core)
    # Beside what was compiled, the firmware has room for a sample that arrives in pieces.
    sample = before.kept(network.features)
    static = Figure(STATIC + sample, Source.MODELLED)
    stack = Figure(STACK, Source.MODELLED)
    if image is not None:
        static = Figure(image.static + sample, Source.MEASURED)
        stack = Figure(image.stack, Source.MEASURED)
    if _compressed(experiment, network):
        stack = Figure(stack.value + SHORT_STACK, Source.MODELLED)
    if experiment.link.quiet:
        static = Figure(static.value + QUIET_STATIC, Source.MODELLED)
    if kept:
        more = RESIDUAL_STATIC + RESIDUAL_LAYER * network.depth
        static = Figure(static.value + more, Source.MODELLED)
    parts = {
        name: Figure(getattr(core, name), Source.COMPUTED)
        for name in ("weights", "buffer", "activations", "deltas", "scratch")
    }
    if core.received:
        parts["received weights"] = Figure(core.received, Source.COMPUTED)
    if kept:
        parts["residuals"] = Figure(core.residuals, Source.COMPUTED)
    deepest = max(int(stack.value), before.stack(board.core))
    parts |= before.ram(network.features)
    if before.shifts is not None:
        parts |= shift_ram(before.shifts, before.front_end, experiment.buffer)
    parts |= {"stack": Figure(deepest, stack.source), "firmware": static}
    if board.reserved_ram:
        parts["reserved"] = Figure(board.reserved_ram, Source.MODELLED)
    return parts


def _compressed(experiment: Experiment, network: Network) -> bool:
    """Whether devices send or take short updates."""
    return any(changes.layers for changes in changes_of(experiment, network))


def flash_parts(
    experiment: Experiment,
    network: Network,
    choice: Choice,
    board: Board,
    measured: Measured,
    before: Preprocessing = AS_THEY_ARE,
) -> Parts:
    """Flash of a device: code, and the layers that it keeps there."""
    image = measured.image(board.core)
    frozen = (
        sum(
            layer_bytes(network, layer)
            for layer in range(network.depth)
            if layer not in choice.layers
        )
        if choice.frozen_in_flash
        else 0
    )
    parts = {
        "code": Figure(CODE, Source.MODELLED)
        if image is None
        else Figure(image.code, Source.MEASURED),
        "frozen weights": Figure(frozen, Source.COMPUTED),
    }
    if _compressed(experiment, network):
        short = SHORT_UPDATES + CODER + QUIET * experiment.link.quiet
        short += RESIDUALS * experiment.compression.residual
        parts["short updates"] = Figure(short, Source.MODELLED)
    parts |= before.flash(board.core)
    if board.reserved_flash:
        parts["reserved"] = Figure(board.reserved_flash, Source.MODELLED)
    return parts
