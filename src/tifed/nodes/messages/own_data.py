"""What is asked of devices that have their samples themselves, and what they answer.

Tables are int64, a row per device, which comes first: ``counts`` has a device's training and
held-out samples, and the fewest that its owner lets it send an update, a calibration and a score
for; ``scores`` has what it classifies rightly, with personal rounds before and after them, and the
held-out samples; ``classes`` has the same class by class, of those devices that tell it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import astuple

import numpy as np

from tifed.federation import DeviceCounts, DeviceScore, PersonalScore, PersonalWork
from tifed.federation.plan import layers_of, mask_of
from tifed.nodes.messages.content import (
    Arrays,
    Content,
    MessageError,
    absence,
    energy_shift_from,
    message,
    parameter_arrays,
)
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Network, Parameters

COUNTS = 6
"""Columns of ``counts``."""
MOST_SAMPLES = (1 << 32) - 1
"""Of one kind, that a device can have: it counts them in 32 bits (SPEC, section 16)."""
MOST_ROUNDS = 65_535
"""Personal rounds (SPEC, section 17)."""


def counts_message(experiment: str) -> Content:
    """Asks how many samples devices have."""
    return message("counts", experiment, {})


def counted(experiment: str, counts: Iterable[DeviceCounts], absent: Mapping[int, str]) -> Content:
    """What `counts_message` is answered with."""
    table = _table([astuple(count) for count in counts], COUNTS)
    return message("counts", experiment, {"counts": table}, **absence(absent))


def scored(
    experiment: str, scores: Iterable[DeviceScore], absent: Mapping[int, str], classes: int
) -> Content:
    """What ``evaluate`` is answered with; ``classes`` is how many there are."""
    scores = sorted(scores, key=lambda score: score.device)
    arrays: Arrays = {"scores": _table([(s.device, s.correct, s.samples) for s in scores], 3)}
    told = [(s.device, *(n for pair in s.by_class for n in pair)) for s in scores if s.by_class]
    if told:
        arrays["classes"] = _table(told, 1 + 2 * classes)
    return message("evaluate", experiment, arrays, **absence(absent))


def keep_message(experiment: str, parameters: Parameters, number: int) -> Content:
    """Gives devices the model that round ``number`` ended with, which they keep."""
    return message("keep", experiment, parameter_arrays(parameters), round=number)


def personalise_message(experiment: str, parameters: Parameters, work: PersonalWork) -> Content:
    """Lets devices go on alone from ``parameters``."""
    return message(
        "personalise", experiment, parameter_arrays(parameters),
        rounds=work.rounds, layers=mask_of(work.layers), extra_shift=work.extra_shift,
        exchange=work.exchange, energy_shift=work.energy_shift,
    )  # fmt: skip


def work_from(content: Content, network: Network) -> PersonalWork:
    """The work of a `personalise_message`.

    Raises:
        MessageError: if there is no such work with ``network``.
    """
    rounds, layers = content.integer("rounds"), content.integer("layers")
    if not 1 <= rounds <= MOST_ROUNDS:
        raise MessageError(f"rounds is {rounds}, not in 1..{MOST_ROUNDS}")
    if not 0 < layers < 1 << network.depth:
        raise MessageError(f"is to train layers {layers:b}, which there are not")
    return PersonalWork(
        rounds, layers_of(layers), content.integer("extra_shift"), content.integer("exchange"),
        energy_shift_from(content, network),
    )  # fmt: skip


def personalised(
    experiment: str, scores: Iterable[PersonalScore], absent: Mapping[int, str]
) -> Content:
    """What `personalise_message` is answered with."""
    rows = sorted((s.device, s.before, s.after, s.samples) for s in scores)
    return message("personalise", experiment, {"scores": _table(rows, 4)}, **absence(absent))


def _table(rows: Iterable[tuple[int, ...]], columns: int) -> Integers:
    """Rows as int64 (n, columns)."""
    listed = list(rows)
    return np.array(listed, np.int64).reshape(len(listed), columns)
