"""What comes back from devices: integer sums that can be added in any order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from tifed.federation.plan import Job, Plan
from tifed.federation.residuals import LayerResiduals
from tifed.rule.compression import shortened
from tifed.rule.compression.coder import START, bits_of, coded_length
from tifed.rule.integer.rounding import Integers
from tifed.rule.learning import Statistics, clipped
from tifed.rule.network import Parameters

NO_NORMS: Integers = np.zeros((0, 1), np.int64)
"""Of devices that were held to no bound."""


@dataclass(frozen=True)
class LayerSum:
    """One layer's parameters, each times its device's samples, summed over devices.

    Attributes:
        weight: int64 (fan_in, fan_out).
        bias: int64 (fan_out,).
        samples: sum of the devices' sample counts, which divides the sums.
        devices: how many devices are in it.
    """

    weight: Integers
    bias: Integers
    samples: int
    devices: int

    def __add__(self, other: "LayerSum") -> "LayerSum":
        """Sum over the devices of both."""
        return LayerSum(
            self.weight + other.weight,
            self.bias + other.bias,
            self.samples + other.samples,
            self.devices + other.devices,
        )


@dataclass(frozen=True)
class Update:
    """The work of one or more devices.

    Attributes:
        devices: int64 (n,), their numbers in any order.
        layers: sums per layer that at least one of them trained.
        statistics: counts over all of them.
        absent: devices that were asked and have not answered, where there is more to say than
            that: why.
        norms: int64 (n, layers), of each of ``devices`` the L2 norm of what it had changed in each
            layer before that was clipped, rounded up, 0 in a layer that it did not train; (n, 1),
            that of all that it had changed, where the plan bounds that; `NO_NORMS` where the plan
            has no bound.
        bytes_up: what ``devices`` have sent, where a coder has made that shorter than the plan
            says; None where the plan says it.
        bytes_down: what all that were asked were sent, whether they have answered or not, where
            that is known from a line; None where it follows from the plan.
        residuals: what those of ``devices`` have left of their changes that are simulated in this
            process, in a run in which they keep it.
    """

    devices: Integers = field(default_factory=lambda: np.zeros(0, np.int64))
    layers: Mapping[int, LayerSum] = field(default_factory=dict)
    statistics: Statistics = field(default_factory=Statistics)
    absent: Mapping[int, str] = field(default_factory=dict)
    norms: Integers = field(default_factory=lambda: NO_NORMS)
    bytes_up: int | None = None
    bytes_down: int | None = None
    residuals: Mapping[int, LayerResiduals] = field(default_factory=dict)


def total(updates: Iterable[Update]) -> Update:
    """Union of updates of different devices, added up as they come."""
    devices, norms = [np.zeros(0, np.int64)], list[Integers]()
    layers: dict[int, LayerSum] = {}
    statistics, absent = Statistics(), dict[int, str]()
    residuals = dict[int, LayerResiduals]()
    up, down = list[int | None](), list[int | None]()
    for update in updates:
        devices.append(update.devices)
        norms += [update.norms] if len(update.norms) else []
        for number, part in update.layers.items():
            layers[number] = layers[number] + part if number in layers else part
        statistics += update.statistics
        absent.update(update.absent)
        residuals.update(update.residuals)
        up += [update.bytes_up] if len(update.devices) else []
        down += [update.bytes_down] if len(update.devices) or update.absent else []
    return Update(
        np.concatenate(devices), layers, statistics, absent,
        np.concatenate(norms) if norms else NO_NORMS,
        _sum(up), _sum(down), residuals,
    )  # fmt: skip


def _sum(lengths: list[int | None]) -> int | None:
    """The sum, if all are told."""
    told = [length for length in lengths if length is not None]
    return sum(told) if lengths and len(told) == len(lengths) else None


def device_update(
    device: int,
    parameters: Parameters,
    layers: tuple[int, ...],
    samples: int,
    statistics: Statistics,
) -> Update:
    """One device's update: its parameters of ``layers``, weighted by its ``samples``."""
    sums = {
        number: LayerSum(
            parameters.weights[number].astype(np.int64) * samples,
            parameters.biases[number].astype(np.int64) * samples,
            samples,
            1,
        )
        for number in layers
    }
    return Update(np.array([device], np.int64), sums, statistics)


def planned_update(
    plan: Plan, job: Job, sent: Parameters, trained: Parameters, statistics: Statistics
) -> Update:
    """One device's update in an exchange: what it has made of ``sent``, as the plan asks for it.

    That is within the plan's bound, and then as short as the plan's ``upload``; what is left, if
    devices keep it, is added to what the plan says that the device had left.
    """
    kept, residuals, norms = plan.residuals, dict[int, LayerResiduals](), NO_NORMS
    if plan.clips:
        bounds = plan.layer_bounds(len(sent.weights))
        norms = np.zeros((1, len(bounds)), np.int64)
        for layer in job.layers:
            trained, norms[0, layer] = clipped(sent, trained, (layer,), bounds[layer])
    elif plan.clip:
        trained, norm = clipped(sent, trained, job.layers, plan.clip)
        norms = np.array([[norm]], np.int64)
    if plan.upload:
        trained, left = shortened(
            sent, trained, job.layers, plan.upload, seed=plan.seed, device=job.device,
            exchange=plan.exchange, steps=job.first_step + job.steps, number=plan.round,
            residuals=kept.before(job.device) if kept is not None else None,
        )  # fmt: skip
        residuals = {job.device: left} if kept is not None else {}
    update = device_update(job.device, trained, job.layers, job.samples, statistics)
    bytes_up = _coded_bytes(plan, job, sent, trained) if plan.coded else None
    return replace(update, norms=norms, bytes_up=bytes_up, residuals=residuals)


def _coded_bytes(plan: Plan, job: Job, sent: Parameters, arrived: Parameters) -> int:
    """What a device sends whose short numbers are coded; all else travels as it is."""
    total = 0
    for layer in job.layers:
        X, W, change = sent.weights[layer], arrived.weights[layer], plan.upload[layer]
        up = change.goes_up(np.arange(len(X)), job.device, plan.round)
        total += sent.biases[layer].nbytes
        if change.top:
            q = (W[up] - X[up]).ravel() >> change.shift
            total += int(coded_length(q, bits_of(change.top), START, plan.frame)[0])
        else:
            total += X[up].nbytes
    return total
