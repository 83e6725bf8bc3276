"""A number that says where it is from."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Source(StrEnum):
    """Where a figure is from, the surest first."""

    COMPUTED = "computed"
    """Follows from the experiment and the core's memory layout; exact, for tests compile it."""
    MEASURED = "measured"
    """Read off a compiled firmware or an emulated processor (tifed/board/*.csv)."""
    MODELLED = "modelled"
    """Estimated from the board table."""


@dataclass(frozen=True)
class Figure:
    """A number and its source.

    >>> Figure(2.0, Source.MEASURED).times(3, Source.MODELLED)
    Figure(value=6.0, source=<Source.MODELLED: 'modelled'>)
    """

    value: float
    source: Source

    def times(self, factor: float, source: Source = Source.COMPUTED) -> "Figure":
        """Multiplied by a factor of ``source``; the less sure of both sources."""
        return Figure(self.value * factor, least_sure((self.source, source)))


def least_sure(sources: Iterable[Source]) -> Source:
    """What a number is that is made of several.

    >>> least_sure((Source.MEASURED, Source.COMPUTED)).value
    'measured'
    """
    order = list(Source)
    return max(sources, key=order.index, default=Source.COMPUTED)


def total(figures: Iterable[Figure]) -> Figure:
    """Sum of figures."""
    every = list(figures)
    return Figure(
        sum(figure.value for figure in every), least_sure(figure.source for figure in every)
    )
