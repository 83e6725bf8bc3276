"""Small real files, and the way to the real data sets where this machine has them."""

import gzip
import os
import struct
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tifed.data.builtin.mnist import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS


def _idx_bytes(array: NDArray[np.uint8]) -> bytes:
    """The IDX file of an array of bytes."""
    header = struct.pack(f">{1 + array.ndim}I", 0x0800 | array.ndim, *array.shape)
    return header + array.tobytes()


@pytest.fixture
def idx_bytes() -> Callable[[NDArray[np.uint8]], bytes]:
    """Makes the IDX file of an array of bytes."""
    return _idx_bytes


@pytest.fixture
def small_idx() -> dict[str, bytes]:
    """The four files of a data set of 20 + 10 pictures of 2 by 3."""
    pixels = (np.arange(30 * 6) * 37 % 256).astype(np.uint8).reshape(30, 2, 3)
    labels = (np.arange(30) % 10).astype(np.uint8)
    return {
        TRAIN_IMAGES: _idx_bytes(pixels[:20]),
        TRAIN_LABELS: _idx_bytes(labels[:20]),
        TEST_IMAGES: _idx_bytes(pixels[20:]),
        TEST_LABELS: _idx_bytes(labels[20:]),
    }


@pytest.fixture
def write_files() -> Callable[..., Path]:
    """Writes files into a folder, with gzip or without."""

    def write(folder: Path, files: dict[str, bytes], *, compress: bool = False) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            if compress:
                (folder / f"{name}.gz").write_bytes(gzip.compress(content))
            else:
                (folder / name).write_bytes(content)
        return folder

    return write


def _write_recordings(
    folder: Path, speakers: tuple[str, ...] = ("ann", "bob"), indices: int = 7
) -> Path:
    """Write a chirp for each digit, speaker and index."""
    from scipy.io import wavfile

    folder.mkdir(parents=True, exist_ok=True)
    for digit in range(10):
        for place, speaker in enumerate(speakers):
            for index in range(indices):
                time = np.arange(1500 + 100 * index + 37 * digit)
                tone: NDArray[Any] = 9000 * np.sin(time * (0.1 + 0.2 * digit + 0.02 * place))
                name = f"{digit}_{speaker}_{index}.wav"
                wavfile.write(folder / name, 8000, tone.astype(np.int16))
    return folder


@pytest.fixture(scope="session")
def write_recordings() -> Callable[..., Path]:
    """Writes recordings of speakers, and of indices 0..indices-1, into a folder."""
    return _write_recordings


@pytest.fixture
def public_data_dir() -> Path:
    """The folder with mnist/ and fsdd/ on this machine, or the test is skipped."""
    if not (folder := os.environ.get("TIFED_DATA_DIR")):
        pytest.skip("TIFED_DATA_DIR does not name a folder with mnist/ and fsdd/")
    return Path(folder)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address at which a server on this machine serves it."""
    folder = tmp_path / "site"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()
