"""Exchanges that boards answer as a whole, over lines that lose frames."""

from typing import Any

import pytest
from benchmarks.one_frame import FRAME, digest, digits, on_boards

from tifed.link import Patience

pytestmark = pytest.mark.slow(30)

PATIENT = Patience(training=4.0)


@pytest.mark.parametrize(
    "settings",
    [{}, {"own_data": False}, {"mode": "single-layer"}, {"recipe_settings": {"weight_bits": 8}},
     {"layers": [64, 80, 10], "compression": {"upload": "8-bit"}}],
)  # fmt: skip
@pytest.mark.parametrize("coder", [False, True], ids=["packed", "coded"])
def test_the_digest_is_that_of_the_simulation(settings: dict[str, Any], coder: bool) -> None:
    setup = digits(4, **({"rounds": 3, "devices": 2} | settings))
    found, heard = on_boards(setup, 0.0, PATIENT, coder)
    assert found == digest(setup, setup.fleet)
    assert all(one.first is not None for one in heard)


def test_with_a_tenth_of_the_frames_lost_every_frame_is_short_and_the_digest_is_the_same() -> None:
    setup = digits(8, rounds=2, devices=2)
    found, heard = on_boards(setup, 0.1, PATIENT)
    assert found == digest(setup, setup.fleet)
    assert max(max(one.frames) for one in heard) <= FRAME
