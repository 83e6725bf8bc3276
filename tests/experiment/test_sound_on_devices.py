"""Sound that devices alone have: the server says what they make of it, and knows no recording."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile

import tifed
from tifed.errors import UsageError
from tifed.experiment import build, load_experiment
from tifed.fleets.stores import played_signal

pytest.importorskip("unicorn", reason="needs pip install 'tifed[emulator]'")
pytestmark = pytest.mark.slow(10)

SOUND = [
    "front_end=log-mel", "own_data=true", "layers=[200,8,3]", "devices=2", "rounds=3",
    "buffer=8", "batch=4", "personal.rounds=1",
]  # fmt: skip


def recordings(folder: Path) -> Path:
    """Three words, a pitch each, in hiss: two people say each of them twelve times."""
    rng = np.random.default_rng(1)
    for word in range(3):
        for person in ("ada", "bob"):
            (folder / f"word{word}" / person).mkdir(parents=True)
            for take in range(12):
                spoken = 4000 * np.sin((0.3 + 0.4 * word) * np.arange(1500 + 60 * take))
                sound = (spoken + rng.normal(0, 900, len(spoken))).astype(np.int16)
                wavfile.write(folder / f"word{word}" / person / f"{take}.wav", 8000, sound)
    return folder


def test_the_digest_is_that_of_the_simulator_which_has_the_recordings(
    tmp_path: Path, boards: Any
) -> None:
    words = f"dataset={recordings(tmp_path / 'words')}"
    inputs = build(load_experiment(overrides=[*SOUND, words])).inputs
    assert played_signal(inputs) == inputs.signal, "boards have the recordings, and no features"
    alone = tifed.run(load_experiment(overrides=[*SOUND, words]), out=tmp_path / "alone")
    listed = ",".join(f'"{line}"' for line in boards(2, *SOUND, words))
    linked = [*SOUND, "dataset=on-devices", "fleet=linked", f"link.devices=[{listed}]"]
    found = tifed.run(load_experiment(overrides=linked), out=tmp_path / "boards")
    assert found.digest == alone.digest
    assert found.accuracy == alone.accuracy
    assert found.own is not None
    assert alone.own is not None
    assert found.own.personal == alone.own.personal

    without = [setting for setting in linked if setting != "front_end=log-mel"]
    with pytest.raises(UsageError, match="signal front end"):
        tifed.run(load_experiment(overrides=without), out=tmp_path / "other")
