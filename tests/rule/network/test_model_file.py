import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from tifed.errors import UsageError
from tifed.rule.network import (
    Network,
    Parameters,
    energy_shift_of,
    load_model,
    save_model,
    start_parameters,
)
from tifed.rule.network.model_file import network_to_json
from tifed.rule.recipes import Tuned


@pytest.fixture
def model() -> tuple[Network, Parameters]:
    network = Tuned().network((6, 5, 3), 4)
    parameters = start_parameters(network, (300, 7), 9)
    centre = np.arange(-3, 3, dtype=np.int8)
    return network, Parameters(centre, parameters.weights, parameters.biases)


def test_a_model_comes_back_whole(tmp_path: Path, model: tuple[Network, Parameters]) -> None:
    save_model(tmp_path / "m.safetensors", *model)
    network, parameters = load_model(tmp_path / "m.safetensors")
    assert network == model[0]
    assert parameters == model[1]
    assert parameters.digest == model[1].digest


def test_the_digest_is_that_of_the_specification(model: tuple[Network, Parameters]) -> None:
    import hashlib

    _, parameters = model
    text = b"tifed-model/1\n"
    text += b"input.centre int8 6\n" + parameters.centre.tobytes()
    for number, shape in ((0, "6x5"), (1, "5x3")):
        weight, bias = parameters.weights[number], parameters.biases[number]
        text += f"layer.{number}.weight int16 {shape}\n".encode() + weight.astype("<i2").tobytes()
        text += f"layer.{number}.bias int16 {shape[2]}\n".encode() + bias.astype("<i2").tobytes()
    assert parameters.digest == hashlib.sha256(text).hexdigest()


def test_a_changed_bit_is_noticed(tmp_path: Path, model: tuple[Network, Parameters]) -> None:
    path = tmp_path / "m.safetensors"
    save_model(path, *model)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(UsageError, match=r"m\.safetensors: damaged"):
        load_model(path)


def test_files_that_are_no_models_are_refused(
    tmp_path: Path, model: tuple[Network, Parameters]
) -> None:
    path = tmp_path / "m.safetensors"
    with pytest.raises(UsageError, match="no such model file"):
        load_model(path)
    path.write_bytes(b"not safetensors at all")
    with pytest.raises(UsageError, match="not a readable safetensors file"):
        load_model(path)
    save_model(path, *model)
    arrays = load_file(path)
    save_file(arrays, path, {"format": "tifed-model", "version": "2"})
    with pytest.raises(UsageError, match="version '2'.*reads 'tifed-model' version '1'"):
        load_model(path)
    save_file(arrays, path, {"format": "tifed-model", "version": "1"})
    with pytest.raises(UsageError, match="network is missing"):
        load_model(path)


def test_parameters_past_their_bound_are_refused(
    tmp_path: Path, model: tuple[Network, Parameters]
) -> None:
    network, parameters = model
    weights = (np.full((6, 5), -32768, np.int16), parameters.weights[1])
    wrong = Parameters(parameters.centre, weights, parameters.biases)
    with pytest.raises(UsageError, match=r"layer\.0\.weight: magnitude 32768 passes the bound"):
        save_model(tmp_path / "m.safetensors", network, wrong)
    assert not list(tmp_path.iterdir())


def with_dtype(path: Path, dtype: str, size: int) -> None:
    """Change the type of the first array, whose bytes are then other numbers or too few."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    first = min(
        (key for key in header if key != "__metadata__"),
        key=lambda key: header[key]["data_offsets"][0],
    )
    low, high = header[first]["data_offsets"]
    header[first] |= {"dtype": dtype, "shape": [(high - low) // size]}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :])


@pytest.mark.parametrize(
    ("dtype", "size"),
    [("BF16", 2), ("F8_E4M3", 1), ("F8_E5M2", 1), ("F16", 2), ("U8", 1), ("BOOL", 1), ("XX", 1)],
)
def test_other_types_are_refused_by_name(
    tmp_path: Path, model: tuple[Network, Parameters], dtype: str, size: int
) -> None:
    path = tmp_path / "m.safetensors"
    save_model(path, *model)
    with_dtype(path, dtype, size)
    with pytest.raises(UsageError, match=r"m\.safetensors: .*(layer|input|XX)"):
        load_model(path)


@pytest.mark.parametrize("shape", [[1 << 62, 4], [0, 1 << 62], [1] * 100, [1 << 70]])
def test_absurd_shapes_are_refused(
    tmp_path: Path, model: tuple[Network, Parameters], shape: list[int]
) -> None:
    path = tmp_path / "m.safetensors"
    metadata = {"format": "tifed-model", "version": "1", "network": network_to_json(model[0])}
    header = {
        "__metadata__": metadata,
        "input.centre": {"dtype": "I8", "shape": shape, "data_offsets": [0, 1]},
    }
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"\0")
    with pytest.raises(UsageError, match=r"m\.safetensors: not a readable safetensors file"):
        load_model(path)


def test_absurd_sizes_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes((1 << 25).to_bytes(8, "little") + b" " * (1 << 25))
    with pytest.raises(UsageError, match="a header of 33,554,432 bytes; the most are 16,777,216"):
        load_model(path)
    with path.open("wb") as file:
        file.truncate(1 << 40)  # takes no room on the disk
    with pytest.raises(UsageError, match="has 1,099,511,627,776 bytes; the most are"):
        load_model(path)


def test_text_is_a_path_as_well(tmp_path: Path, model: tuple[Network, Parameters]) -> None:
    save_model(f"{tmp_path}/new/m.safetensors", *model)
    assert load_model(f"{tmp_path}/new/m.safetensors")[1] == model[1]


def test_what_is_missing_or_does_not_match_is_named(
    tmp_path: Path, model: tuple[Network, Parameters]
) -> None:
    path = tmp_path / "m.safetensors"
    save_model(path, *model)
    arrays = load_file(path)
    with safe_open(path, "numpy") as file:
        header = dict(file.metadata())
    assert header.keys() == {"format", "version", "network", "digest"}
    assert (header["format"], header["version"]) == ("tifed-model", "1")
    assert header["digest"] == model[1].digest
    assert list(json.loads(header["network"])) == sorted(json.loads(header["network"]))
    for missing in ("input.centre", "layer.0.weight", "layer.1.bias"):
        save_file({name: a for name, a in arrays.items() if name != missing}, path, header)
        with pytest.raises(UsageError, match=rf"m\.safetensors: {missing} is missing"):
            load_model(path)
    save_file(arrays, path, header | {"network": "{}"})
    with pytest.raises(UsageError, match=r"m\.safetensors: network: "):
        load_model(path)
    save_file(arrays, path, {key: header[key] for key in ("format", "version", "network")})
    with pytest.raises(UsageError, match="damaged, its arrays do not have the digest"):
        load_model(path)
    save_file(arrays | {"input.centre": arrays["input.centre"][:5]}, path, header)
    with pytest.raises(UsageError, match=r"input\.centre: int8 \(5,\)"):
        load_model(path)


def test_the_energy_shift_of_its_training_is_in_the_file(
    tmp_path: Path, model: tuple[Network, Parameters]
) -> None:
    path = tmp_path / "m.safetensors"
    save_model(path, *model)
    with safe_open(path, "numpy") as file:
        assert "energy_shift" not in file.metadata()
    assert energy_shift_of(path) == 0
    low, high = model[0].layers[0].shift_changes
    for shift in (low, -1, high):
        save_model(path, *model, energy_shift=shift)
        with safe_open(path, "numpy") as file:
            assert file.metadata()["energy_shift"] == str(shift)
        assert energy_shift_of(path) == shift
        assert load_model(path)[1] == model[1]
    for wrong in (low - 1, high + 1):
        save_model(path, *model, energy_shift=wrong)
        with pytest.raises(UsageError, match=rf"its energy_shift is '{wrong}', not a number in "):
            energy_shift_of(path)
    with pytest.raises(UsageError, match="no such model file"):
        energy_shift_of(tmp_path / "none")
