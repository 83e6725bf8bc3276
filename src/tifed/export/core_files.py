"""The C that the package ships: the one source that every export copies."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from tifed.board.firmware.build import CORE, SOURCES
from tifed.board.firmware.front_end_header import DEVICE_SWITCH
from tifed.board.firmware.monocypher import SMALL_SWITCH, monocypher
from tifed.board.firmware.sealed_header import SEALED_SWITCH
from tifed.errors import RunError

LINK_FOLDER = "tifed_link"
"""Where an export keeps the device's side of the link, for its names are short."""

OWN_SWITCH = "TIFED_DEVICE_OWN"
"""What ``device.h`` is compiled with where devices can have their samples themselves."""

_PUBLIC = (
    "tifed.h", "tifed_features.h", "tifed_front_end.h", "tifed_kept.h", "tifed_layout.h",
    "tifed_log_mel.h", "tifed_memory.h", "tifed_motion.h", "tifed_own.h", "tifed_quantise.h",
    "tifed_second_order.h", "tifed_shifts.h", "tifed_store.h",
)  # fmt: skip


def core_files(sources: str, headers: str) -> dict[str, bytes]:
    """The core by path: what users include in ``headers``, the rest in ``sources``."""
    paths = [*sorted(CORE.glob("*.c")), *sorted(CORE.glob("*.h"))]
    return {
        f"{headers if path.name in _PUBLIC else sources}/{path.name}": path.read_bytes()
        for path in paths
    }


def link_files(
    sources: str,
    headers: str,
    front_end: bool = False,
    own: bool = False,
    sealed: bool = False,
    short: Iterable[str] = (),
) -> dict[str, bytes]:
    """The device's side of the link by path.

    Args:
        sources: folder of C files.
        headers: folder of what users include.
        front_end: whether samples go through one, or are kept for shift copies.
        own: whether a device can have its samples itself.
        sealed: whether a device can have a key, for which Monocypher comes along.
        short: the switches of short updates that a device can make (`Model.short`).

    Headers say all of it by themselves, for there are build systems without a place for a
    definition that every file sees.

    Raises:
        UsageError: if Monocypher can neither be found nor fetched.
    """
    folders = {".c": sources, ".h": headers}
    files = {
        f"{folders[path.suffix]}/{LINK_FOLDER}/{path.name}": path.read_bytes()
        for pattern in ("device*", "link*")
        for path in sorted(SOURCES.glob(f"{pattern}.[ch]"))
    }
    if sealed:
        library = monocypher()
        for path in (*SOURCES.glob("seal_*.[ch]"), *library.glob("*.[ch]")):
            files[f"{folders[path.suffix]}/{LINK_FOLDER}/{path.name}"] = path.read_bytes()
        files["LICENSE-monocypher.txt"] = (library / "LICENSE.txt").read_bytes()
    switches = {
        f"{headers}/{LINK_FOLDER}/device.h": (
            (OWN_SWITCH, own), (DEVICE_SWITCH, front_end), *((switch, True) for switch in short),
        ),
        f"{headers}/{LINK_FOLDER}/link.h": ((SEALED_SWITCH, sealed),),
        f"{sources}/{LINK_FOLDER}/monocypher.c": ((SMALL_SWITCH, sealed),),
    }  # fmt: skip
    for name, wanted in switches.items():
        for switch in (switch for switch, chosen in wanted if chosen):
            files[name] = f"#define {switch} 1\n".encode() + files[name]
    return files


def licence() -> bytes:
    """The text that whoever passes the core on has to pass on with it.

    Raises:
        RunError: if this installation lacks it.
    """
    try:
        text = distribution("tifed").read_text("licenses/LICENSE")
    except PackageNotFoundError:
        text = None
    if text is not None:
        return text.encode()
    repository = Path(__file__).parents[3]
    if not (repository / "pyproject.toml").is_file():
        raise RunError("export: this installation lacks its LICENSE file; install tifed again")
    return (repository / "LICENSE").read_bytes()
