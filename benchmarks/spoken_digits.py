"""Spoken digits from raw audio: how well a new speaker is understood, and how well known ones.

    python benchmarks/spoken_digits.py --data-dir FOLDER [--seeds 6] [--micro-features]

On the features that a device computes itself, in both modes, trains `spoken-digits` (a preset) for
the standard split (recordings 0 to 4), and `spoken-digits-new-speaker` with one of six speakers
held out; prints accuracy on the standard split, and on all recordings of one new speaker after
another. Seeds begin at 3001: no choice was made with them.

With --micro-features the same network is also trained on the features of pymicro-features (a
package of its own, version 2.0.2), which are the front end of TensorFlow Lite Micro. It takes
16,000 samples a second, so recordings are resampled with SciPy; of its 40 bands the 30 below 4 kHz
are kept, as the recordings have nothing above. `alone` begins anew with each recording; `warmed`
has heard three other recordings of that speaker before, as its running estimate of noise expects.
Both have the word's ends from the integer front end, 10 slices of time, and one calibrated map to
int8.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

import tifed
from tifed.data import Dataset, Samples, load
from tifed.data.builtin.spoken_digits import FOLDER, SPOKEN_DIGITS, TEST_INDICES, _recordings
from tifed.data.locate import locate
from tifed.data.quantisation.quantised import quantised
from tifed.data.readers.wav_file import waveform_of
from tifed.rule.signal.log_mel_frames import HOP, frame_energies
from tifed.rule.signal.log_mel_pictures import QUIET, SLICES

MODES = ("full-network", "single-layer")
FIRST_SEED = 3001
BELOW_4_KHZ = 30
WARMING = 3
"""Recordings of the same speaker that are heard before, in `warmed`."""


def accuracy(preset: str, dataset: Dataset, mode: str, seed: int) -> float:
    """Of one run of a preset, on the test split."""
    overrides: dict[str, Any] = {
        "mode": mode, "seed": seed, "layers": [dataset.features, 32, 10],
        "evaluate_every": 1_000_000,
    }  # fmt: skip
    experiment = tifed.load_experiment(preset=preset, overrides=overrides)
    return float(tifed.run(experiment, dataset=dataset).accuracy)


def splits(whole: Dataset) -> Iterator[tuple[str, str, Dataset]]:
    """The standard split, then each speaker held out: name, preset, and data set."""
    yield "standard", "spoken-digits", whole
    for number, name in enumerate(whole.group_names):
        yield name, "spoken-digits-new-speaker", held_out(whole, number)


def held_out(whole: Dataset, speaker: int) -> Dataset:
    """All recordings of one speaker are the test split; the others' numbers close up."""
    parts = (whole.train, whole.test)
    features = np.concatenate([part.features for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    groups = np.concatenate([part.groups for part in parts if part.groups is not None])
    out = groups == speaker
    names = tuple(np.delete(np.array(whole.group_names), speaker).tolist())
    closed = groups - (groups > speaker)
    train = Samples(features[~out], labels[~out], closed[~out].astype(np.int32))
    # Nobody looks at the groups of the test split.
    test = Samples(features[out], labels[out], np.zeros(int(out.sum()), np.int32))
    return replace(whole, train=train, test=test, group_names=names, report=None)


def report(name: str, whole: Dataset, seeds: Sequence[int]) -> None:
    """Print a line per mode: mean over seeds of each split, and of the six speakers' mean."""
    for mode in MODES:
        found = {
            split: np.array([accuracy(preset, dataset, mode, seed) for seed in seeds])
            for split, preset, dataset in splits(whole)
        }
        standard = found.pop("standard")
        mean = np.stack(list(found.values())).mean(axis=0)
        print(
            f"| {name}, {mode} | {plus_minus(mean)} | "
            + " ".join(f"{of_one.mean():.2f}".lstrip("0") for of_one in found.values())
            + f" | {plus_minus(standard)} |",
            flush=True,
        )


def plus_minus(values: NDArray[np.float64]) -> str:
    """Mean and standard deviation over seeds."""
    deviation = values.std(ddof=1) if len(values) > 1 else 0.0
    return f"{values.mean():.4f} ± {deviation:.4f}"


def micro_features(folder: Path, warming: int) -> Dataset:
    """The data set of pymicro-features: float features, one map to int8 for all of them."""
    recordings = _recordings(folder)
    sounds = [waveform_of(path) for _, _, _, path in recordings]
    speakers, groups = np.unique([speaker for _, speaker, _, _ in recordings], return_inverse=True)
    labels = np.array([digit for digit, _, _, _ in recordings], np.int32)
    features = []
    for number, sound in enumerate(sounds):
        # Those before it; of a speaker's first recording, the last ones.
        same = np.flatnonzero(groups == groups[number])
        place = int(np.searchsorted(same, number))
        before = [sounds[same[(place - n) % len(same)]] for n in range(warming, 0, -1)]
        features.append(one_micro(sound, before))
    values = np.stack(features)
    test = np.array([index < TEST_INDICES for _, _, index, _ in recordings])
    names = [f"value {n}" for n in range(values.shape[1])]
    numbers = quantised((values[~test], values[test]), "shared", names)
    train, judged = (
        Samples(part_features, labels[part], groups[part].astype(np.int32))
        for part_features, part in zip(numbers.samples, (~test, test), strict=True)
    )
    return Dataset(
        "pymicro-features", train, judged, tuple("0123456789"), tuple(speakers.tolist()),
    )  # fmt: skip


def one_micro(sound: NDArray[np.int16], before: Sequence[NDArray[np.int16]]) -> NDArray[Any]:
    """Ten slices of 30 bands (300,) of one recording, less their mean."""
    from pymicro_features import MicroFrontend  # type: ignore[import-not-found,import-untyped,unused-ignore]

    front_end = MicroFrontend()
    heard = [_frames(front_end, one) for one in (*before, sound)][-1]
    largest = frame_energies(sound).max(axis=1)
    loud = np.flatnonzero(largest > largest.max() - QUIET)
    last = min(int(loud[-1]) + 1, len(heard))
    word = heard[min(int(loud[0]), last - 1) : last, :BELOW_4_KHZ]
    edges = np.arange(SLICES + 1) * len(word)
    firsts, lasts = edges[:-1] // SLICES, -(-edges[1:] // SLICES)
    means = np.stack([word[a:b].mean(axis=0) for a, b in zip(firsts, lasts, strict=True)])
    values: NDArray[Any] = np.rint(1000 * (means - means.mean())).astype(np.int64)
    return values.ravel()


def _frames(front_end: Any, sound: NDArray[np.int16]) -> NDArray[np.float64]:
    """What it gives for a recording (F, 40), which is as long as a frame at least."""
    twice = np.clip(np.rint(signal.resample_poly(sound.astype(float), 2, 1)), -32768, 32767)
    left, frames = twice.astype("<i2").tobytes(), []
    left += bytes(2 * max(0, 2 * 2 * HOP * 4 - len(twice)))
    while len(left) >= 320:
        made = front_end.process_samples(left)
        left = left[2 * made.samples_read :]
        if made.features:
            frames.append(made.features)
    return np.array(frames)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, help="folder of the recordings")
    parser.add_argument("--seeds", type=int, default=6, help="runs of each split and mode")
    parser.add_argument("--micro-features", action="store_true", help="pymicro-features as well")
    options = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + options.seeds)
    print("| | new speaker, mean of six | one by one | standard split |\n|---|---|---|---|")
    report("integers", load("spoken-digits", data_dir=options.data_dir), seeds)
    if options.micro_features:
        folder = locate(SPOKEN_DIGITS, options.data_dir, None, download=True)[FOLDER]
        report("pymicro-features, alone", micro_features(folder, 0), seeds)
        report("pymicro-features, warmed", micro_features(folder, WARMING), seeds)


if __name__ == "__main__":
    main()
