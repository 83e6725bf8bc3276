"""Log-mel energies: tables, arithmetic and proofs."""

import math
import runpy
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.rule.signal.log_mel import MOST_FRAMES, LogMel, features_of, frames_of
from tifed.rule.signal.log_mel_frames import (
    band_energies,
    frame_energies,
    levelled,
    logarithm,
    transform,
)
from tifed.rule.signal.log_mel_pictures import QUIET, picture, slices, word
from tifed.rule.signal.log_mel_ranges import log_mel_ranges, most_energy
from tifed.rule.signal.log_mel_tables import (
    cosine_table,
    logarithm_table,
    place_table,
    tables_digest,
    window_table,
)

ROOT = Path(__file__).parents[3]
DIGEST = "270fa5b7d1472c1511b0e350bd621ec497376c06799c25e3a1f8e0ce2a1bd925"


def noise(length: int, loudness: int = 9000, seed: int = 1) -> NDArray[np.int16]:
    rng = np.random.default_rng(seed)
    return rng.integers(-loudness, loudness + 1, length).astype(np.int16)


def test_the_tables_are_those_of_the_specification() -> None:
    assert tables_digest() == DIGEST
    assert DIGEST in (ROOT / "SPEC.md").read_text(encoding="utf-8")


def test_c_has_the_same_tables() -> None:
    written = runpy.run_path(str(ROOT / "tests" / "vectors" / "write_log_mel_tables.py"))
    assert written["PATH"].read_text(encoding="ascii") == written["text"]()


def test_the_tables_are_what_floats_round_to() -> None:
    """Where they are not next to a half; none is."""
    for i, value in enumerate(window_table()):
        assert abs(value - 16384 * (1 - math.cos(2 * math.pi * i / 200))) < 0.5
    for k, value in enumerate(cosine_table()):
        assert abs(value - 32768 * math.cos(2 * math.pi * k / 256)) < 0.5
    for m, value in enumerate(logarithm_table()):
        assert abs(value - 256 * math.log2(1 + m / 128)) < 0.5
    low, high = (2595 * math.log10(1 + hertz / 700) for hertz in (100, 4000))
    edges = [700 * (10 ** ((low + (high - low) * n / 21) / 2595) - 1) for n in range(22)]
    for k, place in enumerate(place_table()):
        exact = float(np.interp(k * 8000 / 256, edges, 8 * np.arange(22)))
        assert abs(place - exact) < 0.5


def test_no_band_is_without_a_bin_and_no_bin_before_the_first_counts() -> None:
    places = place_table()
    assert [place > 0 for place in places[:5]] == [False] * 4 + [True], "FIRST_BIN of the C core"
    assert all(a <= b for a, b in pairwise(places))
    for band in range(20):
        assert any(8 * band < place < 8 * band + 16 for place in places)


def test_the_transform_is_one() -> None:
    frames = np.stack([noise(200, 16384, seed).astype(np.int64) for seed in range(20)])
    exact = np.fft.rfft(frames, 256)[:, :128] / 256
    real, imaginary = transform(frames)
    wrong = np.abs(real[:, :128] + 1j * imaginary[:, :128] - exact)
    assert wrong.max() < 10, "the bound of the proof"
    assert wrong.mean() < 1


def test_the_largest_values_are_within_the_proof() -> None:
    """What is loudest for each bin: a wave of the largest samples, in phase with it."""
    assert all(row.fits for row in log_mel_ranges())
    assert most_energy() + 2 < 1 << 30
    time = np.arange(200)
    phases = np.arange(8) * math.pi / 4
    waves = np.stack(
        [np.where(np.cos(2 * math.pi * k * time / 256 + phase) < 0, -16384, 16384)
         for k in range(128) for phase in phases]
    ).astype(np.int64)  # fmt: skip
    real, imaginary = transform(waves)
    assert max(np.abs(real).max(), np.abs(imaginary).max()) <= 16384 + 10
    assert band_energies(real, imaginary).max() <= most_energy()


def test_levels_have_14_bits() -> None:
    frames = np.array([[0, 0], [1, 0], [-1, 0], [8191, 3], [8192, 3], [16383, 1], [-16384, 1],
                       [-32768, 5]], dtype=np.int64)  # fmt: skip
    level, shift = levelled(frames)
    assert shift.tolist() == [14, 13, 13, 1, 0, 0, -1, -1]
    assert level[:, 0].tolist() == [0, 8192, -8192, 16382, 8192, 16383, -8192, -16384]


def test_logarithms_are_within_a_part() -> None:
    energies = np.array([0, 1, 2, 5, 126, 127, 1000, 123_456_789, (1 << 30) - 3])
    exact = 256 * np.log2(energies + 2)
    assert np.abs(logarithm(energies) - exact).max() < 3.5
    assert logarithm(np.array([0, 2, 6, (1 << 20) - 2])).tolist() == [256, 512, 768, 5120]


def test_a_tone_is_in_its_band() -> None:
    time = np.arange(2000)
    loud = (20_000 * np.sin(2 * math.pi * 1000 * time / 8000)).astype(np.int16)
    energies = frame_energies(loud)
    centre = np.argmax(energies.sum(axis=0))
    passed = [band for band in range(20) if 8 * band < place_table()[32] < 8 * band + 16]
    assert centre in passed
    loudest = LogMel().compute(loud[:, np.newaxis]).reshape(10, 20)[:, centre - 1 : centre + 2]
    assert loudest.min() > 40


def test_loudness_does_not_count() -> None:
    sound = noise(4000, 16000)[:, np.newaxis]
    softer = LogMel().compute(sound >> 4).astype(int)
    assert np.abs(softer - LogMel().compute(sound)).max() <= 1


def test_silence_before_and_after_a_word_does_not_count() -> None:
    spoken = noise(4000)
    around = np.concatenate([noise(800, 3), spoken, noise(1600, 3, 2)])
    assert len(word(frame_energies(spoken))) == frames_of(4000)
    inside = word(frame_energies(around))
    assert abs(len(inside) - frames_of(4000)) <= 4
    level = inside.max() - QUIET
    assert (inside[[0, -1]].max(axis=1) > level).all()


@pytest.mark.parametrize(("frames", "parts"), [
    (1, [[0]] * 10), (3, [[0], [0], [0], [0, 1], [1], [1], [1, 2], [2], [2], [2]]),
    (20, [[2 * n, 2 * n + 1] for n in range(10)]),
])  # fmt: skip
def test_a_slice_has_every_frame_of_which_it_has_a_part(
    frames: int, parts: list[list[int]]
) -> None:
    energies = np.arange(frames)[:, np.newaxis] * 100 + np.arange(20)
    means = np.stack([energies[part].sum(axis=0) // len(part) for part in parts])
    np.testing.assert_array_equal(slices(energies), means - means.sum() // 200)


def test_a_picture_is_the_middle_at_its_own_pace() -> None:
    energies = np.arange(12)[:, np.newaxis] * 64 + np.zeros(20, np.int64)
    mean = int(energies.sum()) // energies.size
    rows = picture(energies, 2)[:, 0]
    assert rows.tolist() == [(4 + 5) * 32 - mean, (6 + 7) * 32 - mean]
    padded = picture(energies, 8)[:, 0]
    assert padded[0] == padded[-1] == -mean
    assert padded[1:-1].tolist() == [(4 * n + 1) * 32 - mean for n in range(6)]


def test_features_saturate() -> None:
    values = np.array([[-15103, -4097, -4096, -33, -32, -1, 0, 31, 32, 4095, 4096, 15103]])
    assert features_of(values).tolist() == [-128, -128, -128, -2, -1, -1, 0, 0, 1, 127, 127, 127]


def test_what_it_is() -> None:
    assert [LogMel(rows).output_shape for rows in (None, 32)] == [(10, 20, 1), (32, 20, 1)]
    assert LogMel().features == 200
    assert LogMel().memory == 12 + 400 + 512 + 128 * 40
    assert LogMel(frames=9).digest == LogMel().digest != LogMel(32).digest != LogMel(33).digest
    for text in ("tifed-log-mel/1", "slices 10", "picture"):
        assert text in (ROOT / "SPEC.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("rows", "frames", "message"), [
    (1, 128, "rows: 1 is not in 2..1024"), (1025, 128, "rows: 1025"),
    (None, 0, "frames: 0 is not in 1..8191"), (None, MOST_FRAMES + 1, "frames: 8192"),
])  # fmt: skip
def test_wrong_numbers_are_named(rows: int | None, frames: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        LogMel(rows, frames)


def test_wrong_recordings_are_named() -> None:
    for wrong in (np.zeros((0, 1), np.int16), np.zeros(9, np.int16), np.zeros((9, 2), np.int16)):
        with pytest.raises(UsageError, match="readings: "):
            LogMel().compute(wrong)
