"""The programs of this folder, or in their place Flower's ordinary ones where those have to do."""

import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tifed.errors import UsageError
from tifed.nodes.flower import prepare_environment, require_flower
from tifed.nodes.flower.executor import misfit

INSTALLED_ONLY = "--installed-only"
IDLE = 1.0
"""Seconds between two looks for a task without a run, as in Flower."""


def start_supernode(arguments: Sequence[str]) -> None:
    """Be a SuperNode that answers messages itself; never returns.

    Args:
        arguments: of ``flower-supernode``, without those about the isolation of ClientApps, and
            perhaps ``--installed-only``.

    Raises:
        UsageError: if Flower is not installed, or an argument does not go with this.
    """
    for word in arguments:
        for option in ("--isolation", "--superexec-auth-secret-file"):
            if word.split("=")[0] == option:
                raise UsageError(
                    f"{option}: is for flower-supernode with tifed flower executor; this SuperNode "
                    "answers messages itself"
                )
    if _has_to_be("flower-supernode", arguments):
        return
    from tifed.nodes.flower.executor.supernode import run

    run([word for word in arguments if word != INSTALLED_ONLY], INSTALLED_ONLY in arguments)


def start_executor(
    address: str, authority: Path | None, secret_file: Path | None, installed_only: bool
) -> None:
    """Answer the messages of a SuperNode that runs with ``--isolation process``; never returns.

    Args:
        address: of its Runtime API, host and port.
        authority: certificate to check the SuperNode's with; None if it speaks no TLS.
        secret_file: the SuperNode's ``--superexec-auth-secret-file``, if it has one.
        installed_only: whether apps with code of their own are refused.

    Raises:
        UsageError: if Flower is not installed, or a file cannot be read.
    """
    ordinary = ["--runtime-api-address", address]
    ordinary += ["--insecure"] if authority is None else ["--root-certificates", str(authority)]
    if secret_file is not None:
        ordinary += ["--superexec-auth-secret-file", str(secret_file)]
    if _has_to_be("flower-superexec", ordinary + [INSTALLED_ONLY] * installed_only):
        return
    from tifed.nodes.flower.executor.loop import Executor
    from tifed.nodes.flower.executor.polls import Polls
    from tifed.nodes.flower.executor.runtime import RuntimeApi

    certificates, secret = (
        None if file is None else _read(file) for file in (authority, secret_file)
    )
    polls = Polls(IDLE)
    Executor(
        RuntimeApi(address, certificates, secret), installed_only,
        lambda: time.sleep(polls.pause()), polls.came, polls.done,
    ).serve()  # fmt: skip


def _has_to_be(program: str, arguments: Sequence[str]) -> bool:
    """Become Flower's ``program`` if the installed Flower is not the one this was tested with."""
    require_flower()
    prepare_environment()
    reason = misfit()
    if reason is None:
        return False
    if INSTALLED_ONLY in arguments:
        raise UsageError(f"{INSTALLED_ONLY}: {reason}, and {program} runs every app's own code")
    print(
        f"{reason}; {program} does the work, and takes longer for it", file=sys.stderr, flush=True
    )
    # The programs of the environment that this one runs in, whether or not it is on the path.
    found = Path(sys.executable).parent / program
    path = str(found) if found.exists() else shutil.which(program) or program
    os.execv(path, [program, *arguments])  # noqa: S606
    return True


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror})") from error
