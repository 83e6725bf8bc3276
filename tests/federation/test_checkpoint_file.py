"""What stands in a checkpoint, as SPEC 11 says, read without the code that wrote it."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from tifed.errors import RunError, UsageError
from tifed.federation import Costs, federate
from tifed.federation.checkpoint import load_checkpoint, save_checkpoint
from tifed.federation.checkpoint_file import Checkpoint
from tifed.rule.recipes import Tuned

Make = Callable[..., Any]
Header = dict[str, str]
Arrays = dict[str, np.ndarray]


def content(path: Path) -> tuple[Header, Arrays]:
    with safe_open(path, "numpy") as file:
        return dict(file.metadata()), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def checksum(header: Header, arrays: Arrays) -> str:
    lines = [f"{key}={header[key]}\n".encode() for key in sorted(header) if key != "checksum"]
    for name in sorted(arrays):
        array = arrays[name]
        lines += [f"{name} {array.dtype} {array.shape}\n".encode(), array.tobytes()]
    return hashlib.sha256(b"".join(lines)).hexdigest()


@pytest.fixture
def saved(tmp_path: Path, small: Make) -> tuple[Path, Any, Any]:
    run = small(recipe=Tuned(server_momentum=8), rounds=2)
    *_, (state, _) = federate(run.federation, run.fleet, run.state())
    costs = Costs(3, 4, 5)
    return save_checkpoint(tmp_path, Checkpoint(state, costs, 2.25), "digest"), run, state


def test_header_and_arrays_are_those_of_the_specification(saved: tuple[Path, Any, Any]) -> None:
    path, _, state = saved
    assert path.name == "round-000002.safetensors"
    header, arrays = content(path)
    assert header.pop("checksum") == checksum(header, arrays)
    assert header == {
        "format": "tifed-checkpoint", "version": "2", "experiment": "digest", "round": "2",
        "exchange": "2", "updates": "[2, 2]", "seconds": "2.25",
        "costs": json.dumps(asdict(Costs(3, 4, 5))), "energy": str(state.energy),
        "energy_shift": "0",
    }  # fmt: skip
    expected = {"turns": state.turns}
    expected |= {f"parameters.{name}": array for name, array in state.parameters.named}
    for number, layer in enumerate(state.layers):
        for name in ("weight", "bias", "mean_weight", "mean_bias", "weight_step", "bias_step"):
            expected[f"server.{number}.{name}"] = getattr(layer, name).astype(np.int32)
    assert arrays.keys() == expected.keys()
    for name, array in expected.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)


@pytest.mark.parametrize(
    ("key", "value"), [("format", "tifed-float-checkpoint"), ("version", "1")]
)  # fmt: skip
def test_another_format_or_version_is_refused(
    saved: tuple[Path, Any, Any], key: str, value: str
) -> None:
    path, run, _ = saved
    header, arrays = content(path)
    header[key] = value
    header["checksum"] = checksum(header, arrays)
    save_file(arrays, path, header)
    with pytest.raises(UsageError, match=f"'{value}'.*reads '(tifed-checkpoint|2)'"):
        load_checkpoint(path, run.federation, "digest")


@pytest.mark.parametrize("what", ["header", "array", "name", "checksum"])
def test_a_sound_file_with_other_content_is_damaged(
    saved: tuple[Path, Any, Any], what: str
) -> None:
    path, run, _ = saved
    header, arrays = content(path)
    if what == "header":
        header["round"] = "3"
    elif what == "array":
        arrays["turns"] = arrays["turns"] + 1
    elif what == "name":
        arrays["turn"] = arrays.pop("turns")
    else:
        del header["checksum"]
    save_file(arrays, path, header)
    with pytest.raises(RunError, match=r"round-000002\.safetensors: damaged \(its checksum"):
        load_checkpoint(path, run.federation, "digest")


def test_parameters_beyond_their_bounds_are_refused(saved: tuple[Path, Any, Any]) -> None:
    path, run, _ = saved
    header, arrays = content(path)
    arrays["parameters.layer.0.bias"] = np.full(4, -32768, np.int16)
    header["checksum"] = checksum(header, arrays)
    save_file(arrays, path, header)
    with pytest.raises(RunError, match=r"layer\.0\.bias: not in -32767..32767"):
        load_checkpoint(path, run.federation, "digest")
