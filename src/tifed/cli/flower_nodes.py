"""``tifed flower supernode`` and ``executor``: nodes that need no new process for each message."""

from pathlib import Path
from typing import Annotated

import typer

from tifed.errors import UsageError

InstalledOnly = Annotated[
    bool,
    typer.Option(
        "--installed-only",
        help="Answer with the installed package only: refuse apps that bring code of their own.",
    ),
]


def supernode(context: typer.Context, installed_only: InstalledOnly = False) -> None:
    """Start a SuperNode that answers messages itself, and polls as often as a run needs.

    It takes the options of *flower-supernode*, and is that program: only its ClientApp is in the
    same process, where an ordinary SuperNode starts a new one for each message.
    """
    from tifed.nodes.flower.executor.start import INSTALLED_ONLY, start_supernode

    start_supernode(context.args + [INSTALLED_ONLY] * installed_only)


def executor(
    runtime_api_address: Annotated[
        str, typer.Option(help="Host and port of the SuperNode's Runtime API.")
    ] = "127.0.0.1:9094",
    insecure: Annotated[
        bool, typer.Option("--insecure", help="The Runtime API speaks no TLS.")
    ] = False,
    root_certificates: Annotated[
        Path | None, typer.Option(help="Certificate of the authority of the Runtime API.")
    ] = None,
    superexec_auth_secret_file: Annotated[
        Path | None, typer.Option(help="The same file as the SuperNode's, if it has one.")
    ] = None,
    installed_only: InstalledOnly = False,
) -> None:
    """Answer the messages of a SuperNode that you run with *--isolation process*.

    It stays, where *flower-superexec* starts a new process for each message. The options have the
    names that they have there.
    """
    from tifed.nodes.flower.executor.start import start_executor

    if insecure == (root_certificates is not None):
        raise UsageError("name either --insecure or --root-certificates")
    start_executor(
        runtime_api_address, root_certificates, superexec_auth_secret_file, installed_only
    )
