"""The device's store beside the oracle, operation by operation, and what it asks of a processor."""

import ctypes
import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tifed.board.firmware.emulated_boards import PROCESSORS
from tifed.rule.store import Policy, Store, StoreError, StoreShape, format_store, open_store

CORE = Path(__file__).parents[2] / "src" / "tifed" / "core"
SOURCES = [CORE / f"tifed_{name}.c" for name in ("store", "crc")]
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
ABSENT, GONE, FAILED = -20, -26, -24

pytestmark = pytest.mark.slow(10)

Hook = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint8), ctypes.c_uint32
)


class CMemory(ctypes.Structure):
    """A ``tifed_memory``."""

    _fields_ = (("read", Hook), ("write", Hook), ("context", ctypes.c_void_p))


class CConfig(ctypes.Structure):
    """A ``tifed_store_config``."""

    _fields_ = (
        ("memory", ctypes.POINTER(CMemory)),
        ("inputs", ctypes.c_uint32),
        ("records", ctypes.c_uint16),
        ("held_out_every", ctypes.c_uint16),
        ("classes", ctypes.c_uint16),
        ("policy", ctypes.c_uint8),
        ("seed_low", ctypes.c_uint32),
        ("seed_high", ctypes.c_uint32),
    )


class Device:
    """The C, on memory whose power can be cut.

    Attributes:
        memory: all bytes.
        left: bytes that can be written before the power goes; None: any number.
    """

    def __init__(self, library: ctypes.CDLL, shape: StoreShape) -> None:
        self.library, self.shape = library, shape
        self.memory = bytearray(b"\xff" * shape.bytes)
        self.left: int | None = None
        self.hooks = CMemory(Hook(self._read), Hook(self._write), None)
        self.config = CConfig(
            ctypes.pointer(self.hooks), shape.inputs, shape.records, shape.held_out_every,
            shape.classes, list(Policy).index(shape.policy), shape.seed & 0xFFFFFFFF,
            shape.seed >> 32,
        )  # fmt: skip
        self.store = ctypes.create_string_buffer(256)
        self.index = ctypes.create_string_buffer(8 * (shape.records + 1))

    def _read(self, _: object, place: int, into: "ctypes._Pointer[ctypes.c_uint8]", n: int) -> int:
        ctypes.memmove(into, bytes(self.memory[place : place + n]), n)
        return 0

    def _write(self, _: object, place: int, data: "ctypes._Pointer[ctypes.c_uint8]", n: int) -> int:
        written = n if self.left is None else min(n, self.left)
        self.memory[place : place + written] = ctypes.string_at(data, written)
        if self.left is not None:
            self.left -= written
        return 0 if written == n else -1

    def open(self) -> int:
        """Power is there again."""
        self.left = None
        return self._call("open", ctypes.byref(self.config), self.index)

    def format(self) -> int:
        return self._call("format", ctypes.byref(self.config), self.index)

    def add(self, values: list[int], label: int | None) -> int:
        data = (ctypes.c_int8 * len(values))(*values)
        return self._call("add", data, ctypes.c_int32(-1 if label is None else label), None)

    def label(self, number: int, label: int) -> int:
        return self._call("label", ctypes.c_uint32(number), ctypes.c_uint32(label))

    def samples(self, held_out: bool) -> list[tuple[int, list[int]]]:
        """Label and values of each labelled sample of a kind."""
        found = []
        for number in range(self._call("count", ctypes.c_bool(held_out))):
            values = (ctypes.c_int8 * self.shape.inputs)()
            which = ctypes.c_bool(held_out), ctypes.c_uint32(number)
            assert self._call("read", *which, ctypes.c_uint32(0), values, len(values)) == 0
            found.append((self._call("class", *which), list(values)))
        return found

    def revision(self) -> int:
        return self._call("revision") & 0xFFFFFFFF

    def _call(self, name: str, *arguments: object) -> int:
        function: Callable[..., int] = getattr(self.library, f"tifed_store_{name}")
        return function(self.store, *arguments)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    if shutil.which("gcc") is None:
        pytest.skip("no gcc")
    target = tmp_path_factory.mktemp("store") / "store.so"
    command = ["gcc", *STRICT, "-O1", "-shared", "-fPIC", "-I", CORE, *SOURCES, "-o", target]
    subprocess.run([str(part) for part in command], check=True)
    return ctypes.CDLL(str(target))


shapes = st.builds(
    StoreShape,
    inputs=st.integers(1, 70),
    records=st.integers(2, 12),
    classes=st.integers(2, 4),
    held_out_every=st.sampled_from([2, 3, 5, 100]),
    policy=st.sampled_from(list(Policy)),
    seed=st.integers(0, 2**64 - 1),
)
added = st.tuples(
    st.just("add"), st.integers(-128, 127), st.one_of(st.none(), st.integers(0, 1)), st.none()
)
cut_added = st.tuples(
    st.just("add"), st.integers(-128, 127), st.integers(0, 1), st.integers(0, 100)
)
labelled = st.tuples(st.just("label"), st.integers(1, 12), st.integers(0, 1), st.none())
opened = st.tuples(st.just("open"), st.just(0), st.none(), st.none())


def same(device: Device, store: Store) -> None:
    """All that can be asked of both."""
    assert device.memory == store.memory
    assert device.revision() == store.revision
    for held_out in (False, True):
        assert device.samples(held_out) == [
            (one.label, one.values.tolist()) for one in store.labelled(held_out)
        ]


@settings(max_examples=150, deadline=None)
@given(shapes, st.lists(st.one_of(added, added, cut_added, labelled, opened), max_size=60))
def test_the_device_keeps_what_the_oracle_keeps(
    library: ctypes.CDLL,
    shape: StoreShape,
    operations: list[tuple[str, int, int | None, int | None]],
) -> None:
    device = Device(library, shape)
    assert device.open() == ABSENT
    assert device.format() == 0
    store = format_store(shape, bytearray(b"\xff" * shape.bytes))
    for what, value, label, cut in operations:
        if what == "add":
            values = np.arange(value, value + shape.inputs).astype(np.int8)
            device.left = cut
            status = device.add(values.tolist(), label)
            if status == FAILED:  # the oracle goes on with what the power cut has left
                assert device.open() == 0
                store = open_store(shape, bytearray(device.memory))
            else:
                assert status == (0 if store.add(values, label) else 2)
            device.left = None
        elif what == "label":
            assert label is not None
            number = max(store.seen - value, 0)
            try:
                store.label(number, label)
                wanted = 0
            except StoreError:
                wanted = GONE
            assert device.label(number, label) == wanted
        else:
            assert device.open() == 0
            store = open_store(shape, store.memory)
        same(device, store)


@pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="pip install ziglang")
@pytest.mark.parametrize("processor", PROCESSORS)
def test_store_and_kept_model_are_freestanding(tmp_path: Path, processor: str) -> None:
    """No symbol from outside but the core's, and the compiler's memory and division routines."""
    called, defined = set[str](), set[str]()
    for source in (*SOURCES, CORE / "tifed_kept.c", CORE / "tifed.c"):
        target = tmp_path / f"{source.stem}.s"
        command = [
            sys.executable, "-m", "ziglang", "cc", *PROCESSORS[processor].zig, *STRICT, "-Os",
            "-Wno-unused-command-line-argument", "-ffreestanding", "-fno-sanitize=all", "-S",
            str(source), "-o", str(target),
        ]  # fmt: skip
        subprocess.run(command, check=True)
        text = target.read_text()
        called |= set(re.findall(r"\t(?:bl?|call|tail)\t(?:t0, )?([A-Za-z_]\w*)$", text, re.M))
        defined |= set(re.findall(r"^([A-Za-z_]\w*):", text, re.M))
    outside = {name for name in called - defined if not name.startswith("tifed_kernel_")}
    allowed = r"(__aeabi_)?(mem(cpy|set|clr)\d?)|__aeabi_u?idiv(mod)?|__riscv_(save|restore)_\d+"
    assert [name for name in outside if not re.fullmatch(allowed, name)] == []
