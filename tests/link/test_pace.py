"""How a client adapts to its line: pieces and waits."""

import pytest

from tifed.link.conversation import PieceSize, Quickness


def test_pieces_halve_where_frames_get_lost_and_grow_again_slowly() -> None:
    size = PieceSize(300)
    assert size.room(8) == 292
    rooms = []
    for _ in range(5):
        size.went(False)
        rooms.append(size.room(0))
    assert rooms == [150, 75, 40, 40, 40]
    grown = []
    for _ in range(5):
        for _ in range(19):
            size.went(True)
        before = size.room(0)
        size.went(True)
        grown.append((before, size.room(0)))
    assert grown == [(40, 80), (80, 160), (160, 300), (300, 300), (300, 300)]


def test_a_loss_breaks_a_streak() -> None:
    size = PieceSize(300)
    size.went(False)
    for _ in range(19):
        size.went(True)
    size.went(False)
    for _ in range(19):
        size.went(True)
    assert size.room(0) == 75


def test_a_device_that_takes_little_gets_no_more_and_no_less() -> None:
    size = PieceSize(30)
    size.went(False)
    assert size.room(0) == 30


@pytest.mark.parametrize("tries", [0, 1, 4])
def test_a_lost_frame_is_soon_sent_again(tries: int) -> None:
    quick = Quickness()
    assert quick.wait(tries, 1.0) == pytest.approx(0.12)
    quick.took(0.1)
    assert quick.wait(tries, 1.0) == pytest.approx(0.4)
    assert quick.wait(tries, 0.3) == 0.3
    # A newer answer counts for an eighth.
    quick.took(0.02)
    assert quick.wait(tries, 1.0) == pytest.approx(4 * (7 * 0.1 + 0.02) / 8)


def test_a_device_that_is_away_is_asked_ever_less_often() -> None:
    quick = Quickness()
    quick.took(0.0001)
    waits = [quick.wait(tries, 1e9) for tries in range(25)]
    assert waits[:5] == [0.005] * 5
    assert waits[5:21] == [0.005 * 2**n for n in range(1, 17)]
    assert waits[21:] == [0.005 * 2**16] * 4
    assert quick.wait(9, 0.1) == 0.1
