"""What a store of own samples is made for (SPEC, 16.1)."""

from dataclasses import dataclass
from enum import Enum

HEAD = 104
"""Bytes before the first record."""
HEADER = 24
"""Bytes of a record before its values."""


class Policy(Enum):
    """Which samples of a kind stay once its records are full."""

    NEWEST = "newest"
    """The newest ones."""
    UNIFORM = "uniform"
    """Of all that arrived, each with the same chance."""
    BALANCED = "balanced"
    """As many of each class as of any other; of a class the newest."""


@dataclass(frozen=True)
class StoreShape:
    """All that the bytes of a store depend on, beside its samples.

    Attributes:
        inputs: int8 values of a sample, 1 or more.
        records: samples that it has room for, 2..65534.
        classes: labels are 0..classes-1; 2..65535.
        held_out_every: sample i, as it arrived, is held out where i mod this is this - 1;
            2..65535.
        policy: which samples stay.
        seed: of the choice of `Policy.UNIFORM`, 0..2**64 - 1.

    Raises:
        ValueError: for a number out of range, or a store of 2**32 bytes or more.
    """

    inputs: int
    records: int
    classes: int
    held_out_every: int = 5
    policy: Policy = Policy.NEWEST
    seed: int = 0

    def __post_init__(self) -> None:
        ranges = {
            "inputs": (1, 0xFFFFFFFF),
            "records": (2, 65534),
            "classes": (2, 65535),
            "held_out_every": (2, 65535),
            "seed": (0, 2**64 - 1),
        }
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name}: {getattr(self, name)} is not in {low}..{high}")
        if self.bytes >= 1 << 32:
            raise ValueError(
                f"records: {self.records} of {self.inputs} values take {self.bytes} bytes, "
                "and a store has less than 2**32"
            )

    @property
    def record_bytes(self) -> int:
        """Bytes of a record."""
        return HEADER + self.inputs

    @property
    def bytes(self) -> int:
        """Bytes of the whole store, which has one record more than there is room for."""
        return HEAD + (self.records + 1) * self.record_bytes

    def is_held_out(self, number: int) -> bool:
        """Whether the sample that arrived as ``number``, counted from 0, is held out."""
        return number % self.held_out_every == self.held_out_every - 1

    def room(self, held_out: bool) -> int:
        """Records for a kind of sample."""
        held_out_records = max(1, self.records // self.held_out_every)
        return held_out_records if held_out else self.records - held_out_records

    def place(self, slot: int) -> int:
        """Where record number ``slot``, 0..records, begins."""
        return HEAD + slot * self.record_bytes
