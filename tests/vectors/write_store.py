"""Write store.txt: what happens to random stores, with the oracle's bytes, for tests of the C.

Whitespace-separated integers: the number of cases, then each case in the order of `case_numbers`.
Run it again when the store's specification changes, and say so in SPEC.md.
"""

import zlib
from pathlib import Path

import numpy as np

from tifed.rule.store import (
    Policy,
    Store,
    StoreError,
    StoreShape,
    format_store,
    open_store,
)  # fmt: skip

PATH = Path(__file__).with_name("store.txt")
CASES = 24
ADD, LABEL, REOPEN = range(3)
KEPT, PASSED_OVER, GONE = 0, 2, -26


def random_shape(case: int) -> StoreShape:
    """Each policy in turn; small stores, so that much goes."""
    rng = np.random.default_rng(case)
    return StoreShape(
        int(rng.integers(1, 9)), (2, 3, 5, 8)[case // 3 % 4], int(rng.integers(2, 5)),
        (2, 3, 5, 100)[case % 4], list(Policy)[case % 3], int(rng.integers(1 << 63)) * 2 + 1,
    )  # fmt: skip


def label_numbers(store: Store, number: int, label: int) -> list[int]:
    """A label that comes later, or for a sample that is gone."""
    try:
        store.label(number, label)
    except StoreError:
        return [LABEL, number, label, GONE]
    return [LABEL, number, label, KEPT]


def case_numbers(case: int) -> list[int]:
    """A shape, what memory holds before, operations with what they return, and what is there then.

    At the end come the samples seen, the revision, the CRC-32 of the bytes, and of each kind the
    labelled samples: how many, and of each its label and its values.
    """
    shape = random_shape(case)
    rng = np.random.default_rng(case + 1000)
    filled = (0x00, 0xFF, 0x5A)[case // 4 % 3]
    store = format_store(shape, bytearray([filled] * shape.bytes))
    operations = 3 * shape.records + 8
    numbers = [shape.inputs, shape.records, shape.held_out_every, shape.classes]
    numbers += [list(Policy).index(shape.policy), shape.seed & 0xFFFFFFFF, shape.seed >> 32]
    numbers += [filled, operations]
    for _ in range(operations):
        kind = rng.choice([ADD, LABEL, REOPEN], p=[0.75, 0.17, 0.08])
        if kind == ADD:
            values = rng.integers(-128, 128, shape.inputs).astype(np.int8)
            label = None if rng.random() < 0.3 else int(rng.integers(shape.classes))
            kept = store.add(values, label)
            numbers += [ADD, -1 if label is None else label, *values.tolist()]
            numbers.append(KEPT if kept else PASSED_OVER)
        elif kind == LABEL and store.seen:
            recent = int(rng.integers(max(0, store.seen - 6), store.seen))
            label = int(rng.integers(shape.classes))
            if any(one.number == recent and one.label == label for one in store.samples):
                label = (label + 1) % shape.classes  # so that it changes something
            numbers += label_numbers(store, recent, label)
        else:
            store = open_store(shape, store.memory)
            numbers += [REOPEN, KEPT]
    numbers += [store.seen, store.revision, zlib.crc32(store.memory)]
    for held_out in (False, True):
        labelled = store.labelled(held_out)
        numbers.append(len(labelled))
        for one in labelled:
            assert one.label is not None
            numbers += [one.label, *one.values.tolist()]
    return numbers


def text() -> str:
    """The whole file."""
    lines = [str(CASES)]
    for case in range(CASES):
        numbers = case_numbers(case)
        lines += [" ".join(map(str, numbers[at : at + 24])) for at in range(0, len(numbers), 24)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="ascii")
