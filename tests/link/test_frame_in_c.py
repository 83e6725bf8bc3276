"""The frames that a device sends are those that the specification says, in few pieces."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tifed.board.firmware.build import CORE, SOURCES
from tifed.link import PAYLOAD, Frame, encode

DRIVER = """
#include <string.h>
#include "link.h"

static tifed_link link;
static uint8_t *out;
static uint32_t written, calls;

static void keep(const uint8_t *bytes, uint16_t length)
{
    memcpy(out + written, bytes, length);
    written += length;
    calls++;
}

uint32_t sent(uint8_t *to, uint32_t *pieces, uint8_t type, uint16_t session, uint16_t sequence,
              const uint8_t *payload, uint16_t length)
{
    out = to;
    written = calls = 0;
    tifed_link_init(&link);
    memcpy(tifed_link_frame(&link) + TIFED_LINK_HEADER, payload, length);
    tifed_link_send(&link, type, session, sequence, length, keep);
    *pieces = calls;
    return written;
}
"""
payloads = st.one_of(
    st.binary(max_size=PAYLOAD),
    st.binary(min_size=1, max_size=9).map(lambda b: b * (PAYLOAD // len(b))),
    st.integers(0, PAYLOAD).map(lambda n: b"\x07" * n),
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The device's `link.c`, as a library."""
    folder: Path = tmp_path_factory.mktemp("link")
    (folder / "driver.c").write_text(DRIVER)
    command = [
        shutil.which("cc") or "gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC",
        f"-DTIFED_LINK_PAYLOAD={PAYLOAD}u", f"-I{SOURCES}", f"-I{CORE}",
        str(folder / "driver.c"), str(SOURCES / "link.c"), "-o", str(folder / "link.so"),
    ]  # fmt: skip
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(folder / "link.so"))


def sent(library: ctypes.CDLL, frame: Frame) -> tuple[bytes, int]:
    """What the device sends, and in how many calls."""
    out, pieces = ctypes.create_string_buffer(2 * PAYLOAD), ctypes.c_uint32()
    length = library.sent(
        out, ctypes.byref(pieces), frame.kind, frame.session, frame.sequence, frame.payload,
        len(frame.payload),
    )  # fmt: skip
    return out.raw[:length], pieces.value


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 255), st.integers(0, 0xFFFF), payloads)
def test_a_device_sends_the_frames_of_the_specification(
    library: ctypes.CDLL, kind: int, session: int, payload: bytes
) -> None:
    frame = Frame(kind, session, 77, payload)
    line, pieces = sent(library, frame)
    assert line == encode(frame)
    assert pieces <= 1 + len(line) // 254


@pytest.mark.parametrize("length", range(230, 260))
def test_around_a_full_block_as_well(library: ctypes.CDLL, length: int) -> None:
    for ending in (b"", b"\0", b"\1"):
        frame = Frame(0xFF, 0x0101, 0x0101, b"\x22" * length + ending)
        assert sent(library, frame)[0] == encode(frame)


def test_a_short_frame_leaves_in_one_piece(library: ctypes.CDLL) -> None:
    for length in range(64):
        assert sent(library, Frame(1, 2, 3, bytes(range(1, length + 1))))[1] == 1
