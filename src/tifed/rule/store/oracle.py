"""A store of own samples, executable (SPEC, section 16).

This is the reference that the device's C must equal, return value by return value and byte by byte,
so it is written to be read. Nothing is cached: what is in the store follows from its samples.
"""

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tifed.rule.integer import Purpose, below, stream_key
from tifed.rule.store.shape import HEADER, Policy, StoreShape

_MAGIC, _VERSION = b"tifs", 1
_NONE = 0xFFFFFFFF
_SHAPE, _CELL, _CELLS, _LABEL = 40, 8, 8, 8
_MOST_SEEN = _NONE - 1


@dataclass
class StoredSample:
    """A sample in a store.

    Attributes:
        number: how many arrived before it.
        label: its class, or None if nobody has named it yet.
        values: int8 (inputs,).
        slot: number of its record.
    """

    number: int
    label: int | None
    values: NDArray[np.int8]
    slot: int


class StoreError(ValueError):
    """A store cannot be opened, or does not take what it was given."""


class Store:
    """A store in some memory.

    Attributes:
        shape: what it is made for.
        memory: all of its bytes.
        seen: samples that have arrived, which is the number of the next one.
        samples: those that are in it, in the order of arrival.
        free: numbers of the records that are free; the next one to be written to is first.
    """

    def __init__(self, shape: StoreShape, memory: bytearray) -> None:
        """See `format_store` and `open_store`."""
        self.shape = shape
        self.memory = memory
        self.seen = 0
        self.samples: list[StoredSample] = []
        self.free: list[int] = []

    def kind(self, held_out: bool) -> list[StoredSample]:
        """All samples of a kind, in the order of arrival."""
        return [one for one in self.samples if self.shape.is_held_out(one.number) == held_out]

    def labelled(self, held_out: bool) -> list[StoredSample]:
        """Those that have a label: what a device trains on, or is scored with."""
        return [one for one in self.kind(held_out) if one.label is not None]

    @property
    def revision(self) -> int:
        """CRC-32 of the numbers of the labelled training samples."""
        return zlib.crc32(b"".join(_words(one.number) for one in self.labelled(False)))

    def add(self, values: NDArray[np.int8], label: int | None = None) -> bool:
        """A sample (inputs,) arrives: whether it is kept.

        Raises:
            StoreError: if the label is not a class, or 2**32 - 2 samples have arrived.
        """
        if label is not None and not 0 <= label < self.shape.classes:
            raise StoreError(f"label: {label} is not in 0..{self.shape.classes - 1}")
        if self.seen >= _MOST_SEEN:
            raise StoreError(f"{self.seen} samples have arrived, and a store takes no more")
        number, held_out = self.seen, self.shape.is_held_out(self.seen)
        victim = None
        if len(self.kind(held_out)) >= self.shape.room(held_out):
            victim = self._victim(held_out, label)
            if victim is None:
                seen = _words(number + 1)
                place = _SHAPE + number % _CELLS * _CELL
                self._write(place, seen + _words(zlib.crc32(seen)))
                self.seen += 1
                return False
        slot = self.free.pop(0)
        self._write_record(slot, values, label, victim)
        self.samples.append(StoredSample(number, label, values.copy(), slot))
        if victim is not None:
            self._forget(victim)
        self.seen += 1
        return True

    def label(self, number: int, label: int) -> None:
        """Say what the sample that arrived as ``number`` is.

        Raises:
            StoreError: if it is no longer there, or the label is not a class.
        """
        if not 0 <= label < self.shape.classes:
            raise StoreError(f"label: {label} is not in 0..{self.shape.classes - 1}")
        for one in self.samples:
            if one.number == number:
                self._write(self.shape.place(one.slot), _label_bytes(number, label))
                one.label = label
                return
        raise StoreError(f"number: no sample that arrived as {number} is in the store")

    def _victim(self, held_out: bool, label: int | None) -> StoredSample | None:
        """What a new sample of a kind without room takes the place of; None: it is passed over."""
        kind = self.kind(held_out)
        if self.shape.policy is Policy.NEWEST:
            return kind[0]
        if self.shape.policy is Policy.BALANCED:
            counts = dict.fromkeys((*range(self.shape.classes), None), 0)
            for one in kind:
                counts[one.label] += 1
            largest = max(counts.values())
            own = counts[label] == largest
            chosen = label if own else next(c for c, n in counts.items() if n == largest)
            return next(one for one in kind if one.label == chosen)
        before = self.seen // self.shape.held_out_every
        before = before if held_out else self.seen - before
        key = stream_key(self.shape.seed, Purpose.STORE)
        place = int(below(key, self.seen, before + 1))
        return kind[place] if place < len(kind) else None

    def _forget(self, one: StoredSample) -> None:
        self.samples.remove(one)
        self.free.insert(0, one.slot)

    def _write(self, place: int, data: bytes) -> None:
        self.memory[place : place + len(data)] = data

    def _write_record(
        self, slot: int, values: NDArray[np.int8], label: int | None, victim: StoredSample | None
    ) -> None:
        replaced = _NONE if victim is None else victim.number
        identity = _words(self.seen, replaced, _NONE if label is None else label)
        data = values.astype(np.int8).tobytes()
        self._write(self.shape.place(slot) + HEADER, data)
        check = zlib.crc32(identity + data)
        self._write(self.shape.place(slot) + _LABEL, identity + _words(check))


def format_store(shape: StoreShape, memory: bytearray | None = None) -> Store:
    """A new, empty store, in ``memory`` or in zeros."""
    store = Store(shape, bytearray(shape.bytes) if memory is None else memory)
    head = _shape_bytes(shape) + bytes(_CELL * _CELLS)
    store.memory[: len(head)] = head
    for slot in range(shape.records + 1):
        store.memory[shape.place(slot) : shape.place(slot) + HEADER] = bytes(HEADER)
        store.free.append(slot)
    return store


def open_store(shape: StoreShape, memory: bytearray) -> Store:
    """The store that lies in ``memory``; records that are not whole are dropped.

    Raises:
        StoreError: if there is none, or one of another shape or version. Seeds may differ: it
            goes on with its own.
    """
    if memory[:4] != _MAGIC:
        raise StoreError("no store is there")
    words = struct.unpack_from("<10I", memory)
    shape = StoreShape(
        shape.inputs, shape.records, shape.classes, shape.held_out_every, shape.policy,
        words[7] | words[8] << 32,
    )  # fmt: skip
    if words[1] == _VERSION and words[9] != zlib.crc32(memory[: _SHAPE - 4]):
        raise StoreError("the store's head is damaged")
    if bytes(memory[:_SHAPE]) != _shape_bytes(shape):
        raise StoreError("a store of another shape or version is there")
    store = Store(shape, memory)
    for place in range(_SHAPE, _SHAPE + _CELLS * _CELL, _CELL):
        seen, check = struct.unpack_from("<2I", memory, place)
        if seen != _NONE and check == zlib.crc32(memory[place : place + 4]):
            store.seen = max(store.seen, seen)
    replaced = {}
    for slot in range(shape.records + 1):
        found = _read_record(shape, memory, slot)
        if found is None:
            store.free.append(slot)
            continue
        one, replaced[one.number] = found
        store.samples.append(one)
    store.samples.sort(key=lambda one: one.number)
    if store.samples:
        newest = store.samples[-1].number
        store.seen = max(store.seen, newest + 1)
        for one in [one for one in store.samples if one.number == replaced[newest]]:
            store._forget(one)
    for held_out in (False, True):  # too many only where somebody else has written
        for one in store.kind(held_out)[: -shape.room(held_out)]:
            store._forget(one)
    return store


def _read_record(
    shape: StoreShape, memory: bytearray, slot: int
) -> tuple[StoredSample, int] | None:
    """The sample in a record and the number of the one that it replaced, if it is whole."""
    place = shape.place(slot)
    late, late_check, number, replaced, label, check = struct.unpack_from("<6I", memory, place)
    data = bytes(memory[place + HEADER : place + shape.record_bytes])
    if number >= _MOST_SEEN or (replaced != _NONE and replaced >= number):
        return None
    if check != zlib.crc32(_words(number, replaced, label) + data):
        return None
    if late < shape.classes and _words(late, late_check) == _label_bytes(number, late):
        label = late
    values = np.frombuffer(data, np.int8)
    return StoredSample(number, label if label < shape.classes else None, values, slot), replaced


def _words(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)


def _label_bytes(number: int, label: int) -> bytes:
    return _words(label, zlib.crc32(_words(number, label)))


def _shape_bytes(shape: StoreShape) -> bytes:
    head = _MAGIC + _words(
        _VERSION, shape.inputs, shape.records, shape.held_out_every, shape.classes,
        list(Policy).index(shape.policy), shape.seed & 0xFFFFFFFF, shape.seed >> 32,
    )  # fmt: skip
    return head + _words(zlib.crc32(head))
