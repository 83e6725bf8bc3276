"""What a front end costs a device: instructions, stack, RAM and code, processor by processor.

    python benchmarks/front_end_cost.py [NAME …] [--board cortex-m4] [--shape 28x28x1]
    python benchmarks/front_end_cost.py --host

NAME is a front end; default all. The core is compiled as firmware compiles it, the kernel for speed
and the rest for size, and run alone on unicorn's bare processors. Instructions are counted
one by one from a sample's first value to its last feature, of noise (the worst case) and of a
picture of Fashion-MNIST where that is at hand; they are not cycles. Stack and scratch are what an
image's painted memory shows to have been written, code is what the image has, its table of square
roots and (on the M0) division included. The share is of the training that `tifed plan` counts for a
sample in a round of the preset fashion-mnist: 784-200-10, 5 epochs.

With --host: microseconds a sample takes one thread here, of noise, the best of ten times.
"""

import argparse
import json
import time
import timeit
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.board import load_boards, load_measured
from tifed.board.firmware import EMULATED_PROCESSORS
from tifed.data import load
from tifed.errors import UsageError
from tifed.experiment import load_experiment
from tifed.experiment.setup import network_for
from tifed.native.front_end import features as c_features
from tifed.plan.bare_front_end import bare_front_end
from tifed.plan.instructions import modelled, scale
from tifed.plan.measure_front_end import noise
from tifed.plan.round_operations import round_operations
from tifed.rule.front_end import EDGE_FRONT_ENDS, FrontEnd, front_end_memory


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="front ends; default all")
    parser.add_argument("--board", choices=EMULATED_PROCESSORS, action="append", help="default all")
    parser.add_argument("--shape", default="28x28x1", help="of a picture")
    parser.add_argument("--host", action="store_true", help="time this machine instead")
    chosen = parser.parse_args()
    height, width, channels = map(int, chosen.shape.split("x"))
    for name in chosen.names or EDGE_FRONT_ENDS:
        front_end = FrontEnd(name, (height, width, channels))
        if chosen.host:
            print(json.dumps(time_here(front_end)), flush=True)
            continue
        for processor in chosen.board or EMULATED_PROCESSORS:
            row = measure(front_end, processor)
            print(json.dumps(row), flush=True)


def time_here(front_end: FrontEnd) -> dict[str, Any]:
    """One front end on this machine."""
    samples = np.tile(noise(1000 * front_end.input_features).reshape(1000, -1), (10, 1))
    work = timeit.Timer(lambda: c_features(front_end, samples, 1), timer=time.process_time)
    seconds = work.repeat(repeat=10, number=1)
    return {
        "front_end": front_end.name,
        "shape": front_end.input_shape,
        "microseconds": round(1e6 * min(seconds) / len(samples), 1),
    }


def measure(front_end: FrontEnd, processor: str) -> dict[str, Any]:
    """One front end on one processor."""
    pictures = {"noise": noise(front_end.input_features)}
    found = picture(front_end.input_features)
    if found is not None:
        pictures["picture"] = found
    with bare_front_end(front_end, processor) as image:
        code = image.code
        runs = {kind: image.run(it) for kind, it in pictures.items()}
    counts = {f"instructions_{kind}": it.instructions for kind, it in runs.items()}
    share = 100 * counts["instructions_noise"] / training_instructions(processor)
    return {
        "front_end": front_end.name,
        "shape": front_end.input_shape,
        "processor": processor,
        **counts,
        "percent_of_training": round(share, 2),
        "stack": runs["noise"].stack,
        "scratch_planned": front_end_memory(front_end).total,
        "scratch_written": runs["noise"].scratch,
        "code": code,
    }


def picture(length: int) -> NDArray[np.int8] | None:
    """A shirt; None where the data are not at hand or have another length."""
    try:
        samples = load("fashion-mnist").test.features
    except UsageError:
        return None
    return samples[1] if samples.shape[1] == length else None


def training_instructions(processor: str) -> float:
    """Instructions that training 784-200-10 spends on one sample in a round, in all its epochs."""
    experiment = load_experiment(preset="fashion-mnist")
    network = network_for(experiment)
    core = load_boards().cores[processor]
    layers = tuple(range(network.depth))
    shape = (experiment.buffer, experiment.batch, experiment.local_epochs)
    whole = modelled(round_operations(network, layers, *shape), core)
    return whole * scale(processor, core, load_measured()) / experiment.buffer


if __name__ == "__main__":
    main()
