"""What each update did, exchange by exchange: the rows of ``contributions.csv``."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tifed.experiment.growing_table import Row
from tifed.federation import RoundRecord

COLUMNS = (
    "round", "exchange", "device", "devices", "norm", "norm_told", "cosine_per_mille", "clipped",
    "far_out",
)  # fmt: skip
_MAY_BE_EMPTY = ("norm_told", "cosine_per_mille", "clipped", "far_out")


def contribution_rows(record: RoundRecord) -> list[dict[str, Any]]:
    """The rows of a round; rounds and exchanges count from 1, and what is not known is empty."""
    rows = []
    for one in record.contributions:
        values = (
            record.round + 1, one.exchange + 1, one.device, one.devices, one.norm, one.told,
            one.cosine, one.clipped, one.far_out,
        )  # fmt: skip
        texts = ["" if value is None else value for value in values]
        rows.append(dict(zip(COLUMNS, texts, strict=True)))
    return rows


def check_contributions(row: Row, before: int) -> None:
    """Raise ValueError unless ``row`` is one of ``contributions.csv``."""
    del before
    if tuple(row) != COLUMNS:
        raise ValueError(f"has not the columns {', '.join(COLUMNS)}")
    for column, text in row.items():
        if not text and column in _MAY_BE_EMPTY:
            continue
        digits = text.removeprefix("-") if column == "cosine_per_mille" else text
        if not (digits.isascii() and digits.isdecimal()):
            raise ValueError(f"{column}: {text!r:.20} is not a whole number")


def sentences(rows: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Whose updates pointed least where the others' did, and whose was longest; in words.

    Nothing where no more than one update came: there is nobody to compare it with.
    """
    cosines, longest = defaultdict[str, list[int]](list), dict[str, int]()
    for row in rows:
        who = _name(int(row["device"]), int(row["devices"]))
        if row["cosine_per_mille"]:
            cosines[who].append(int(row["cosine_per_mille"]))
        longest[who] = max(longest.get(who, 0), int(row["norm_told"] or row["norm"]))
    if len(cosines) < 2:
        return
    means = {who: sum(values) / len(values) / 1000 for who, values in cosines.items()}
    other, far = min(means, key=means.__getitem__), max(longest, key=longest.__getitem__)
    yield (
        f"the updates that were least like the others came from {other}: their cosine with what "
        f"was made of all updates was {means[other]:.2f} on average"
    )
    yield f"the longest update came from {far}: its norm was {longest[far]:,}"


def _name(device: int, devices: int) -> str:
    if devices == 1:
        return f"device {device}"
    return f"the sum of {devices:,} devices of which device {device} is the first"
