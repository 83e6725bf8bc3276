"""IDX, the file format of MNIST and its kin: a magic number, the sizes, then bytes.

Only unsigned bytes (type 0x08) are read, in 1 dimension (labels) or 3 (images). A file may be
compressed with gzip or not, whatever its name says.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tifed.data.bounded import MOST_BYTES, most_uncompressed
from tifed.errors import UsageError

_GZIP_MAGIC = b"\x1f\x8b"
_UNSIGNED_BYTE = 0x08


def uncompressed(path: Path) -> bytes:
    """The bytes of a file, out of gzip if it is in gzip.

    Raises:
        UsageError: if the file cannot be read or its compression is damaged.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            packed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
            file.seek(0)
            if not packed:
                return file.read()
            most = most_uncompressed(size)
            with gzip.GzipFile(fileobj=file) as unpacked:
                content = unpacked.read(most + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UsageError(
            f"{path}: damaged gzip file ({error}); delete it and fetch it again"
        ) from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    if len(content) > most:
        raise UsageError(
            f"{path}: has more than {most} bytes uncompressed, which is not believed of a "
            f"compressed file of {size}; fetch the file again"
        )
    return content


def parse_idx(content: bytes, dimensions: int, name: str) -> NDArray[np.uint8]:
    """Decode an IDX file.

    Args:
        content: the whole file, uncompressed.
        dimensions: how many are due, 1 for labels or 3 for images.
        name: the file's name, for error messages.

    Returns:
        uint8, of the shape in the header.

    Raises:
        UsageError: for another magic number, or too few or too many bytes.
    """
    header = 4 + 4 * dimensions
    magic = (_UNSIGNED_BYTE << 8) | dimensions
    if len(content) < header:
        raise UsageError(
            f"{name}: truncated: {len(content)} bytes, but the header alone has {header}; "
            "fetch the file again"
        )
    found, *shape = struct.unpack(f">{1 + dimensions}I", content[:header])
    if found != magic:
        raise UsageError(
            f"{name}: wrong magic number {found:#010x}; "
            f"an IDX file of {'images' if dimensions == 3 else 'labels'} begins with {magic:#010x}"
        )
    size = math.prod(shape)
    if size > MOST_BYTES:
        raise UsageError(f"{name}: the header promises {size} bytes; it is damaged")
    if len(content) != header + size:
        problem = "truncated" if len(content) < header + size else "trailing bytes"
        raise UsageError(
            f"{name}: {problem}: {len(content) - header} bytes follow the header, which promises "
            f"{size} for the shape {tuple(shape)}; fetch the file again"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


def read_images(images: Path, labels: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read a pair of IDX files.

    Args:
        images: file of N images.
        labels: file of their N labels.

    Returns:
        Images uint8 (N, rows, columns) and labels uint8 (N,).

    Raises:
        UsageError: if a file is damaged, or the two hold different numbers of samples.
    """
    pictures = parse_idx(uncompressed(images), 3, str(images))
    answers = parse_idx(uncompressed(labels), 1, str(labels))
    if len(pictures) != len(answers):
        raise UsageError(
            f"{labels}: holds {len(answers)} labels, but {images} holds {len(pictures)} images; "
            "the two files do not belong together"
        )
    return pictures, answers
