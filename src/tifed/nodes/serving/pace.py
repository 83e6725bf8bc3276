"""When to look for replies again."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

SHORTEST, LONGEST = 0.02, 0.25
"""Seconds between two looks."""


@dataclass
class Pace:
    """Half of what is left until all have come, if they go on coming as they did.

    So there are few looks in a round, and the last reply does not lie for long.

    Attributes:
        clock: seconds from anywhere.
    """

    clock: Callable[[], float] = time.monotonic
    _began: float = field(init=False)
    _last: float = field(init=False)
    _first: float | None = field(init=False, default=None)
    _replies: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._began = self._last = self.clock()

    def came(self) -> None:
        """A reply has come."""
        self._last = self.clock()
        if self._first is None:
            self._first = self._last
        self._replies += 1

    @property
    def waited(self) -> float:
        """Seconds since the beginning."""
        return self.clock() - self._began

    def pause(self, outstanding: int) -> float:
        """Seconds until the next look for so many replies; longer where none has come for long."""
        left = 0.0
        if self._first is not None:
            left = outstanding * (self._last - self._first) / self._replies
        silence = self.clock() - self._last
        return min(LONGEST, max(SHORTEST, left / 2, silence / 10))
