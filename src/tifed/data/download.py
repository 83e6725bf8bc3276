"""Checked downloads: a file appears in the cache whole and right, or not at all."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from tifed.errors import UsageError

_TIMEOUT = (10.0, 60.0)  # seconds to connect, and between two pieces


def download(url: str, target: Path, check: Callable[[Path], None]) -> None:
    """Fetch ``url`` to ``target`` by way of a temporary file in the same folder.

    Args:
        url: http or https.
        target: where it goes; its folder is made if need be.
        check: called with the temporary file; raises `UsageError` if the content is wrong.

    Raises:
        UsageError: if the address does not answer, the content is wrong, or the folder cannot be
            written; nothing is left behind.
    """
    import pooch  # late, for it costs a tenth of a second

    from tifed.data.progress import DownloadProgress

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise UsageError(
            f"cache folder {target.parent}: cannot be written ({error.strerror}); "
            "name another with cache_dir or $TIFED_CACHE"
        ) from error
    temporary = Path(name)
    try:
        fetch = pooch.HTTPDownloader(
            progressbar=DownloadProgress(target.name), chunk_size=1 << 16, timeout=_TIMEOUT
        )
        try:
            fetch(url, name, None)
        except (OSError, ValueError) as error:  # every error of requests is one of the two
            raise UsageError(f"downloading {url} failed ({type(error).__name__})") from error
        check(temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def check_sha256(content: bytes, expected: str, url: str) -> None:
    """Compare a download with the SHA-256 (hex) it must have.

    Raises:
        UsageError: if they differ.
    """
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise UsageError(
            f"downloading {url} gave other content than the data set's: SHA-256 {found} "
            f"instead of {expected}; it was thrown away"
        )
