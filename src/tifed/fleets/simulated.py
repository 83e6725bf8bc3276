"""Devices simulated in this process: in parallel where the engine can, else one after the other."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tifed.federation import (
    DeviceCounts,
    DeviceScore,
    FeatureSums,
    Job,
    LayerSum,
    PersonalScore,
    PersonalWork,
    Plan,
    Update,
    personal_plan,
    planned_update,
)
from tifed.federation.device import calibrate
from tifed.federation.residuals import LayerResiduals
from tifed.federation.travel import bytes_up
from tifed.federation.update import NO_NORMS
from tifed.fleets.inputs import FleetInputs
from tifed.rule.learning import FeedbackMatrices, LocalWork, Statistics, feedback_matrices
from tifed.rule.learning.engine import FleetEngine
from tifed.rule.learning.work import FleetJobs, FleetResult, FleetWork, SharedSamples
from tifed.rule.network import Parameters

NO_TRAINING_SAMPLE = "it has no training sample"
"""Why a device with own data does not answer."""


class SimulatedFleet:
    """As many devices as there are streams; a device is its stream and nothing else."""

    def __init__(self, inputs: FleetInputs, feedback: FeedbackMatrices | None = None) -> None:
        """Nothing is computed yet.

        Args:
            inputs: what every kind of fleet is made from.
            feedback: per hidden layer int64 (classes, units); default what the seed draws.
        """
        self.inputs = inputs
        self.network = inputs.network
        self.feedback = (
            feedback_matrices(self.network, inputs.federation.seed)
            if feedback is None
            else feedback
        )

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterator[FeatureSums]:
        """Feature sums of each of ``devices``."""
        for device in devices:
            if len(self.inputs.streams[device]):
                yield calibrate(device, self.inputs.streams[device], samples)

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        """Every device's update, or their sum in one."""
        if self.inputs.own_data:
            lengths = self.inputs.lengths[plan.jobs.device]
            lacking = plan.jobs.device[lengths == 0].tolist()
            if lacking:
                yield Update(absent=dict.fromkeys(lacking, NO_TRAINING_SAMPLE))
            plan = replace(plan, jobs=plan.jobs.at(lengths > 0).within(lengths[lengths > 0]))
        if plan.residuals is not None and (lost := plan.residuals.lost(plan.jobs)):
            yield Update(absent=lost)
            plan = replace(plan, jobs=plan.jobs.at(~np.isin(plan.jobs.device, list(lost))))
        if self._together is not None and len(plan.jobs):
            yield self._fit_together(self._together, plan, parameters)
            return
        for job in plan.jobs:
            yield self.local_round(plan, job, parameters)

    def local_round(self, plan: Plan, job: Job, parameters: Parameters) -> Update:
        """One device's update: fill the buffer, train on it, give back the layers trained."""
        trained, statistics = self.train(plan, job, parameters)
        return planned_update(plan, job, parameters, trained, statistics)

    def train(self, plan: Plan, job: Job, parameters: Parameters) -> tuple[Parameters, Statistics]:
        """All parameters of one device after its part in an exchange, and what it counted."""
        inputs, statistics = self.inputs, Statistics()
        stream = inputs.streams[job.device]
        for part in inputs.federation.by_buffer(job):
            samples, labels = stream.read_for_training(part.position, part.samples)
            work = LocalWork(
                batch=inputs.federation.batch,
                first_step=part.first_step,
                steps=part.steps,
                layers=part.layers,
                extra_shift=plan.extra_shift,
                seed=inputs.federation.seed,
                device=part.device,
                exchange=plan.exchange,
                energy_shift=plan.energy_shift,
            )
            parameters, counted = inputs.engine.train(
                self.network, parameters, self.feedback, samples, labels, work
            )
            statistics += counted
        return parameters, statistics

    @cached_property
    def _together(self) -> "_Together | None":
        """The engine and the devices' data as one; None if it cannot, or must not."""
        engine, streams = self.inputs.engine, self.inputs.streams
        first = streams[0]
        federation = self.inputs.federation
        if (
            federation.robust.aggregate != "mean"
            or not isinstance(engine, FleetEngine)
            or any(
                stream.samples is not first.samples
                or stream.labels is not first.labels
                or stream.copies is not first.copies
                for stream in streams
            )
        ):
            return None
        lengths = np.array([len(stream) for stream in streams], np.int64)
        ends = np.cumsum(lengths)
        order = np.concatenate([stream.order for stream in streams]).astype(np.int64)
        samples = first.samples if first.copies is None else first.copies
        return _Together(engine, SharedSamples(samples, first.labels, order), ends - lengths, ends)

    def _fit_together(self, together: "_Together", plan: Plan, parameters: Parameters) -> Update:
        """All devices' updates, added up by the engine itself: no device's model outlives it."""
        jobs, federation = plan.jobs, self.inputs.federation
        work = FleetWork(
            FleetJobs(
                device=jobs.device,
                begin=together.starts[jobs.device],
                end=together.ends[jobs.device],
                position=jobs.position,
                samples=jobs.samples,
                first_step=jobs.first_step,
                steps=jobs.steps,
                layers=jobs.layers,
                weight=jobs.samples,
                clip=np.full_like(jobs.device, plan.clip),
            ),
            batch=federation.batch,
            extra_shift=plan.extra_shift,
            seed=federation.seed,
            exchange=plan.exchange,
            energy_shift=plan.energy_shift,
            upload=plan.upload,
            round=plan.round,
            frame=plan.frame,
            residuals=_side_by_side(plan),
            clips=plan.layer_bounds(self.network.depth) if plan.clips else (),
            steps_per_buffer=federation.steps_per_buffer if federation.buffers_per_round > 1 else 0,
        )
        result = together.engine.train_fleet(
            self.network, parameters, self.feedback, together.shared, work
        )
        layers = {}
        for number, (weight, bias) in result.sums.items():
            trained = jobs.layers >> number & 1
            samples = int(trained @ jobs.samples)
            layers[number] = LayerSum(weight, bias, samples, int(trained.sum()))
        coded = int(result.coded[:, 0].sum())
        return Update(
            jobs.device, layers, result.statistics,
            norms=result.norms if plan.bounded else NO_NORMS,
            bytes_up=bytes_up(self.network, plan, jobs, coded) if plan.coded else None,
            residuals=_one_by_one(plan, result) if plan.residuals is not None else {},
        )  # fmt: skip

    def evaluate(self, parameters: Parameters) -> Iterable[DeviceScore]:
        """Scores of each device on its own samples."""
        return self.inputs.scores(parameters, range(len(self.inputs.streams)))

    def counts(self) -> Iterator[DeviceCounts]:
        """How many samples each device has."""
        return self.inputs.counts(range(len(self.inputs.streams)))

    def keep(self, parameters: Parameters, number: int) -> None:
        """Nothing to do: a simulated device has nowhere to keep a model."""

    def personalise(self, parameters: Parameters, work: PersonalWork) -> Iterator[PersonalScore]:
        """Personal rounds of all devices, as many side by side as there are processors."""
        with ThreadPoolExecutor() as threads:
            made = threads.map(
                lambda device: self.personal_score(device, parameters, work),
                range(len(self.inputs.streams)),
            )
            yield from (score for score in made if score is not None)

    def personal_score(
        self, device: int, parameters: Parameters, work: PersonalWork
    ) -> PersonalScore | None:
        """What personal rounds give one device; None if it has nothing to learn or score by."""
        if not len(self.inputs.streams[device]) or not len(self.inputs.held_out[device]):
            return None
        before, after = (
            next(self.inputs.scores(model, [device]))
            for model in (parameters, self.personal_model(device, parameters, work))
        )
        return PersonalScore(device, before.correct, after.correct, before.samples)

    def personal_model(self, device: int, parameters: Parameters, work: PersonalWork) -> Parameters:
        """The model of one device after its personal rounds, which begin with ``parameters``."""
        for number in range(work.rounds):
            plan, job = personal_plan(self.inputs.federation, work, device, number)
            parameters, _ = self.train(plan, job, parameters)
        return parameters

    def close(self) -> None:
        """Nothing to give back."""


def _side_by_side(plan: Plan) -> dict[int, NDArray[np.int8]]:
    """What the devices of ``plan`` have left before it, as an engine wants it."""
    if plan.residuals is None:
        return {}
    every = [plan.residuals.before(device) for device in plan.jobs.device.tolist()]
    some = next(filter(None, every), {})
    return {
        layer: np.stack([left[layer] if left else np.zeros_like(like) for left in every])
        for layer, like in some.items()
    }


def _one_by_one(plan: Plan, result: FleetResult) -> dict[int, LayerResiduals]:
    """What they have left after it; copies, so that none lives on because of another."""
    return {
        device: {layer: left[place].copy() for layer, left in result.residuals.items()}
        for place, device in enumerate(plan.jobs.device.tolist())
    }


@dataclass(frozen=True)
class _Together:
    """An engine that can do all devices' work at once, and their data as it wants them.

    Attributes:
        engine: who does it.
        shared: the samples of all devices.
        starts: int64 (devices,), where in their order each device's part begins.
        ends: int64 (devices,), where it ends.
    """

    engine: FleetEngine
    shared: SharedSamples
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
