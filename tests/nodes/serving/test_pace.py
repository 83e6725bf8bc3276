"""How often a server looks for replies."""

import pytest

from tifed.nodes.serving.pace import LONGEST, SHORTEST, Pace


class Clock:
    """Stands still until it is told."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_looks_follow_the_replies() -> None:
    clock = Clock()
    pace = Pace(clock)
    assert pace.pause(10) == SHORTEST
    clock.now += 1.5  # nobody has answered for long
    assert pace.pause(10) == pytest.approx(0.15)
    pace.came()
    assert pace.pause(9) == SHORTEST  # one says nothing about the others
    clock.now += 0.1
    pace.came()
    assert pace.pause(2) == pytest.approx(0.05)  # two a 0.1 s: 0.1 s are left
    assert pace.pause(8) == pytest.approx(0.2)
    assert pace.pause(100) == LONGEST
    clock.now += 60
    assert pace.pause(1) == LONGEST
    assert pace.waited == pytest.approx(61.6)
