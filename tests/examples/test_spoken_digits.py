"""The examples run from sound files to their figures."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

import tifed
from tifed.experiment import Experiment, build, load_experiment
from tifed.fleets.stores import played_signal
from tifed.rule.signal.log_mel import LogMel

pytestmark = pytest.mark.slow(5)

SCRIPT = Path(__file__).parents[2] / "examples" / "spoken_digits" / "new_speaker.py"
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")


def write_recordings(folder: Path) -> None:
    """A chirp per speaker, digit and index."""
    folder.mkdir()
    rng = np.random.default_rng(1)
    for place, speaker in enumerate(SPEAKERS):
        for digit in range(10):
            for index in range(3, 9):
                time = np.arange(2000 + 50 * index)
                tone = 9000 * np.sin(time * (0.1 + 0.2 * digit + 0.01 * place))
                tone += rng.normal(0, 20_000, len(time))  # so that there is something left to learn
                name = f"{digit}_{speaker}_{index}.wav"
                wavfile.write(folder / name, 8000, tone.clip(-32768, 32767).astype(np.int16))


def test_each_speakers_device_goes_on_alone_from_the_others_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_recordings(tmp_path / "recordings")
    monkeypatch.setenv("TIFED_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "out"
    arguments = ["new_speaker.py", "--data-dir", str(tmp_path), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", arguments)
    example = runpy.run_path(str(SCRIPT))
    few = example["experiment_of"]

    def on_few_devices(speakers: tuple[str, ...], devices: int) -> Experiment:
        made: Experiment = few(speakers, min(devices, len(speakers)))
        return made.model_copy(update={"buffer": 20})

    example["main"].__globals__["experiment_of"] = on_few_devices
    example["main"]()
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == list(SPEAKERS)
    found = [(float(line[2]), float(line[4])) for line in lines]
    assert all(before <= after <= 1 for before, after in found)
    assert any(before < after for before, after in found), "somebody's device learnt"
    models = {(out / f"without-{one}" / "model.safetensors").read_bytes() for one in SPEAKERS}
    assert len(models) == len(SPEAKERS), "each model was trained without another speaker"


def test_without_data_it_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("")  # so that nothing is fetched
    monkeypatch.setenv("TIFED_CACHE", str(tmp_path / "cache"))
    arguments = ["new_speaker.py", "--data-dir", str(tmp_path), "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit, match="data set spoken-digits: not found"):
        runpy.run_path(str(SCRIPT), run_name="__main__")


def test_boards_that_hear_the_speakers_end_with_the_simulators_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The experiment of docs/spoken-digits.md, on a board for each speaker of few recordings."""
    pytest.importorskip("unicorn", reason="needs pip install 'tifed[emulator]'")
    write_recordings(tmp_path / "recordings")
    monkeypatch.setenv("TIFED_CACHE", str(tmp_path / "cache"))
    file = SCRIPT.with_name("speakers.toml")
    assert load_experiment(file).devices == 5 * len(SPEAKERS)
    results = []
    for fleet in ("simulated", "emulated"):
        settings = [f"fleet={fleet}", "devices=6", "rounds=2", "personal.rounds=1", "buffer=20"]
        experiment = load_experiment(file, overrides=settings)
        inputs = build(experiment, tmp_path).inputs
        assert isinstance(played_signal(inputs), LogMel), "in flash is sound, and no features"
        results.append(tifed.run(experiment, out=tmp_path / fleet, data_dir=tmp_path))
    simulated, emulated = results
    assert emulated.digest == simulated.digest
    assert emulated.accuracy == simulated.accuracy
    assert emulated.own == simulated.own
