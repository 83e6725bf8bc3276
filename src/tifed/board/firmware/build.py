"""Compile firmware, once per content: sources, header, options and compiler name the result."""

import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tifed.board.firmware.emulated_boards import PROCESSORS, EmulatedBoard
from tifed.board.firmware.front_end_header import DEVICE_SWITCH
from tifed.board.firmware.masked_header import MASKED_STACK, MASKED_SWITCH
from tifed.board.firmware.monocypher import SHA256, SMALL_SWITCH, monocypher
from tifed.board.firmware.own_header import OWN_SWITCH
from tifed.board.firmware.sealed_header import SEALED_SWITCH
from tifed.board.firmware.short_header import (
    CODER_SWITCH,
    QUIET_SWITCH,
    RESIDUAL_SWITCH,
    SHORT_SWITCH,
)
from tifed.errors import RunError, UsageError
from tifed.files.atomic import write_atomically

Compiler = Literal["zig", "gcc"]

SOURCES = Path(__file__).parent
CORE = Path(__file__).parents[2] / "core"
MAIN = "main.c"
"""The only file that sees the generated header; whatever else was compiled before is not again."""
FIRMWARE_FILES = (
    "device.c", "device_own.c", "device_quiet.c", "device_residual.c", "device_short.c", "link.c",
    "recorded.c", "signal_log_mel.c", "signal_motion.c", "start.c",
)  # fmt: skip
SECRET_FILES = {
    SEALED_SWITCH: ("device_sealed.c", "seal_monocypher.c"),
    MASKED_SWITCH: ("device_masked.c", "masks_monocypher.c"),
}
"""What a device with a key, or with masks, has beside them, and Monocypher."""

_COMMON = (
    "-std=c11", "-g", "-ffreestanding", "-fno-builtin", "-ffunction-sections", "-fdata-sections",
    "-fomit-frame-pointer",
    "-fno-unwind-tables", "-fno-asynchronous-unwind-tables",
    "-Wall", "-Wextra", "-Werror", "-nostdlib",
)  # fmt: skip
# The two loops that cost time, which are unrolled by hand; everything else.
_SPEED, _SIZE = ("-O2", "-fno-unroll-loops"), ("-Os",)
_STACK = "STACK_BYTES = 1024;"
_ONLY = {
    "zig": ("-fno-sanitize=all",),  # on by default there, and it would need a library
    # Else gcc turns the loops of memcpy and memset into calls of themselves.
    # And a switch's table would call the library on a Cortex-M0.
    "gcc": ("-fno-tree-loop-distribute-patterns", "-fno-jump-tables"),
}


@dataclass(frozen=True)
class Firmware:
    """A compiled image.

    Attributes:
        board: what it runs on.
        elf: the file.
    """

    board: EmulatedBoard
    elf: Path


def build_firmware(
    board: EmulatedBoard,
    header: str,
    compiler: Compiler = "zig",
    cache: Path | None = None,
    defines: Sequence[str] = (),
) -> Firmware:
    """Compile for ``board``, unless the same was compiled before.

    Args:
        board: what it will run on.
        header: from `experiment_header`.
        compiler: PyPI's ``ziglang``, or a system ``arm-none-eabi-gcc``.
        cache: folder of compiled images; default in the user's cache folder.
        defines: further ``NAME=VALUE`` for the preprocessor.

    Raises:
        UsageError: if there is no such compiler, or the image does not fit the board.
        RunError: if the compiler fails otherwise.
    """
    command = (*_compiler(board, compiler), *_COMMON, *_ONLY[compiler])
    command += tuple(f"-D{define}" for define in defines)
    for_core = command
    script, secret = _script(board), list[Path]()
    short = (SHORT_SWITCH, CODER_SWITCH, QUIET_SWITCH, RESIDUAL_SWITCH)
    for switch in (DEVICE_SWITCH, OWN_SWITCH, *short, *SECRET_FILES):
        if f"#define {switch} 1\n" in header:  # which device.c does not see
            command += (f"-D{switch}=1",)
            for_core += command[-1:] if switch == RESIDUAL_SWITCH else ()
            secret += (SOURCES / name for name in SECRET_FILES.get(switch, ()))
    if f"-D{MASKED_SWITCH}=1" in command:
        script = script.replace(_STACK, f"STACK_BYTES = {MASKED_STACK};")
    folder = _cache_folder(cache)
    if secret:
        library = monocypher(folder.parent)
        command += (f"-D{SMALL_SWITCH}", f"-I{library}")
        secret.append(library / "monocypher.c")
    elf = folder / f"{board.processor}-{_content(board, command, header, script)}.elf"
    if not elf.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".build-") as place:
            core = _core_objects(board, compiler, for_core, Path(place))
            built = _compile(board, compiler, command, header, script, Path(place), core, secret)
            write_atomically(elf, built.read_bytes())
    return Firmware(board, elf)


def _cache_folder(cache: Path | None) -> Path:
    import pooch  # late, for it costs a tenth of a second

    return (cache or Path(os.environ.get("TIFED_CACHE") or pooch.os_cache("tifed"))) / "firmware"


def _compiler(board: EmulatedBoard, compiler: Compiler) -> tuple[str, ...]:
    """The command that compiles for the board's processor."""
    processor = PROCESSORS[board.processor]
    if compiler == "zig":
        if importlib.util.find_spec("ziglang") is None:
            raise UsageError(
                "fleet: compiling firmware needs ziglang; pip install 'tifed[emulator]', "
                "or choose compiler = 'gcc' if there is a cross-gcc on this machine"
            )
        return (sys.executable, "-m", "ziglang", "cc", *processor.zig)
    name = processor.gcc[0]
    if shutil.which(name) is None:
        raise UsageError(
            f"compiler: {name} is not installed; install it or choose compiler = 'zig'"
        )
    return processor.gcc


def _script(board: EmulatedBoard) -> str:
    """The linker script: the board's memory, then the sections."""
    boards = SOURCES / "boards"
    return (boards / board.script).read_text() + (boards / "sections.ld").read_text()


def _core_objects(
    board: EmulatedBoard, compiler: Compiler, command: Sequence[str], place: Path
) -> tuple[list[Path], list[Path]]:
    """Objects of the core's kernels, and of its rest: no switch of a device changes them.

    They are compiled in ``place``, which is in the folder of images, unless they were before.
    """
    kernels = sorted(CORE.glob("tifed_kernel*.c"))
    rest = [path for path in sorted(CORE.glob("*.c")) if path not in kernels]
    digest = _digest([*_SPEED, *_SIZE, _version(command), *_same_everywhere(command)], [CORE])
    kept = place.parent / f"{board.processor}-core-{digest}"
    if not kept.exists():
        fresh = place / "core"
        fresh.mkdir()
        for path in (*kernels, *rest):
            effort = _SPEED if path in kernels else _SIZE
            output = ["-c", str(path), "-o", str(fresh / f"{path.stem}.o")]
            _run([*command, f"-I{CORE}", *effort, *output], place, _environment(compiler, place),
                 board)  # fmt: skip
        try:
            fresh.rename(kept)
        except OSError:
            if not kept.exists():  # as it does if another process has compiled them meanwhile
                raise
    return [kept / f"{path.stem}.o" for path in kernels], [kept / f"{path.stem}.o" for path in rest]


def _environment(compiler: Compiler, place: Path) -> dict[str, str]:
    """Zig keeps what it has compiled beside the folder of images, in which ``place`` is."""
    if compiler != "zig":
        return dict(os.environ)
    zig = str(place.parent.parent / "zig")
    return os.environ | {"ZIG_GLOBAL_CACHE_DIR": zig, "ZIG_LOCAL_CACHE_DIR": zig}


def _content(board: EmulatedBoard, command: Sequence[str], header: str, script: str) -> str:
    """Names everything that the image follows from."""
    described = (board.name, str(board.tick_hertz), *_SPEED, *_SIZE, _version(command), SHA256)
    texts = [*described, *_same_everywhere(command), header, script]
    return _digest(texts, (CORE, SOURCES, SOURCES / "boards"))


def _same_everywhere(command: Sequence[str]) -> list[str]:
    """Without the paths of the interpreter and of sources, which change nothing in an object."""
    return [part for part in command if part != sys.executable and part[:2] != "-I"]


def _digest(texts: Sequence[str], folders: Sequence[Path]) -> str:
    """Of texts and of the C in some folders."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode() + b"\0")
    for folder in folders:
        for path in sorted([*folder.glob("*.c"), *folder.glob("*.h")]):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:24]


def _version(command: Sequence[str]) -> str:
    """Of the compiler."""
    if command[0] == sys.executable:
        return importlib.metadata.version("ziglang")
    asked = [command[0], "--version"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout


def _compile(
    board: EmulatedBoard,
    compiler: Compiler,
    command: Sequence[str],
    header: str,
    script: str,
    place: Path,
    core: tuple[list[Path], list[Path]],
    secret: Sequence[Path],
) -> Path:
    """Compile what ``core`` does not have in ``place``, and link both; the image."""
    (place / "experiment.h").write_text(header)
    (place / "board.ld").write_text(script)
    sources = [SOURCES / name for name in FIRMWARE_FILES]
    sources += [SOURCES / "boards" / name for name in board.sources]
    sources += secret
    includes = [f"-I{folder}" for folder in (SOURCES, SOURCES / "boards", CORE)]
    defines = [f'-DBOARD_NAME="{board.name}"', f"-DBOARD_TICK_HERTZ={board.tick_hertz}u"]
    base = [*command, *includes, *defines, *_SIZE]
    environment, main = _environment(compiler, place), place / "main.o"
    _run(
        [*base, f"-I{place}", "-c", str(SOURCES / MAIN), "-o", str(main)],
        place, environment, board,
    )  # fmt: skip
    image = place / "firmware.elf"
    link = ["-Wl,--gc-sections", "-Wl,--entry=start", "-T", str(place / "board.ld")]
    linked = [*core[0], main, *core[1], *sources]
    _run(
        [*base, *map(str, linked), *link, "-o", str(image)],
        place, environment, board,
    )  # fmt: skip
    return image


def _run(
    command: list[str], place: Path, environment: dict[str, str], board: EmulatedBoard
) -> None:
    done = subprocess.run(
        command, cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return
    if "overflowed" in done.stderr or "will not fit" in done.stderr:
        raise UsageError(
            f"board: the firmware for this experiment does not fit the {board.ram // 1024} KB of "
            f"RAM and {board.flash // 1024} KB of flash of {board.name}; take a smaller buffer, "
            f"mini-batch or network\n{done.stderr.strip()}"
        )
    raise RunError(f"firmware for {board.name}: the compiler failed\n{done.stderr.strip()}")
