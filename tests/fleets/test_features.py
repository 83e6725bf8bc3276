"""Devices that extract features themselves: digests of features and head are the simulator's."""

import hashlib
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tifed.board.firmware import build_firmware, experiment_header, fingerprint
from tifed.board.firmware.emulated_boards import board_for
from tifed.data import load
from tifed.errors import UsageError
from tifed.extractor import Convolution, Dense, Extractor, MaxPool, oracle, save_extractor
from tifed.extractor.native import extract
from tifed.link import Client
from tifed.rule.recipes import Tuned

pytestmark = pytest.mark.slow(15)

WRITER = Path(__file__).parents[1] / "vectors" / "write_features.py"


def digits_extractor() -> Extractor:
    """Padded and strided convolutions, both kinds of max-pooling, a dense layer without ReLU."""
    rng = np.random.default_rng(3)

    def constants(*shape: int, shift: int) -> tuple[Any, Any, Any]:
        weights = rng.integers(-90, 91, shape).astype(np.int8)
        bias = rng.integers(-2000, 2000, shape[0]).astype(np.int32)
        return weights, bias, rng.integers(shift - 1, shift + 2, shape[0]).astype(np.uint8)

    return Extractor(
        (8, 8, 1),
        0,
        (
            Convolution(*constants(6, 3, 3, 1, shift=7), padding=1),
            MaxPool(2, 2),
            Convolution(*constants(9, 2, 2, 6, shift=8)),
            MaxPool(2, 1),
            Dense(*constants(21, 36, shift=8), relu=False),
        ),
    )


@pytest.fixture
def extractor(tmp_path: Path) -> str:
    save_extractor(tmp_path / "e.safetensors", digits_extractor())
    return str(tmp_path / "e.safetensors")


@pytest.mark.parametrize(
    ("emulator", "board"),
    [
        *(("unicorn", board) for board in ("cortex-m0", "cortex-m3", "cortex-m4", "cortex-m7")),
        ("qemu", "cortex-m4"),
        ("qemu", "riscv32"),
    ],
)
def test_devices_on_raw_samples_end_with_the_simulators_digest(
    emulated: Any, simulated: Any, extractor: str, emulator: str, board: str
) -> None:
    experiment = {
        "dataset": "digits", "devices": 2, "rounds": 2, "layers": [21, 12, 10],
        "extractor": extractor,
    }  # fmt: skip
    on_boards = emulated(**experiment, emulator=emulator, board=board)
    assert on_boards == simulated(**experiment, engine="oracle")
    assert on_boards == simulated(**experiment, engine="native")
    assert on_boards.answered == ((0, 1),) * 2


@pytest.mark.parametrize("processor", ["cortex-m0", "cortex-m3", "cortex-m4"])
def test_features_made_on_a_processor_have_the_oracles_digest(processor: str) -> None:
    """The device's own features, read back as the calibration sums of one sample each."""
    from tifed.board.emulators.unicorn import UnicornBoard

    extractor = digits_extractor()
    samples = load("digits").train.features[:24]
    wanted = oracle.extract(extractor, samples)
    network = Tuned().network((extractor.features, 2), 4)
    header = experiment_header(network, [(0,)], 4, 4, extractor=extractor)
    board = UnicornBoard(build_firmware(board_for(processor, "unicorn"), header))
    try:
        client = Client(processor, lambda: board)
        client.open_session()
        made = [client.calibrate(sample[np.newaxis], network.features)[0] for sample in samples]
    finally:
        board.close()

    def digest(features: Any) -> str:
        return hashlib.sha256(np.ascontiguousarray(features, np.int8).tobytes()).hexdigest()

    assert digest(made) == digest(wanted) == digest(extract(extractor, samples))


@pytest.mark.parametrize("processor", ["cortex-m0", "cortex-m4"])
def test_random_extractors_on_a_processor(processor: str) -> None:
    """The vectors' extractors with constants at their extremes, their features read back."""
    from tifed.board.emulators.unicorn import UnicornBoard

    random_extractor = runpy.run_path(str(WRITER))["random_extractor"]
    for seed in range(0, 12, 3):
        extractor = random_extractor(seed)
        rng = np.random.default_rng(seed)
        samples = rng.choice([-128, -1, 0, 127], (3, extractor.input_features)).astype(np.int8)
        network = Tuned().network((extractor.features, 2), 4)
        header = experiment_header(network, [(0,)], 1, 1, extractor=extractor)
        board = UnicornBoard(build_firmware(board_for(processor, "unicorn"), header))
        try:
            client = Client(processor, lambda: board)  # noqa: B023 - used in this turn only
            client.open_session()
            made = [client.calibrate(one[np.newaxis], network.features)[0] for one in samples]
        finally:
            board.close()
        assert np.array_equal(made, oracle.extract(extractor, samples)), seed


def test_a_device_with_another_extractor_is_refused() -> None:
    network = Tuned().network((21, 10), 4)
    extractor = digits_extractor()
    other = Extractor(extractor.input_shape, 1, extractor.layers)
    prints = {fingerprint(network, 4, 4, it) for it in (None, extractor, other)}
    assert len(prints) == 3
    with pytest.raises(UsageError, match="takes 20 features, the extractor gives 21"):
        experiment_header(Tuned().network((20, 10), 4), [(0,)], 4, 4, extractor=extractor)
