"""Monocypher's C source: fetched once by pip, as PyPI has it, and known by its checksum.

It is public domain or BSD-2. The source package of ``pymonocypher`` has its two files as they are
but for the version in a comment.
"""

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tifed.errors import UsageError
from tifed.files.atomic import write_atomically

RELEASE = "4.0.3.4"
SHA256 = "5e56e3d3eb770a53e0b9f6274146663c11a11f3d0de5cd48e3be0428d1b07a4a"
ARCHIVE = f"pymonocypher-{RELEASE}.tar.gz"
VARIABLE = "TIFED_MONOCYPHER"
FILES = ("monocypher.c", "monocypher.h", "LICENSE.txt")

SMALL_SWITCH = "BLAKE2_NO_UNROLLING"
"""What its BLAKE2b is compiled with: a quarter of its size, for one hash in a session."""

_SECONDS = 300.0


def monocypher(cache: Path | None = None) -> Path:
    """The folder that has Monocypher's C files and its licence.

    Args:
        cache: the folder is made in; default the user's cache folder.

    Raises:
        UsageError: if they can neither be found nor fetched, or are others.
    """
    import pooch  # late, for it costs a tenth of a second

    cache = cache or Path(os.environ.get("TIFED_CACHE") or pooch.os_cache("tifed"))
    folder = cache / f"monocypher-{SHA256[:12]}"
    if not all((folder / name).exists() for name in FILES):
        content = _archive()
        if hashlib.sha256(content).hexdigest() != SHA256:
            raise UsageError(f"{VARIABLE}: the file is not {ARCHIVE} with the SHA-256 {SHA256}")
        _unpack(content, folder)
    return folder


def _archive() -> bytes:
    """The source package, from where the environment says or by pip."""
    given = os.environ.get(VARIABLE)
    if given:
        try:
            return Path(given).read_bytes()
        except OSError as error:
            raise UsageError(f"{VARIABLE}: {given}: {error.strerror}") from error
    with tempfile.TemporaryDirectory() as place:
        wanted = Path(place) / "wanted.txt"
        wanted.write_text(f"pymonocypher=={RELEASE} --hash=sha256:{SHA256}\n")
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
            "--no-deps", "--no-binary", "pymonocypher", "--require-hashes", "-r", str(wanted),
            "--dest", place,
        ]  # fmt: skip
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=_SECONDS
            )
            why = done.stderr.strip()
        except subprocess.TimeoutExpired:
            why = f"pip took longer than {_SECONDS:g} s"
        fetched = Path(place) / ARCHIVE
        if not fetched.exists():
            raise UsageError(
                "firmware with a key is compiled with Monocypher, which pip could not "
                f"fetch; on a machine with a network run 'pip download --no-deps --no-binary :all: "
                f"pymonocypher=={RELEASE}', and set {VARIABLE} to the path of {ARCHIVE}\n{why}"
            )
        return fetched.read_bytes()


def _unpack(content: bytes, folder: Path) -> None:
    """Write the files that are needed into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            for name in FILES:
                member = archive.extractfile(f"{ARCHIVE.removesuffix('.tar.gz')}/{name}")
                if member is None:
                    raise UsageError(f"{VARIABLE}: {ARCHIVE} has no {name}")
                write_atomically(folder / name, member.read())
