"""What a frame costs in the front end of TensorFlow Lite Micro, in code of a Cortex-M4.

    pip download --no-deps --no-binary :all: pymicro-features==2.0.2
    tar xzf pymicro_features-2.0.2.tar.gz
    python benchmarks/micro_features_cost.py pymicro_features-2.0.2

Compiles the package's own C sources, with the settings that its Python module has, for a Cortex-M4.
Then counts instructions as for the project's own front end: of noise in pieces, those of 98 frames
less those of one, divided by 97. What is set up once, in floating point, is not counted. RAM is
what it asks `malloc` for, and its state.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import unicorn
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from unicorn import arm_const

LIBRARY = Path("tensorflow/lite/experimental/microfrontend/lib")
NAMES = (
    "kiss_fft_int16", "fft", "fft_util", "filterbank", "filterbank_util", "frontend",
    "frontend_util", "log_lut", "log_scale", "log_scale_util", "noise_reduction",
    "noise_reduction_util", "pcan_gain_control", "pcan_gain_control_util", "window", "window_util",
)  # fmt: skip
FRAMES = 98
FIRST, STEP = 480, 160
"""Samples of the first frame, and from a frame to the next: 30 and 10 ms at 16 kHz."""
STACK_TOP, RETURN = 0x3000_0000, 0x4000_0000
PROGRAM = """\
extern "C" {
#include "tensorflow/lite/experimental/microfrontend/lib/frontend.h"
#include "tensorflow/lite/experimental/microfrontend/lib/frontend_util.h"
unsigned taken = sizeof(struct FrontendState);
static unsigned char heap[1 << 18] __attribute__((aligned(8)));
void *malloc(size_t size)
{
    void *place = heap + taken;
    taken += (size + 7u) & ~7u;
    return place;
}
void *calloc(size_t count, size_t size) { return malloc(count * size); }
void free(void *) {}
short sound[%(samples)d];
static struct FrontendState state;
int prepare(void)
{
    static struct FrontendConfig set;
    set.window.size_ms = 30;
    set.window.step_size_ms = 10;
    set.filterbank.num_channels = 40;
    set.filterbank.lower_band_limit = 125.0f;
    set.filterbank.upper_band_limit = 7500.0f;
    set.noise_reduction.smoothing_bits = 10;
    set.noise_reduction.even_smoothing = 0.025f;
    set.noise_reduction.odd_smoothing = 0.06f;
    set.noise_reduction.min_signal_remaining = 0.05f;
    set.pcan_gain_control.enable_pcan = 1;
    set.pcan_gain_control.strength = 0.95f;
    set.pcan_gain_control.offset = 80.0f;
    set.pcan_gain_control.gain_bits = 21;
    set.log_scale.enable_log = 1;
    set.log_scale.scale_shift = 6;
    return FrontendPopulateState(&set, &state, 16000);
}
int start(int count)
{
    int frames = 0;
    const short *at = sound;
    while (count > 0) {
        size_t read = 0;
        size_t piece = count < 160 ? count : 160;
        struct FrontendOutput out = FrontendProcessSamples(&state, at, piece, &read);
        frames += out.size == 40;
        at += read;
        count -= (int)read;
    }
    return frames;
}
int main(void) { return prepare() + start(0); }
}
"""


def compiled(package: Path, folder: Path, level: str) -> Path:
    """The package's front end and a program for it."""
    source, image = folder / "program.cc", folder / "program"
    source.write_text(PROGRAM % {"samples": FIRST + STEP * (FRAMES - 1)})
    for name in ("cstdint", "cstring", "cstdlib", "cmath", "cstdio"):  # no library of C++ is needed
        (folder / name).write_text(f"#include <{name[1:]}.h>\n")
    sources = [package / LIBRARY / f"{name}.cc" for name in NAMES]
    sources += [package / "kissfft/kiss_fft.cc", package / "kissfft/tools/kiss_fftr.cc"]
    command = [sys.executable, "-m", "ziglang", "c++", "-nostdlib++", "-fno-exceptions",
               "-fno-rtti", "-target", "thumb-linux-musleabi",
               "-mcpu=cortex_m4", "-static", level, "-w", "-fno-sanitize=undefined",
               "-DFIXED_POINT=16", f"-I{package}", f"-I{folder}", f"-I{package / 'kissfft'}",
               source, *sources,
               "-o", image]  # fmt: skip
    subprocess.run([str(part) for part in command], check=True)
    return image


def counted(image: Path, frames: int) -> tuple[int, int]:
    """Instructions of so many frames of noise, and bytes of RAM."""
    emulator: Any = unicorn
    machine = emulator.Uc(emulator.UC_ARCH_ARM, emulator.UC_MODE_THUMB)
    machine.ctl_set_cpu_model(arm_const.UC_CPU_ARM_CORTEX_A15)  # runs it
    with image.open("rb") as file:
        elf = ELFFile(file)
        parts = [part for part in elf.iter_segments() if part["p_type"] == "PT_LOAD"]
        table = elf.get_section_by_name(".symtab")
        if not isinstance(table, SymbolTableSection):
            raise SystemExit("the program has no symbols")
        symbols = {it.name: it["st_value"] for it in table.iter_symbols()}
        low = min(part["p_vaddr"] for part in parts) & ~0xFFFF
        high = max(part["p_vaddr"] + part["p_memsz"] for part in parts)
        machine.mem_map(low, (high - low + 0x1FFFF) & ~0xFFFF)
        for part in parts:
            machine.mem_write(part["p_vaddr"], part.data())
    machine.mem_map(STACK_TOP - 0x10000, 0x10000)
    machine.mem_map(RETURN, 0x1000)
    count = FIRST + STEP * (frames - 1)
    noise = np.random.default_rng(1).integers(-32768, 32768, count).astype("<i2")
    machine.mem_write(symbols["sound"], noise.tobytes())

    machine.reg_write(arm_const.UC_ARM_REG_C1_C0_2, 0xF << 20)  # setting up uses the FPU
    machine.reg_write(arm_const.UC_ARM_REG_FPEXC, 1 << 30)

    def call(name: str, argument: int) -> int:
        machine.reg_write(arm_const.UC_ARM_REG_SP, STACK_TOP - 64)
        machine.reg_write(arm_const.UC_ARM_REG_LR, RETURN | 1)
        machine.reg_write(arm_const.UC_ARM_REG_R0, argument)
        machine.emu_start(symbols[name] | 1, RETURN)
        return int(machine.reg_read(arm_const.UC_ARM_REG_R0))

    if call("prepare", 0) != 1:
        raise SystemExit("the front end cannot be set up")
    ran = [0]
    machine.hook_add(emulator.UC_HOOK_CODE, lambda *_: ran.__setitem__(0, ran[0] + 1))
    made = call("start", count)
    if made != frames:
        raise SystemExit(f"{made} frames instead of {frames}")
    return ran[0], int.from_bytes(machine.mem_read(symbols["taken"], 4), "little")


def main() -> None:
    """Measure it, compiled for speed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path, help="the unpacked source package")
    package = parser.parse_args().package
    for level in ("-O2",):
        with tempfile.TemporaryDirectory() as folder:
            image = compiled(package, Path(folder), level)
            whole, ram = counted(image, FRAMES)
            one, _ = counted(image, 1)
        frame = round((whole - one) / (FRAMES - 1))
        print(f"{level}: a frame {frame:,}, {FRAMES} frames {whole:,} instructions, RAM {ram:,} B")


if __name__ == "__main__":
    main()
