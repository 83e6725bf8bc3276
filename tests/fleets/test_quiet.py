"""Exchanges that boards answer as a whole, over lines that lose frames."""

import shutil
from typing import Any

import pytest

pytest.importorskip("unicorn", reason="needs pip install 'tifed[emulator]'")

from benchmarks.one_frame import FRAME, Ear, Heard, digest, digits, on_boards

from tifed.fleets import SimulatedFleet
from tifed.fleets.emulated import EmulatedFleet, Emulation
from tifed.link import Patience
from tifed.link.transport import Opener

pytestmark = pytest.mark.slow(40)

PATIENT = Patience(silence=300.0, training=60.0)
"""On lines that lose nothing: a board on a busy machine is slow, and is not to be asked again."""


def own(**settings: Any) -> Any:
    return digits(**({"own_data": True, "rounds": 3, "devices": 2} | settings))


@pytest.mark.parametrize(
    "settings",
    [{}, {"own_data": False}, {"mode": "single-layer"}, {"recipe_settings": {"weight_bits": 8}},
     {"layers": [64, 80, 10], "compression": {"upload": "8-bit"}}],
)  # fmt: skip
@pytest.mark.parametrize("coder", [False, True], ids=["packed", "coded"])
def test_the_digest_is_that_of_the_simulation(settings: dict[str, Any], coder: bool) -> None:
    setup = own(**settings)
    found, heard = on_boards(setup, 0.0, PATIENT, coder=coder)
    assert found == digest(setup, setup.fleet)
    assert all(len(one.rounds) == 3 for one in heard)


@pytest.mark.parametrize(
    ("board", "emulator", "compiler"),
    [
        ("cortex-m0", "unicorn", "zig"),
        ("cortex-m0", "qemu", "zig"),
        ("riscv32", "qemu", "zig"),
        ("cortex-m4", "unicorn", "gcc"),
    ],
)
def test_other_processors_and_compilers(board: str, emulator: Any, compiler: Any) -> None:
    if emulator == "qemu" and not shutil.which("qemu-system-arm"):
        pytest.skip("qemu is not installed")
    if compiler == "gcc" and not shutil.which("arm-none-eabi-gcc"):
        pytest.skip("gcc for ARM is not installed")
    setup = own(devices=1, layers=[64, 4, 10], buffer=10, own_data=False)
    found, heard = on_boards(setup, 0.0, PATIENT, Emulation(board, emulator, compiler))
    assert found == digest(setup, setup.fleet)
    assert len(heard[0].rounds) == 3


def test_sealed_lines_have_the_same_digest() -> None:
    setup = own()
    found, heard = on_boards(setup, 0.1, Patience(training=0.5), sealed=True)
    assert found == digest(setup, setup.fleet)
    assert all(one.rounds for one in heard)  # it was asked for exchanges, of which no more is seen


@pytest.mark.parametrize("own_data", [True, False])
def test_a_round_of_each_board_fits_a_frame(own_data: bool) -> None:
    setup = own(own_data=own_data, rounds=6, devices=8)
    found, heard = on_boards(setup, 0.0, PATIENT)
    assert found == digest(setup, setup.fleet)
    rounds = [frames for one in heard for frames in one.rounds.values()]
    assert len(rounds) == 48
    assert all(len(frames) == 1 for frames in rounds)
    assert max(map(max, rounds)) <= FRAME


def test_with_frames_lost_every_frame_is_short_and_the_digest_is_the_same() -> None:
    setup = own(rounds=8, devices=3)
    found, heard = on_boards(setup, 0.2, Patience(training=0.5))
    assert found == digest(setup, setup.fleet)
    rounds = [frames for one in heard for frames in one.rounds.values()]
    assert len(rounds) == 24
    assert max(map(max, rounds)) <= FRAME
    assert sum(line.lost for one in heard for line in one.lines) > 0
    assert any(len(frames) > 1 for frames in rounds)  # one was repeated


def test_an_experiment_says_it_for_emulated_boards() -> None:
    settings = {"own_data": True, "rounds": 3, "devices": 2, "fleet": "emulated"}
    setup = digits(**settings, link={"quiet": True})
    fleet, heard = setup.fleet, Heard()
    assert isinstance(fleet, EmulatedFleet)

    def wire(device: int, board: object, opener: Opener) -> Opener:
        return lambda: Ear(opener(), heard)

    fleet.wire = wire
    found = digest(setup, fleet)
    assert found == digest(setup, SimulatedFleet(setup.inputs))
    assert len(heard.rounds) == 3
