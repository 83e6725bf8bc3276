"""One line of ``metrics.csv``: what a round has come to, made, written and read in one place."""

import re
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from tifed.experiment.growing_table import Row
from tifed.federation import RoundRecord

_UPDATES = "updates_layer_"
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")

Count = Annotated[int, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[int | float, Field(ge=0)]


class RoundRow(BaseModel):
    """A round; costs are of this round alone, means over devices.

    Attributes:
        round: its number, from 1.
        accuracy: of the published model on held-out data; None if it was not evaluated.
        training_error: share of the samples that a device got wrong before learning from them; None
            if devices have counted none, or do not tell.
        asked: devices that were asked to train.
        answered: those that answered.
        updates: per layer the devices that trained it.
        bytes_down_per_device: parameters sent to a device (SPEC, section 25.6).
        bytes_up_per_device: parameters sent by a device.
        macs_per_device: multiply-accumulates of a device.
        clipped_parameters: parameters that reached their bound.
        clipped_deltas: deltas that did.
    """

    model_config = ConfigDict(frozen=True)

    round: Annotated[int, Field(ge=1)]
    accuracy: Fraction | None
    training_error: Fraction | None
    asked: Count
    answered: Count
    updates: tuple[Count, ...]
    bytes_down_per_device: Amount
    bytes_up_per_device: Amount
    macs_per_device: Amount
    clipped_parameters: Count
    clipped_deltas: Count

    @classmethod
    def of(cls, record: RoundRecord, accuracy: float | None, devices: int, depth: int) -> Self:
        """The row of a round that has just ended; the network has ``depth`` layers."""
        statistics, costs = record.statistics, record.costs
        return cls(
            round=record.round + 1,
            accuracy=accuracy,
            training_error=statistics.missed / statistics.visits if statistics.visits else None,
            asked=len(record.asked),
            answered=len(record.answered),
            updates=tuple(record.updates.get(layer, 0) for layer in range(depth)),
            bytes_down_per_device=round(costs.bytes_down / devices),
            bytes_up_per_device=round(costs.bytes_up / devices),
            macs_per_device=round(costs.macs / devices),
            clipped_parameters=statistics.clipped_parameters,
            clipped_deltas=statistics.clipped_deltas,
        )

    def columns(self) -> dict[str, str]:
        """The row as text by column; what was not measured is empty."""
        columns: dict[str, str] = {}
        for name, value in self:
            if name == "updates":
                columns |= {f"{_UPDATES}{layer}": str(n) for layer, n in enumerate(self.updates)}
            elif name in ("accuracy", "training_error"):
                columns[name] = "" if value is None else f"{value:.6f}"
            else:
                columns[name] = str(value)
        return columns

    @classmethod
    def read(cls, columns: Row) -> Self:
        """The row that `columns` gave.

        Raises:
            ValidationError: naming the column that is missing or wrong.
        """
        fields: dict[str, Any] = {name: text or None for name, text in columns.items()}
        updates = [text for name, text in columns.items() if name.startswith(_UPDATES)]
        return cls.model_validate(fields | {"updates": updates})


def check_metrics(row: Row, before: int) -> None:
    """Raise ValueError unless ``row`` is that of round ``before`` + 1, and all numbers."""
    if row["round"] != str(before + 1):
        raise ValueError(f"is of round {row['round']!r:.20} where that of {before + 1} is due")
    for column, text in row.items():
        # Not evaluated in this round, or not told by the devices.
        empty = column in ("accuracy", "training_error") and not text
        if not empty and not _NUMBER.fullmatch(text):
            raise ValueError(f"{column}: {text!r:.40} is not a number")
