"""Writes the files that a run leaves, with invented numbers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

DIGEST = "0123456789abcdef" * 4


@pytest.fixture(scope="session")
def write_run() -> Callable[..., Path]:
    """A function that fills a folder with a run, see `_write_run`."""
    return _write_run


def _write_run(
    folder: Path,
    *,
    devices: int = 4,
    class_names: tuple[str, ...] = ("zero", "one", "two"),
    rounds: int = 6,
    evaluated_every: int = 1,
    result: dict[str, Any] | None = None,
    details: dict[str, Any] | None = None,
) -> Path:
    """Fill ``folder`` with a run; ``result`` and ``details`` replace fields of their files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "experiment.toml").write_text(
        f'dataset = "digits"\ndevices = {devices}\nrounds = {rounds}\nlayers = [64, 32, 10]\n'
        'centred = true\n\n[partition]\nkind = "dirichlet"\nalpha = 0.5\n',
        encoding="utf-8",
    )
    lines = [
        "round,accuracy,training_error,asked,answered,updates_layer_0,updates_layer_1,"
        "bytes_down_per_device,bytes_up_per_device,macs_per_device,clipped_parameters,"
        "clipped_deltas"
    ]
    for number in range(1, rounds + 1):
        accuracy = f"{0.9 - 0.6 / number:.6f}" if number % evaluated_every == 0 else ""
        lines.append(
            f"{number},{accuracy},{0.5 / number:.6f},{devices},{devices - 1},{devices - 1},"
            f"{devices // 2},4820.0,4820.5,1203200.0,{number},0"
        )
    (folder / "metrics.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    classes = len(class_names)
    generator = np.random.default_rng(5)
    confusion = generator.integers(0, 4, (classes, classes)) + 40 * np.eye(classes, dtype=int)
    sizes = generator.integers(20, 200, devices).tolist()
    whole_result = {
        "accuracy": 0.8125, "balanced_accuracy": 0.7875, "commonest_class_share": 0.375,
        "warnings": [], "digest": DIGEST, "rounds": rounds, "mode": "full-network",
        "recipe": "tuned", "dataset": "digits", "layers": [64, 32, 10], "devices": devices,
        "engine": "oracle", "seed": 7, "held_out": "test", "held_out_samples": 360,
        "bytes_up_per_device": 134960.0, "bytes_down_per_device": 134960.0,
        "macs_per_device": 33689600.0, "seconds": 1.25, "out": "runs/x",
        "dataset_digest": "f" * 64, "command": "tifed run experiment.toml --seed 7",
    }  # fmt: skip
    whole_details = {
        "confusion": confusion.tolist(),
        "class_names": list(class_names),
        "device_scores": [
            {"device": device, "correct": int(size * generator.uniform(0.6, 1)), "samples": size}
            for device, size in enumerate(sizes)
        ],
        "partition": generator.integers(0, 60, (devices, classes)).tolist(),
        "partition_kind": "dirichlet",
    }
    for name, whole, changed in (
        ("result.json", whole_result, result),
        ("details.json", whole_details, details),
    ):
        (folder / name).write_text(json.dumps(whole | (changed or {})), encoding="utf-8")
    return folder
