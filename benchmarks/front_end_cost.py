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
import subprocess
import sys
import tempfile
import time
import timeit
from pathlib import Path
from typing import Any

import numpy as np
import unicorn
from elftools.elf.elffile import ELFFile
from numpy.typing import NDArray
from unicorn import arm_const

from tifed.board import load_boards, load_measured
from tifed.board.firmware.build import CORE, SOURCES
from tifed.board.firmware.elf import read_image
from tifed.board.firmware.emulated_boards import PROCESSORS, UNICORN
from tifed.data import load
from tifed.errors import UsageError
from tifed.experiment import load_experiment
from tifed.experiment.setup import network_for
from tifed.native.front_end import features as c_features
from tifed.plan.instructions import modelled, scale
from tifed.plan.round_operations import round_operations
from tifed.rule.front_end import EDGE_FRONT_ENDS, FrontEnd, features, front_end_memory

FLASH, RAM, RAM_BYTES = 0, 0x20000000, 1 << 22
STACK = 4096
PAINTS = (0x55, 0xAA)
"""A byte that keeps both is one that nobody wrote to."""

PROGRAM = """\
#include "tifed_second_order.h"
static const tifed_front_end front_end = {
    %(height)d, %(width)d, %(channels)d, %(directions)d, %(merged)d};
int8_t sample[%(inputs)d], features[%(outputs)d];
uint32_t scratch[%(scratch)d / 4];
int start(void);
int start(void)
{
    tifed_front_end_stream stream;
#if %(second_order)d
    tifed_second_order second;
    int status = tifed_second_order_begin(&stream, &second, &front_end, features, scratch,
                                          sizeof scratch);
#else
    int status = tifed_front_end_begin(&stream, &front_end, features, scratch, sizeof scratch);
#endif
    return status ? status : tifed_front_end_put(&stream, sample, sizeof sample);
}
"""


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="front ends; default all")
    parser.add_argument("--board", choices=UNICORN, action="append", help="default all")
    parser.add_argument("--shape", default="28x28x1", help="of a picture")
    parser.add_argument("--host", action="store_true", help="time this machine instead")
    chosen = parser.parse_args()
    height, width, channels = map(int, chosen.shape.split("x"))
    for name in chosen.names or EDGE_FRONT_ENDS:
        front_end = FrontEnd(name, (height, width, channels))
        if chosen.host:
            print(json.dumps(time_here(front_end)), flush=True)
            continue
        for processor in chosen.board or UNICORN:
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
    with tempfile.TemporaryDirectory() as folder:
        image = build(Path(folder), front_end, processor)
        runs = {kind: run(image, processor, front_end, it) for kind, it in pictures.items()}
        code = read_image(image).code
    counts = {f"instructions_{kind}": it["instructions"] for kind, it in runs.items()}
    share = 100 * counts["instructions_noise"] / training_instructions(processor)
    return {
        "front_end": front_end.name,
        "shape": front_end.input_shape,
        "processor": processor,
        **counts,
        "percent_of_training": round(share, 2),
        "stack": runs["noise"]["stack"],
        "scratch_planned": front_end_memory(front_end).total,
        "scratch_written": runs["noise"]["scratch"],
        "code": code,
    }


def noise(length: int) -> NDArray[np.int8]:
    """A sample whose every pixel is an edge."""
    return np.random.default_rng(1).integers(-128, 128, length).astype(np.int8)


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


def build(folder: Path, front_end: FrontEnd, processor: str) -> Path:
    """An image of the front end and nothing else."""
    height, width, channels = front_end.input_shape
    numbers = {
        "height": height, "width": width, "channels": channels,
        "directions": front_end.parts.directions, "merged": front_end.parts.merged,
        "second_order": front_end.parts.second_order,
        "inputs": front_end.input_features, "outputs": front_end.features,
        "scratch": front_end_memory(front_end).total,
    }  # fmt: skip
    (folder / "program.c").write_text(PROGRAM % numbers)
    boards = SOURCES / "boards"
    script = (boards / UNICORN[processor].script).read_text() + (boards / "sections.ld").read_text()
    (folder / "board.ld").write_text(script.replace("1024", str(STACK)))
    command = [
        sys.executable, "-m", "ziglang", "cc", *PROCESSORS[processor].zig, "-std=c11", "-g",
        "-ffreestanding", "-fno-builtin", "-ffunction-sections", "-fdata-sections",
        "-fomit-frame-pointer", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables",
        "-fno-unroll-loops", "-fno-sanitize=all", "-nostdlib", f"-I{CORE}",
    ]  # fmt: skip
    kernels, image = [], folder / "image.elf"
    for name in ("tifed_kernel_front_end", "tifed_kernel_second_order"):
        kernels.append(str(folder / f"{name}.o"))
        source = str(CORE / f"{name}.c")
        subprocess.run([*command, "-O2", "-c", source, "-o", kernels[-1]], check=True)
    core = (CORE / "tifed_front_end.c", CORE / "tifed_second_order.c")
    rest = [str(it) for it in (folder / "program.c", *core, boards / "arm_runtime.c")]
    link = ("-Wl,--gc-sections", "-Wl,--entry=start", "-T", str(folder / "board.ld"))
    subprocess.run([*command, "-Os", *rest, *kernels, *link, "-o", str(image)], check=True)
    return image


def run(
    image: Path, processor: str, front_end: FrontEnd, sample: NDArray[np.int8]
) -> dict[str, int]:
    """Instructions, and bytes of stack and scratch that were written."""
    symbols = read_image(image).symbols
    scratch = front_end_memory(front_end).total
    kept = np.ones(scratch, bool), np.ones(STACK, bool)
    instructions = 0
    wanted = features(front_end, sample[np.newaxis])[0]
    for paint in PAINTS:
        machine = loaded(image, processor)
        places = (symbols["scratch"], scratch), (symbols["stack_top"] - STACK, STACK)
        for place, count in places:
            machine.mem_write(place, bytes([paint]) * count)
        machine.mem_write(symbols["sample"], sample.tobytes())
        instructions = counted(machine, symbols)
        found = np.frombuffer(bytes(machine.mem_read(symbols["features"], len(wanted))), np.int8)
        assert np.array_equal(found, wanted), "the processor computed something else"
        for whole, (place, count) in zip(kept, places, strict=True):
            whole &= np.frombuffer(bytes(machine.mem_read(place, count)), np.uint8) == paint
    return {
        "instructions": instructions,
        "scratch": scratch - int(kept[0].sum()),
        "stack": STACK - int(np.argmin(kept[1])),
    }


def loaded(image: Path, processor: str) -> Any:
    """A processor with the image in its memory."""
    models = {
        "cortex-m0": arm_const.UC_CPU_ARM_CORTEX_M0, "cortex-m3": arm_const.UC_CPU_ARM_CORTEX_M3,
        "cortex-m4": arm_const.UC_CPU_ARM_CORTEX_M4, "cortex-m7": arm_const.UC_CPU_ARM_CORTEX_M7,
    }  # fmt: skip
    emulator: Any = unicorn  # it has no types
    machine = emulator.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
    machine.ctl_set_cpu_model(models[processor])
    machine.mem_map(FLASH, UNICORN[processor].flash)
    machine.mem_map(RAM, RAM_BYTES)
    with image.open("rb") as file:
        for segment in ELFFile(file).iter_segments():
            if segment["p_type"] == "PT_LOAD" and segment["p_filesz"]:
                machine.mem_write(segment["p_paddr"], segment.data())
    return machine


def counted(machine: Any, symbols: dict[str, int]) -> int:
    """Instructions from `start` to where it returns."""
    end = UNICORN["cortex-m4"].flash - 4
    count = 0

    def one_more(*_: object) -> None:
        nonlocal count
        count += 1

    machine.hook_add(unicorn.UC_HOOK_CODE, one_more)
    machine.reg_write(arm_const.UC_ARM_REG_SP, symbols["stack_top"])
    machine.reg_write(arm_const.UC_ARM_REG_LR, end | 1)
    machine.emu_start(symbols["start"] | 1, end)
    status = machine.reg_read(arm_const.UC_ARM_REG_R0)
    assert status == 0, f"the front end returned {status}"
    return count


if __name__ == "__main__":
    main()
