"""The message format, version 1: what a server asks of a node, and what the node answers.

A message is a Flower ``RecordDict`` with the configuration ``tifed`` (what it is) and arrays:

========== ============================================ ============================================
kind       asked                                        answered
========== ============================================ ============================================
hello      nothing                                      arrays ``devices``; ``data``
calibrate  arrays ``devices``; ``samples``              arrays ``devices``, ``total``; ``samples``
fit        arrays of the parameters, ``jobs``;          arrays ``devices``, ``layer.N.weight``,
           ``round``, ``exchange``, ``extra_shift``     ``layer.N.bias``; ``round``, ``exchange``,
                                                        ``layers``, ``samples``, ``counts``, and the
                                                        statistics
evaluate   arrays of the parameters                     arrays ``scores``
========== ============================================ ============================================

Every array is of integers. Devices travel as ranges (first, count), jobs as runs of devices with
equal jobs, so a message does not grow with the devices behind a node as long as they do the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, RecordDict

from tifed.errors import UsageError
from tifed.federation import Job, Plan, Update
from tifed.flower.devices import to_ranges
from tifed.integer.rounding import Integers
from tifed.network import Network, Parameters, check_parameters
from tifed.network.parameters import bias_dtype, weight_dtype

NAME = "tifed-flower"
VERSION = 1
HEAD = "tifed"
ARRAYS = "arrays"

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


def pack(kind: str, experiment: str, arrays: Arrays, **values: Any) -> RecordDict:
    """A message of ``kind`` about the experiment with the digest ``experiment``."""
    head = {"format": NAME, "version": VERSION, "kind": kind, "experiment": experiment, **values}
    records = {name: Array(np.ascontiguousarray(array)) for name, array in arrays.items()}
    return RecordDict({HEAD: ConfigRecord(head), ARRAYS: ArrayRecord(records)})


def unpack(message: RecordDict, kind: str | None, experiment: str) -> Content:
    """Take a message apart.

    Raises:
        MessageError: if it is not in this format and version, not of ``kind``, or about another
            experiment than ``experiment``.
    """
    try:
        head = dict(message.config_records[HEAD])
    except KeyError:
        raise MessageError("is not a message of TIFeD") from None
    if head.get("format") != NAME or head.get("version") != VERSION:
        raise MessageError(
            f"speaks version {head.get('version')!r} of the message format; "
            f"this release speaks version {VERSION}"
        )
    if "refused" in head:
        raise MessageError(f"refused: {str(head['refused'])[:200]}")
    if head.get("experiment") != experiment:
        raise MessageError("has another experiment")
    if kind is not None and head.get("kind") != kind:
        raise MessageError(f"is about {str(head.get('kind'))[:20]!r}, not {kind!r}")
    try:
        arrays = {name: array.numpy() for name, array in message.array_records[ARRAYS].items()}
    except Exception as error:
        # Whatever a node sends must not stop the server; numpy raises nearly anything here.
        raise MessageError(f"has unreadable arrays ({type(error).__name__})") from error
    return Content(str(head["kind"]), head, arrays)


def why(message: Message) -> str | None:
    """Why Flower has an error instead of an answer, if it has."""
    if not message.has_error():
        return None
    return (message.error.reason or "no reason given")[:200]


def refusal(experiment: str, reason: str) -> RecordDict:
    """The answer of a node that cannot do what it was asked."""
    return pack("refusal", experiment, {}, refused=reason)


def parameter_arrays(parameters: Parameters) -> Arrays:
    """Parameters under the names of a model file."""
    return dict(parameters.named)


def parameters_from(content: Content, network: Network) -> Parameters:
    """Parameters out of a message.

    Raises:
        MessageError: if an array is missing, of another type or shape, or beyond its bounds.
    """
    numbers = range(network.depth)
    types: list[tuple[str, np.dtype[np.signedinteger], tuple[int, ...]]] = []
    for number, layer in enumerate(network.layers):
        shape = (layer.fan_in, layer.fan_out)
        types.append((f"layer.{number}.weight", weight_dtype(layer), shape))
        types.append((f"layer.{number}.bias", bias_dtype(layer), shape[1:]))
    found = {name: content.array(name, dtype, shape) for name, dtype, shape in types}
    parameters = Parameters(
        content.array("input.centre", np.int8, (network.features,)),
        tuple(found[f"layer.{number}.weight"] for number in numbers),
        tuple(found[f"layer.{number}.bias"] for number in numbers),
    )
    try:
        check_parameters(network, parameters)
    except UsageError as error:
        raise MessageError(str(error)) from error
    return parameters


def pack_plan(
    experiment: str, plan: Plan, jobs: Sequence[Job], parameters: Parameters
) -> RecordDict:
    """``jobs`` of one node out of ``plan``."""
    arrays = parameter_arrays(parameters)
    arrays["jobs"] = job_runs(jobs, len(parameters.weights))
    return pack(
        "fit", experiment, arrays,
        round=plan.round, exchange=plan.exchange, extra_shift=plan.extra_shift,
    )  # fmt: skip


def plan_from(content: Content, network: Network, hosted: range) -> Plan:
    """The node's part of the plan.

    Raises:
        MessageError: if it is not well-formed, or about a device that is not in ``hosted``.
    """
    runs = content.array("jobs", np.int64, (None, 6 + network.depth))
    jobs = []
    for first, count, *work in runs.tolist():
        if first not in hosted or not 1 <= count <= hosted.stop - first:
            raise MessageError(f"device {first} and {count - 1} more are not all hosted here")
        layers = tuple(n for n, flag in enumerate(work[4:]) if flag)
        jobs += [
            Job(device, layers, work[0], work[1], work[2], work[3])
            for device in range(first, first + count)
        ]
    if any(later.device <= job.device for job, later in pairwise(jobs)):
        raise MessageError("jobs are not in order")
    return Plan(
        content.integer("round"),
        content.integer("exchange"),
        content.integer("extra_shift"),
        tuple(jobs),
    )


def job_runs(jobs: Sequence[Job], depth: int) -> Integers:
    """Jobs, ascending by device, as int64 (n, 6 + depth).

    Columns: first device, devices, position, samples, first step, steps, and per layer 1 if it is
    trained. Consecutive devices with the same job share a row.
    """
    rows: list[tuple[int, ...]] = []
    for job in jobs:
        flags = (int(layer in job.layers) for layer in range(depth))
        work = (job.position, job.samples, job.first_step, job.steps, *flags)
        if rows and rows[-1][2:] == work and sum(rows[-1][:2]) == job.device:
            rows[-1] = (rows[-1][0], rows[-1][1] + 1, *work)
        else:
            rows.append((job.device, 1, *work))
    return np.array(rows, np.int64).reshape(len(rows), 6 + depth)


def pack_update(experiment: str, plan: Plan, update: Update) -> RecordDict:
    """A node's partial sums."""
    numbers = sorted(update.layers)
    sums = [update.layers[number] for number in numbers]
    arrays: Arrays = {"devices": to_ranges(sorted(update.devices))}
    for number, part in zip(numbers, sums, strict=True):
        arrays[f"layer.{number}.weight"] = part.weight
        arrays[f"layer.{number}.bias"] = part.bias
    return pack(
        "fit", experiment, arrays,
        round=plan.round, exchange=plan.exchange, layers=numbers,
        samples=[part.samples for part in sums], counts=[part.devices for part in sums],
        **asdict(update.statistics),
    )  # fmt: skip
