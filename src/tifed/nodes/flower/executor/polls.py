"""When to look for work again."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

SHORTEST = 0.05
"""Seconds between two looks."""
LATE = 6
"""Work is found after at most this part of the time that it was waited for."""


@dataclass
class Polls:
    """Soon while one exchange follows another, and seldom while there is no run.

    Work that came some time after the last work is likely to come so again: half of that time goes
    by without a look. Then the pauses grow with the time that has gone by.

    Attributes:
        longest: seconds between two looks when there is no work.
        clock: seconds from anywhere.
    """

    longest: float
    clock: Callable[[], float] = time.monotonic
    _since: float = field(init=False)
    _usual: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._since = self.clock()

    def came(self) -> None:
        """There is work."""
        self._usual = self.clock() - self._since

    def done(self) -> None:
        """The work is done."""
        self._since = self.clock()

    def pause(self) -> float:
        """Seconds until the next look."""
        waited = self.clock() - self._since
        pause = max(self._usual / 2 - waited, waited / LATE, SHORTEST)
        return min(pause, self.longest)
