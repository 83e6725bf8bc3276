"""The engine that runs the C core; equal to the oracle bit for bit."""

import os
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.native import arguments
from tifed.rule.learning.clipping import check_clip
from tifed.rule.learning.feedback import FeedbackMatrices
from tifed.rule.learning.work import (
    FleetJobs,
    FleetResult,
    FleetWork,
    LocalWork,
    SharedSamples,
    Statistics,
)
from tifed.rule.network import Network, Parameters, check_parameters
from tifed.rule.network.core_numbers import layer_numbers, rule_numbers

try:
    from tifed.native import _native
except ImportError as missing:
    raise UsageError(
        "engine: 'native' needs the compiled extension, which this installation lacks "
        f"({missing}); install a wheel or run `pip install .` with a C compiler, or choose "
        "engine = 'oracle'"
    ) from missing

DEVICE_KERNELS = ("device", "device-seed")
"""The core exactly as firmware runs it: frozen layers in flash and feedback stored; or all layers
in RAM, parameters in pieces, and feedback regenerated from the seed. Slow; for equality tests."""

_WORD = (1 << 32) - 1


def kernels() -> tuple[str, ...]:
    """Host kernels that this processor can run, the fastest last."""
    return tuple(_native.kernels())


def peak(kernel: str, rounds: int) -> int:
    """Do multiply-accumulates in registers alone, ``rounds`` times over; returns how many."""
    return _native.peak(kernel, arguments.whole("rounds", rounds, 1, _WORD))


def default_threads() -> int:
    """As many threads as there are processors for this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Native:
    """The C core behind the engines' protocol, and many devices at once.

    Every method lets other Python threads run while C works.
    """

    def __init__(self, kernel: str | None = None, threads: int | None = None) -> None:
        """Choose a kernel and a number of threads; neither changes a result.

        Args:
            kernel: one of `kernels` or `DEVICE_KERNELS`; default the fastest.
            threads: 1..4096; default one per processor.

        Raises:
            UsageError: if this processor has no such kernel, or ``threads`` is out of range.
        """
        names = kernels()
        self.kernel = names[-1] if kernel is None else kernel
        if self.kernel not in (*names, *DEVICE_KERNELS):
            raise UsageError(
                f"kernel: {self.kernel!r} is not one of {', '.join((*names, *DEVICE_KERNELS))}"
            )
        self.threads = (
            default_threads() if threads is None else arguments.whole("threads", threads, 1, 4096)
        )

    def train(
        self,
        network: Network,
        parameters: Parameters,
        feedback: FeedbackMatrices,
        samples: NDArray[np.int8],
        labels: NDArray[np.int32],
        work: LocalWork,
    ) -> tuple[Parameters, Statistics]:
        """One device's local work; see `tifed.rule.learning.oracle.train`.

        Raises:
            UsageError: naming the argument that is not as the oracle's contract has it.
        """
        arguments.sample_arrays(network, samples, labels)
        count = len(labels)
        row = {
            "device": work.device, "begin": 0, "end": count, "position": 0, "samples": count,
            "first_step": work.first_step, "steps": work.steps,
            "layers": _mask(network, work.layers), "weight": 1, "clip": 0,
        }  # fmt: skip
        columns = {
            name: np.array([arguments.whole(name, value, 0, _WORD)], np.int64)
            for name, value in row.items()
        }
        result = self.train_fleet(
            network,
            parameters,
            feedback,
            SharedSamples(samples, labels, np.arange(count, dtype=np.int64)),
            FleetWork(
                FleetJobs(**columns), work.batch, work.extra_shift, work.seed, work.exchange,
                work.energy_shift,
            ),
        )  # fmt: skip
        weights, biases = list(parameters.weights), list(parameters.biases)
        for number, (weight, bias) in result.sums.items():
            weights[number] = weight.astype(weights[number].dtype)
            biases[number] = bias.astype(biases[number].dtype)
        return Parameters(parameters.centre, tuple(weights), tuple(biases)), result.statistics

    def train_fleet(
        self,
        network: Network,
        parameters: Parameters,
        feedback: FeedbackMatrices,
        shared: SharedSamples,
        work: FleetWork,
    ) -> FleetResult:
        """The local work of many devices, from the same parameters, summed.

        A device is a job and its part of the order: nothing else is kept of it, and its parameters
        exist only while a thread works on it.

        Args:
            network: what every device holds.
            parameters: what every device starts from.
            feedback: per hidden layer int64 (classes, units).
            shared: samples of all devices.
            work: what each of them is to do.

        Returns:
            Sums over jobs times ``weight``, and what was counted.

        Raises:
            UsageError: naming the argument that is wrong.
        """
        centre, weights, biases = arguments.parameter_arrays(network, parameters)
        arguments.sample_arrays(network, shared.samples, shared.labels)
        arguments.array("order", shared.order, np.int64, (None,))
        bounds = len(work.clips) or 1
        norms, coded = (np.zeros((len(work.jobs), n), np.int64) for n in (bounds, 2))
        try:
            jobs = _native.Jobs(**vars(work.jobs))
        except ValueError as wrong:
            raise UsageError(str(wrong)) from wrong
        if not len(work.jobs):
            return FleetResult({}, Statistics(), norms, coded)
        for clip in (int(work.jobs.clip.max()), *work.clips):
            check_clip(network, clip)
        matrices = arguments.feedback_arrays(network, feedback)
        arguments.changes(network, work.upload)
        residuals = arguments.residuals(network, work.upload, len(work.jobs), work.residuals)
        trained = int(np.bitwise_or.reduce(work.jobs.layers))
        shapes = [(layer.fan_in, layer.fan_out) for layer in network.layers]
        weight_sums = [np.zeros(shape, np.int64) for shape in shapes]
        bias_sums = [np.zeros(shape[1], np.int64) for shape in shapes]
        engine = _compiled(network, self.kernel)
        try:
            counts = engine.fit(
                _native.Parameters(centre, weights, biases),
                matrices,
                _native.SharedSamples(
                    shared.samples if shared.samples.ndim == 3 else shared.samples[np.newaxis],
                    shared.labels,
                    shared.order,
                ),
                jobs,
                _native.Work(
                    batch=arguments.whole("batch", work.batch, 1, _WORD),
                    extra_shift=arguments.whole("extra_shift", work.extra_shift, 0, 6),
                    seed=arguments.whole("seed", work.seed, 0, (1 << 64) - 1),
                    round=arguments.whole("round", work.round, 0, _WORD),
                    exchange=arguments.whole("exchange", work.exchange, 0, _WORD),
                    threads=self.threads,
                    energy_shift=arguments.whole("energy_shift", work.energy_shift, -30, 30),
                    upload=[
                        _native.Change(
                            top=change.top,
                            shift=change.shift,
                            rows=change.rows,
                            unit=-1 if change.unit is None else change.unit,
                        )
                        for change in work.upload
                    ],
                    frame=arguments.whole("frame", work.frame, 0, _WORD),
                    clips=list(work.clips),
                    steps_per_buffer=arguments.whole(
                        "steps_per_buffer", work.steps_per_buffer, 0, _WORD
                    ),
                ),
                _native.Sums(weight_sums, bias_sums, norms, coded, residuals),
            )
        except ValueError as wrong:
            check_parameters(network, parameters)  # says which array, if it is one
            raise UsageError(str(wrong)) from wrong
        sums = {
            number: (weight_sums[number], bias_sums[number])
            for number in range(network.depth)
            if trained >> number & 1
        }
        left = {layer: kept for layer, kept in enumerate(residuals) if kept.size}
        return FleetResult(sums, Statistics(*counts), norms, coded, left)

    def classify(
        self,
        network: Network,
        parameters: Parameters,
        samples: NDArray[np.int8],
        out: NDArray[np.int32] | None = None,
    ) -> NDArray[np.int32]:
        """The class (N,) of each sample (N, D), in ``out`` (int32 (N,)) if it is given.

        Raises:
            UsageError: naming the argument that is wrong.
        """
        centre, weights, biases = arguments.parameter_arrays(network, parameters)
        arguments.array("samples", samples, np.int8, (None, network.features))
        classes = np.zeros(len(samples), np.int32) if out is None else out
        arguments.array("out", classes, np.int32, (len(samples),), writable=True)
        try:
            _compiled(network, self.kernel).classify(
                _native.Parameters(centre, weights, biases), samples, classes, self.threads
            )
        except ValueError as wrong:
            check_parameters(network, parameters)
            raise UsageError(str(wrong)) from wrong
        return classes


def _mask(network: Network, layers: tuple[int, ...]) -> int:
    """Layer numbers as bits."""
    mask = 0
    for number in layers:
        mask |= 1 << arguments.whole("layers", number, 0, network.depth - 1)
    if mask == 0:
        raise UsageError("layers: name at least one layer to train")
    return mask


@lru_cache(maxsize=64)
def _compiled(network: Network, kernel: str) -> _native.Engine:
    """The network's constants in C."""
    if any(layer.weight_bits == 32 for layer in network.layers):
        raise UsageError("weight_bits: 32 is not for the native engine; choose engine = 'oracle'")
    try:
        layers = [_native.Layer(**layer_numbers(layer)._asdict()) for layer in network.layers]
        return _native.Engine(layers, _native.Rule(**rule_numbers(network)._asdict()), kernel)
    except ValueError as wrong:
        raise UsageError(str(wrong)) from wrong
