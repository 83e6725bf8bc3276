"""A plan as one JSON object; every figure with its source."""

from typing import Any

from tifed.board import Boards, Measured
from tifed.extractor import Extractor
from tifed.extractor.memory import extractor_memory
from tifed.extractor.operations import extractor_operations
from tifed.extractor.packed import constant_bytes
from tifed.plan.figure import Figure, total
from tifed.plan.planning import BoardPlan, DeploymentPlan, Placement
from tifed.rule.front_end import FrontEnd, front_end_memory
from tifed.rule.signal import SignalFrontEnd


def as_json(plan: DeploymentPlan, known: Boards, measured: Measured) -> dict[str, Any]:
    """Plain values: numbers in bytes, seconds, joules and bits per second."""
    experiment, before = plan.experiment, plan.before
    cores = {one.board.core for one in plan.boards}
    return {
        "dataset": experiment.dataset,
        "layers": list(plan.network.shape),
        "front_end": None if before.front_end is None else _front_end(before.front_end),
        "signal": None if before.signal is None else _signal(before.signal),
        "extractor": None if before.extractor is None else _extractor(before.extractor),
        "pixel_shifts": before.shifts is not None,
        "bytes_per_sample": before.inputs(plan.network.features),
        "recipe": experiment.recipe,
        "mode": experiment.mode,
        "buffer": experiment.buffer,
        "buffers_per_round": experiment.buffers_per_round,
        "batch": experiment.batch,
        "local_epochs": experiment.local_epochs,
        "rounds": experiment.rounds,
        "needed": [list(layers) for layers in plan.needed],
        "boards": [_board(one, known) for one in plan.boards],
        "measured_by": {
            "images": {one.core: one.command for one in measured.images if one.core in cores},
            "rounds": sorted({one.command for one in measured.rounds if one.core in cores}),
            "features": sorted({one for core in cores for one in before.commands(core)}),
        },
    }


def _front_end(front_end: FrontEnd) -> dict[str, Any]:
    return {
        "name": front_end.name,
        "digest": front_end.digest,
        "input_shape": list(front_end.input_shape),
        "features": front_end.features,
        "memory_bytes": front_end_memory(front_end).total,
    }


def _signal(signal: SignalFrontEnd) -> dict[str, Any]:
    return {
        "name": signal.name,
        "digest": signal.digest,
        "features": signal.features,
        "memory_bytes": signal.memory,
    }


def _extractor(extractor: Extractor) -> dict[str, Any]:
    return {
        "digest": extractor.digest,
        "input_shape": list(extractor.input_shape),
        "features": extractor.features,
        "macs_per_sample": extractor_operations(extractor).macs,
        "constant_bytes": constant_bytes(extractor),
        "memory_bytes": extractor_memory(extractor).total,
    }


def _board(plan: BoardPlan, known: Boards) -> dict[str, Any]:
    row = plan.board.model_dump(exclude={"cycles_per_instruction"})
    return {
        "name": plan.name,
        **row,
        "cycles_per_instruction": {
            "value": plan.cycles_per_instruction,
            "source": "assumed",
            "note": known.cores[plan.board.core].note,
        },
        "choices": [_placement(one) for one in plan.placements],
    }


def _placement(one: Placement) -> dict[str, Any]:
    work = one.work
    return {
        "name": one.choice.name,
        "layers": list(one.choice.layers),
        "frozen_in": "flash" if one.choice.frozen_in_flash else "ram",
        "fits": one.fits,
        "ram": _figure(one.ram_total)
        | {"parts": {name: _figure(part) for name, part in one.ram.items()}},
        "flash": _figure(one.flash_total)
        | {
            "parts": {name: _figure(part) for name, part in one.flash.items()},
            "written_per_round": one.flash_written,
        },
        "macs_per_round": work.operations.macs,
        "instructions_per_round": _figure(one.instructions),
        "signal_instructions_per_sample": _step(one, "readings"),
        "front_end_instructions_per_sample": _step(one, "front end"),
        "extraction_instructions_per_sample": _step(one, "extraction"),
        "shift_copy_instructions_per_visit": (
            _figure(total(one.per_visit.values())) if one.per_visit else None
        ),
        "seconds_per_round": {
            "compute": _figure(one.compute_seconds),
            "radio": _figure(one.radio_seconds),
        },
        "joules_per_round": {
            "compute": _figure(one.compute_joules),
            "radio": _figure(one.radio_joules),
        },
        "bytes_per_round": {"down": work.bytes_down, "up": work.bytes_up},
        "bytes_per_training": {
            "down": work.rounds * work.bytes_down + work.bytes_once_down,
            "up": work.rounds * work.bytes_up + work.bytes_once_up,
        },
        "rounds_per_training": work.rounds,
    }


def _step(one: Placement, name: str) -> dict[str, Any] | None:
    """Instructions of one step of making features; None where there is no such step."""
    return _figure(one.per_sample[name]) if name in one.per_sample else None


def _figure(figure: Figure) -> dict[str, Any]:
    return {"value": figure.value, "source": figure.source.value}
