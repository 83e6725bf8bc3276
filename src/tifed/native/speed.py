"""How fast the native engine is here, and how near to what the processor can do."""

import resource
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.native.engine import Native, default_threads, kernels, peak
from tifed.rule.compression import Change
from tifed.rule.learning import LocalWork, feedback_matrices, oracle
from tifed.rule.learning.work import FleetJobs, FleetWork, SharedSamples
from tifed.rule.network import Network, Parameters
from tifed.rule.recipes import RECIPES

SHAPE = (784, 200, 10)
BUFFER = 50
LOCAL_EPOCHS = 5
BATCHES = {"paper": 25, "tuned": 10}


class Workload:
    """Devices with made-up samples of a shape, each with its own part of a shared array."""

    def __init__(
        self,
        recipe: str,
        shape: tuple[int, ...],
        samples: int = 4000,
        clip: int = 0,
        upload: tuple[Change, ...] = (),
        frame: int = 0,
    ) -> None:
        """Draw ``samples`` samples; streams wrap around them.

        Each layer of an update is held to ``clip``, and they go up as ``upload`` says, in frames if
        ``frame`` is not 0.
        """
        self.clip, self.upload, self.frame = clip, upload, frame
        self.batch = BATCHES[recipe]
        made = RECIPES[recipe]()
        self.network: Network = made.network(shape, self.batch)
        self.parameters: Parameters = made.start_parameters(self.network, 1)
        self.feedback = feedback_matrices(self.network, 1)
        rng = np.random.default_rng(0)
        drawn = np.clip(rng.normal(-40, 70, (samples, shape[0])), -128, 127)
        self.samples: NDArray[np.int8] = drawn.astype(np.int8)
        self.labels = rng.integers(0, shape[-1], samples).astype(np.int32)
        self.order = np.arange(samples, dtype=np.int64)
        self.steps = LOCAL_EPOCHS * -(-BUFFER // self.batch)
        self.macs = 2 * sum(layer.fan_in * layer.fan_out for layer in self.network.layers)

    def jobs(self, devices: int) -> FleetJobs:
        """One buffer of every device."""
        every = (1 << self.network.depth) - 1
        length = len(self.samples)
        device = np.arange(devices, dtype=np.int64)
        return FleetJobs(
            device=device,
            begin=np.zeros_like(device),
            end=np.full_like(device, length),
            position=device * BUFFER % length,
            samples=np.full_like(device, BUFFER),
            first_step=np.zeros_like(device),
            steps=np.full_like(device, self.steps),
            layers=np.full_like(device, every),
            weight=np.full_like(device, BUFFER),
            clip=np.zeros_like(device),
        )

    def train(self, engine: Native, devices: int) -> None:
        """One exchange of ``devices`` devices."""
        engine.train_fleet(
            self.network,
            self.parameters,
            self.feedback,
            SharedSamples(self.samples, self.labels, self.order),
            FleetWork(
                self.jobs(devices),
                self.batch,
                upload=self.upload,
                frame=self.frame,
                clips=(self.clip,) * self.network.depth if self.clip else (),
            ),
        )


def seconds(work: Callable[[], Any], repeats: int, clock: Callable[[], float]) -> float:
    """Median over ``repeats`` runs."""
    taken = []
    for _ in range(repeats):
        before = clock()
        work()
        taken.append(clock() - before)
    return statistics.median(taken)


def by_kernel(repeats: int) -> list[dict[str, Any]]:
    """Visits per CPU second, one thread, each kernel and recipe.

    The peak is that of this processor's best multiply-accumulate, operands in registers.
    """
    rows, best = [], kernels()[-1]
    for kernel in kernels():
        for recipe in BATCHES:
            load, engine = Workload(recipe, SHAPE), Native(kernel, threads=1)
            rates, peaks = [], []
            for _ in range(repeats):  # side by side: a neighbour's load slows both
                rounds = 200_000
                before = time.process_time()
                done = peak(best, rounds)
                between = time.process_time()
                load.train(engine, 8)
                after = time.process_time()
                peaks.append(done / (between - before))
                rates.append(8 * BUFFER * LOCAL_EPOCHS / (after - between))
            rate, top = statistics.median(rates), statistics.median(peaks)
            share = statistics.median(r * load.macs / p for r, p in zip(rates, peaks, strict=True))
            test = load.samples[:2000]
            ask = partial(engine.classify, load.network, load.parameters, test)
            evaluation = seconds(ask, repeats, time.process_time)
            rows.append({
                "kernel": kernel, "recipe": recipe, "visits_per_second": round(rate),
                "gmac_per_second": round(rate * load.macs / 1e9, 1),
                "peak_gmac_per_second": round(top / 1e9, 1), "share_of_peak": round(share, 3),
                "evaluate_10000_ms": round(evaluation * 5000, 1),
            })  # fmt: skip
    return rows


def by_threads(repeats: int) -> list[dict[str, Any]]:
    """Visits per wall second of 64 devices, 1 to n threads."""
    load, rows = Workload("paper", SHAPE), []
    for threads in range(1, default_threads() + 1):
        engine = Native(threads=threads)
        taken = seconds(partial(load.train, engine, 64), repeats, time.perf_counter)
        rows.append(
            {"threads": threads,
             "visits_per_second": round(64 * BUFFER * LOCAL_EPOCHS / taken)}
        )  # fmt: skip
    return rows


def by_devices(devices: tuple[int, ...]) -> list[dict[str, Any]]:
    """CPU seconds of one exchange, and the process's peak memory after it."""
    load, engine, rows = Workload("paper", SHAPE), Native(threads=1), []
    for count in devices:
        taken = seconds(partial(load.train, engine, count), 1, time.process_time)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        rows.append(
            {"devices": count, "cpu_seconds": round(taken, 3),
             "ms_per_device": round(1000 * taken / count, 3), "peak_mb": memory}
        )  # fmt: skip
    return rows


def by_shape(repeats: int) -> list[dict[str, Any]]:
    """Growth with depth and width."""
    rows = []
    shapes = [(64, 32, 10), (784, 32, 10), SHAPE, (784, 800, 10), (784, 200, 200, 10),
              (784, 200, 200, 200, 10)]  # fmt: skip
    for shape in shapes:
        load, engine = Workload("paper", shape, 1000), Native(threads=1)
        taken = seconds(partial(load.train, engine, 8), repeats, time.process_time)
        rate = 8 * BUFFER * LOCAL_EPOCHS / taken
        rows.append(
            {"shape": "-".join(map(str, shape)), "visits_per_second": round(rate),
             "gmac_per_second": round(rate * load.macs / 1e9, 1)}
        )  # fmt: skip
    return rows


def against_oracle() -> dict[str, Any]:
    """One device's buffer on both engines."""
    load, engine = Workload("paper", SHAPE), Native(threads=1)
    work = LocalWork(load.batch, 0, 2, (0, 1))
    given = (load.network, load.parameters, load.feedback,
             load.samples[:BUFFER], load.labels[:BUFFER], work)  # fmt: skip
    slow = seconds(lambda: oracle.train(*given), 1, time.process_time) * load.steps / 2
    fast = seconds(partial(load.train, engine, 8), 5, time.process_time) / 8
    return {"oracle_seconds_per_device": round(slow, 3), "ratio": round(slow / fast)}


def paper_run() -> dict[str, Any]:
    """The training of one paper run: 8 devices, 150 rounds, 50 samples, 5 epochs."""
    load, engine = Workload("paper", SHAPE), Native(threads=1)
    before = time.process_time()
    for _ in range(150):
        load.train(engine, 8)
    return {"cpu_seconds": round(time.process_time() - before, 3), "visits": 300_000}


def measure(repeats: int, full: bool) -> dict[str, Any]:
    """Everything, as plain numbers."""
    return {
        "kernels": by_kernel(repeats),
        "threads": by_threads(repeats),
        "devices": by_devices((8, 100, 1000, 10_000) if full else (8, 100, 1000)),
        "shapes": by_shape(repeats),
        "paper_run": paper_run(),
        "oracle": against_oracle(),
    }
