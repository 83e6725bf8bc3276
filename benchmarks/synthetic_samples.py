"""Samples for benchmarks whose accuracy is nobody's concern."""

from pathlib import Path

import numpy as np


def synthetic(path: Path, samples: int, features: int = 64) -> Path:
    """Samples of ten classes around random centres."""
    random = np.random.default_rng(1)
    labels = np.arange(samples + 1000) % 10
    centres = random.integers(-60, 60, (10, features), np.int16)
    noise = random.integers(-60, 60, (len(labels), features), np.int16)
    values = np.clip(centres[labels] + noise, -128, 127).astype(np.int8)
    np.savez(
        path, features=values[:samples], labels=labels[:samples],
        test_features=values[samples:], test_labels=labels[samples:],
    )  # fmt: skip
    return path
