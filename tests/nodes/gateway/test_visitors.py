"""Who gives way at a gateway, and to whom."""

import socket

import pytest

from tifed.nodes.gateway import visitors
from tifed.nodes.gateway.visitors import Visitor, Visitors
from tifed.nodes.gateway.wire import WireError


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Visitors:
    """With three places, and room for a hundred bytes."""
    monkeypatch.setattr(visitors, "MOST_CONNECTIONS", 3)
    monkeypatch.setattr(visitors, "MOST_BYTES", 100)
    return Visitors()


def come(to: Visitors) -> tuple[Visitor | None, socket.socket]:
    """Somebody who connects, and the other end."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(300)
    visitor = to.enter(ours)
    if visitor is None:
        ours.close()
    return visitor, theirs


def test_who_says_nothing_gives_way_to_who_comes_later(few: Visitors) -> None:
    there = [come(few) for _ in range(3)]
    first = there[0][0]
    assert first is not None
    few.asked(first)
    there.append(come(few))
    assert [one.turned_away for one, _ in there if one] == [False, True, False, False]
    assert there[1][1].recv(1) == b""
    with pytest.raises(WireError, match="was sent away: others want something as well"):
        few.asked(there[1][0])  # type: ignore[arg-type]
    for one, _ in there[2:]:
        assert one is not None
        few.asked(one)
    full, end = come(few)
    assert full is None
    few.leave(first)
    there.append(come(few))
    assert there[-1][0] is not None
    for one, theirs in (*there, (None, end)):
        theirs.close()
        if one is not None:
            one.connection.close()


def test_who_has_asked_stays_however_much_it_has_sent(few: Visitors) -> None:
    (asked, _), (other, _) = there = [come(few) for _ in range(2)]
    assert asked is not None
    assert other is not None
    few.took(asked, 60)
    few.asked(asked)
    few.took(other, 40)
    with pytest.raises(WireError, match="was sent away with 41 bytes sent"):
        few.took(other, 1)
    assert not asked.turned_away
    for one, theirs in there:
        theirs.close()
        if one is not None:
            one.connection.close()


def test_who_sends_too_much_gives_way_to_who_sends_less(few: Visitors) -> None:
    (large, _), (small, _), (asked, _) = there = [come(few) for _ in range(3)]
    assert large is not None
    assert small is not None
    assert asked is not None
    few.took(asked, 30)
    few.asked(asked)
    few.took(large, 40)
    few.took(small, 30)
    few.took(small, 1)
    assert [one.turned_away for one in (large, small, asked)] == [True, False, False]
    with pytest.raises(WireError, match="was sent away with 41 bytes sent"):
        few.took(large, 1)
    with pytest.raises(WireError, match="was sent away with 71 bytes"):
        few.took(small, 40)
    for one, theirs in there:
        theirs.close()
        if one is not None:
            one.connection.close()
