"""The message format, version 5: what a server asks of a node, and what the node answers.

Every message says its format, version, kind and experiment; beside that:

========== ============================================ ============================================
kind       asked                                        answered
========== ============================================ ============================================
hello      nothing                                      arrays ``devices``; ``data``
calibrate  arrays ``devices``; ``samples``              arrays ``devices``, ``total``; ``samples``,
                                                        ``squares``
fit        arrays of the parameters, ``jobs``;          arrays ``devices``, ``sums``; ``round``,
           ``round``, ``exchange``, ``extra_shift``,    ``exchange``, ``layers``, ``samples``,
           ``energy_shift``; with bounds on devices'    ``counts``, ``statistics``; if any,
           norms ``clip``, ``clips``                    ``absent`` and ``reasons``; with bounds
                                                        the array ``norms``
evaluate   arrays of the parameters                     arrays ``scores``; with own data, if any,
                                                        ``classes``; ``absent`` and ``reasons``
========== ============================================ ============================================

In a run with own data there are three more (`tifed.nodes.messages.own_data`), and ``calibrate`` may
have ``absent`` and ``reasons``, too:

=========== =========================================== ============================================
kind        asked                                       answered
=========== =========================================== ============================================
counts      nothing                                     arrays ``counts``; ``absent``, ``reasons``
keep        arrays of the parameters; ``round``         ``absent``, ``reasons``
personalise arrays of the parameters; ``rounds``,       arrays ``scores``; ``absent``, ``reasons``
            ``layers``, ``extra_shift``, ``exchange``,
            ``energy_shift``
=========== =========================================== ============================================

Every array is of integers. Devices travel as ranges (first, count), jobs as runs of devices with
equal jobs, so a message does not grow with the devices behind a node as long as they do the same.
Where devices keep residuals (SPEC, section 25.8), a run of devices says of which exchange as well.
``sums`` are the bytes of `tifed.nodes.messages.sums`, with which ``coded`` goes in a run with a
coder. In one with short updates ``bytes_up`` says how many bytes the devices have sent. Of devices
that have not answered ``absent`` has the numbers, and ``reasons`` as many sentences.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from tifed.errors import UsageError
from tifed.federation import Jobs, Plan, Update
from tifed.federation.residuals import Residuals
from tifed.federation.sum_numbers import SumNumbers
from tifed.nodes.messages.device_ranges import from_ranges, to_ranges
from tifed.nodes.messages.sums import sums_to_bytes
from tifed.printable import printable
from tifed.rule.integer.rounding import Integers
from tifed.rule.learning import LARGEST_CLIP, Statistics
from tifed.rule.network import Network, Parameters, check_parameters

NAME = "tifed-node"
VERSION = 5
LONGEST_REASON = 200
"""Characters of what a node says about something that went wrong."""

Arrays = dict[str, np.ndarray]


class MessageError(Exception):
    """A message that cannot be used; the text says why, in words for the log."""


@dataclass(frozen=True)
class Content:
    """A message, taken apart.

    Attributes:
        kind: what it is.
        values: its numbers and texts.
        arrays: its arrays, as they came.
    """

    kind: str
    values: Mapping[str, Any]
    arrays: Arrays

    def integer(self, name: str) -> int:
        """The whole number called ``name``, 0 or more."""
        value = self.values.get(name)
        if type(value) is not int or value < 0:
            raise MessageError(f"{name} is {value!r}, not a whole number")
        return value

    def array(self, name: str, dtype: Any, shape: tuple[int | None, ...]) -> np.ndarray:
        """The array called ``name``, of ``dtype`` and ``shape`` (None: any length)."""
        value = self.arrays.get(name)
        if value is None:
            raise MessageError(f"{name} is missing")
        if value.dtype != np.dtype(dtype):
            raise MessageError(f"{name} has the type {value.dtype}, not {np.dtype(dtype)}")
        fits = len(shape) == value.ndim and all(
            want in (None, have) for want, have in zip(shape, value.shape, strict=True)
        )
        if not fits:
            raise MessageError(f"{name} has the shape {value.shape}, not {shape}")
        return value


def message(kind: str, experiment: str, arrays: Arrays, **values: Any) -> Content:
    """A message of ``kind`` about the experiment with the digest ``experiment``."""
    head = {"format": NAME, "version": VERSION, "kind": kind, "experiment": experiment}
    return Content(kind, head | values, arrays)


def refusal(experiment: str, reason: str) -> Content:
    """The answer of a node that cannot do what it was asked."""
    return message("refusal", experiment, {}, refused=reason)


def check_head(head: Mapping[str, Any], kind: str | None, experiment: str) -> str:
    """Make sure that a message may be used; its kind.

    Raises:
        MessageError: if it is not in this format and version, not of ``kind``, about another
            experiment than ``experiment``, or a refusal.
    """
    if head.get("format") != NAME or head.get("version") != VERSION:
        raise MessageError(
            f"speaks version {head.get('version')!r} of the message format; "
            f"this release speaks version {VERSION}"
        )
    if "refused" in head:
        raise MessageError(f"refused: {printable(str(head['refused'])[:LONGEST_REASON])}")
    if head.get("experiment") != experiment:
        raise MessageError("has another experiment")
    if kind is not None and head.get("kind") != kind:
        raise MessageError(f"is about {str(head.get('kind'))[:20]!r}, not {kind!r}")
    return str(head.get("kind"))


def parameter_arrays(parameters: Parameters) -> Arrays:
    """Parameters under the names of a model file."""
    return dict(parameters.named)


def parameters_from(content: Content, network: Network) -> Parameters:
    """Parameters out of a message.

    Raises:
        MessageError: if an array is missing, of another type or shape, or beyond its bounds.
    """
    numbers = range(network.depth)
    try:
        parameters = Parameters(
            content.arrays["input.centre"],
            tuple(content.arrays[f"layer.{number}.weight"] for number in numbers),
            tuple(content.arrays[f"layer.{number}.bias"] for number in numbers),
        )
        check_parameters(network, parameters)
    except KeyError as error:
        raise MessageError(f"{error.args[0]} is missing") from None
    except UsageError as error:
        raise MessageError(str(error)) from error
    return parameters


def fit_message(experiment: str, plan: Plan, parameters: Parameters) -> Content:
    """What all nodes of ``plan`` are sent; each gets its own `job_runs` besides, as ``jobs``."""
    return message(
        "fit", experiment, parameter_arrays(parameters),
        round=plan.round, exchange=plan.exchange, extra_shift=plan.extra_shift,
        energy_shift=plan.energy_shift, **_bounds(plan),
    )  # fmt: skip


def _bounds(plan: Plan) -> dict[str, Any]:
    """The bounds on devices' norms as values of a message; nothing if there are none."""
    if not plan.clip and not plan.clips:
        return {}
    return {"clip": plan.clip, "clips": [n for pair in sorted(plan.clips.items()) for n in pair]}


def _bounds_from(content: Content, depth: int) -> tuple[int, dict[int, int]]:
    """The same out of a message, for ``depth`` layers.

    Raises:
        MessageError: if one is not in 0..2**32 - 1, or some layers have one and others have none.
    """
    if "clip" not in content.values and "clips" not in content.values:
        return 0, {}
    clip, clips = content.integer("clip"), content.values.get("clips")
    numbers = clips if isinstance(clips, list) and len(clips) % 2 == 0 else [None]
    for number in (clip, *numbers):
        if type(number) is not int or not 0 <= number <= LARGEST_CLIP:
            raise MessageError(
                f"has a bound {number!r:.20} on norms, not whole numbers in 0..{LARGEST_CLIP}"
            )
    bounds = dict(zip(numbers[::2], numbers[1::2], strict=True))
    if numbers and (numbers[::2] != list(range(depth)) or min(bounds.values()) < 1):
        raise MessageError(
            f"has bounds on norms by layer that are not one of 1 or more for each of {depth} layers"
        )
    return clip, bounds


def plan_from(content: Content, network: Network, hosted: range, residual: bool = False) -> Plan:
    """The node's part of the plan.

    Args:
        content: of the message.
        network: what every device holds.
        hosted: devices that it may be about.
        residual: whether devices keep residuals; then the plan has those that they must have, as
            far as numbers of exchanges say.

    Raises:
        MessageError: if it is not well-formed, or about a device that is not in ``hosted``.
    """
    runs = content.array("jobs", np.int64, (None, 7 + residual))
    for first, count, layers, *_ in runs.tolist():
        if first not in hosted or not 1 <= count <= hosted.stop - first:
            raise MessageError(f"device {first} and {count - 1} more are not all hosted here")
        if not 0 < layers < 1 << network.depth:
            raise MessageError(f"device {first} is to train layers {layers:b}, which there are not")
    try:
        device = from_ranges(runs[:, :2], hosted.stop)
    except ValueError:
        raise MessageError("jobs are not in order") from None
    plan = Plan(
        content.integer("round"),
        content.integer("exchange"),
        content.integer("extra_shift"),
        Jobs(device, *np.repeat(runs[:, 2:7], runs[:, 1], axis=0).T),
        energy_shift_from(content, network),
        *_bounds_from(content, network.depth),
    )
    if not residual:
        return plan
    for first, *_, exchange in runs.tolist():
        if not -1 <= exchange < plan.exchange:
            raise MessageError(
                f"device {first} is to have what it had left after exchange {exchange}, which is "
                f"not in -1..{plan.exchange - 1}"
            )
    after = np.full(hosted.stop, -1, np.int64)
    after[device] = np.repeat(runs[:, 7], runs[:, 1])
    return replace(plan, residuals=Residuals(after))


def energy_shift_from(content: Content, network: Network) -> int:
    """What is added to the first layer's update shift.

    Raises:
        MessageError: if no update can have it.
    """
    energy_shift = content.values.get("energy_shift")
    low, high = network.layers[0].shift_changes
    if type(energy_shift) is not int or not low <= energy_shift <= high:
        raise MessageError(
            f"energy_shift is {energy_shift!r:.20}, not a whole number in {low}..{high}"
        )
    return energy_shift


def job_runs(jobs: Jobs, residuals: Residuals | None = None) -> Integers:
    """Jobs as int64 (n, 7), or (n, 8) where devices keep ``residuals``.

    Columns: first device, devices, layers as bits, position, samples, first step, steps, and
    perhaps the exchange after which the device had the residual that it must have, -1 if that is 0.
    Consecutive devices with the same job share a row.
    """
    device, *work = jobs.columns
    if residuals is not None:
        work.append(residuals.after[device])
    if len(jobs) == 1:  # of a node with one device, and there may be many such
        return np.array([[device[0], 1, *(column[0] for column in work)]])
    goes_on = np.diff(device) == 1
    for column in work:
        goes_on &= column[1:] == column[:-1]
    starts = np.flatnonzero(np.concatenate([[True], ~goes_on])) if len(jobs) else np.array([], int)
    counts = np.diff(starts, append=len(jobs))
    return np.stack([device[starts], counts, *(column[starts] for column in work)], axis=1)


def update_message(experiment: str, numbers: SumNumbers, update: Update) -> Content:
    """A node's partial sums.

    Raises:
        MessageError: if one is beyond what the devices can give.
    """
    plan, layers = numbers.plan, sorted(update.layers)
    sums = [update.layers[number] for number in layers]
    try:
        data, coded = sums_to_bytes(numbers, update)
    except ValueError as error:
        raise MessageError(str(error)) from error
    sent = {"bytes_up": numbers.bytes_up(update)} if numbers.tells_bytes else {}
    norms: Arrays = {}
    if len(update.norms):
        norms["norms"] = update.norms[np.argsort(update.devices)]
    arrays: Arrays = norms | {
        "devices": to_ranges(np.sort(update.devices)),
        "sums": data,
    }
    return message(
        "fit", experiment, arrays,
        round=plan.round, exchange=plan.exchange, layers=layers,
        samples=[part.samples for part in sums], counts=[part.devices for part in sums],
        statistics=[getattr(update.statistics, field.name) for field in fields(Statistics)],
        **coded, **sent, **absence(update.absent),
    )  # fmt: skip


def absence(absent: Mapping[int, str]) -> dict[str, Any]:
    """Devices that have not answered and why, as values of a message; nothing if all have."""
    if not absent:
        return {}
    devices = sorted(absent)
    reasons = [absent[device][:LONGEST_REASON] for device in devices]
    return {"absent": devices, "reasons": reasons}
