"""Models on disk: safetensors with a small header (SPEC, section 8)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from safetensors.numpy import save

from tifed.errors import UsageError
from tifed.files.atomic import write_atomically
from tifed.files.paths import AnyPath
from tifed.files.tensor_file import read_tensors
from tifed.rule.network.network import Network
from tifed.rule.network.parameters import Parameters, check_parameters

FORMAT = "tifed-model"
VERSION = "1"

_NETWORK = TypeAdapter(Network)


def network_to_json(network: Network) -> str:
    """Every field of the network and its layers, keys sorted."""
    return json.dumps(_NETWORK.dump_python(network, mode="json"), sort_keys=True)


def network_from_json(text: str) -> Network:
    """The network that `network_to_json` wrote.

    Raises:
        UsageError: if a field is missing, unknown or out of range.
    """
    try:
        return _NETWORK.validate_json(text)
    except ValidationError as error:
        raise UsageError(f"network: {error.errors()[0]['msg']}") from error


def save_model(
    path: AnyPath,
    network: Network,
    parameters: Parameters,
    *,
    energy_shift: int = 0,
    front_end: str | None = None,
    about: Mapping[str, str] | None = None,
) -> None:
    """Write a model file; it appears whole or not at all.

    Args:
        path: of the file.
        network: of the model.
        parameters: of the model.
        energy_shift: what its training added to the first layer's update shift, for those who go on
            with it.
        front_end: the name of the one whose features the network takes; None if it takes raw
            samples.
        about: further strings for the header, such as `tifed.data.SampleFormat.header`.

    Raises:
        UsageError: if the arrays do not fit the network or the folder cannot be written.
    """
    check_parameters(network, parameters)
    path = Path(path)
    header = {
        **(about or {}),
        "format": FORMAT,
        "version": VERSION,
        "network": network_to_json(network),
        "digest": parameters.digest,
    }
    if energy_shift:
        header["energy_shift"] = str(energy_shift)
    if front_end is not None:
        header["front_end"] = front_end
    arrays = {name: np.ascontiguousarray(array) for name, array in parameters.named}
    write_atomically(path, save(arrays, header))


def load_model(path: AnyPath) -> tuple[Network, Parameters]:
    """Read a model file and check it against its own digest.

    Raises:
        UsageError: if the file is missing, damaged, of another format or version, or inconsistent.
    """
    path = Path(path)
    header, arrays = _read(path)
    try:
        network = network_from_json(header["network"])
        layers = range(network.depth)
        parameters = Parameters(
            arrays["input.centre"],
            tuple(arrays[f"layer.{number}.weight"] for number in layers),
            tuple(arrays[f"layer.{number}.bias"] for number in layers),
        )
        check_parameters(network, parameters)
    except KeyError as error:
        raise UsageError(f"{path}: {error.args[0]} is missing") from error
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
    if parameters.digest != header.get("digest"):
        raise UsageError(f"{path}: damaged, its arrays do not have the digest in its header")
    return network, parameters


def energy_shift_of(path: AnyPath) -> int:
    """What the training of a model file added to the first layer's update shift; mostly 0.

    Raises:
        UsageError: if the file is missing, damaged, or says what no training can add.
    """
    path = Path(path)
    header = model_header(path)
    text = header.get("energy_shift", "0")
    low, high = network_from_json(header.get("network", "")).layers[0].shift_changes
    if text.removeprefix("-").isdecimal() and low <= int(text) <= high:
        return int(text)
    raise UsageError(f"{path}: its energy_shift is {text!r:.20}, not a number in {low}..{high}")


def model_front_end(path: AnyPath) -> str | None:
    """The name of the front end whose features a model file's network takes; None for raw samples.

    Raises:
        UsageError: if the file is missing, damaged, or of another format or version.
    """
    return model_header(path).get("front_end")


def model_header(path: AnyPath) -> dict[str, str]:
    """The strings in a model file's header.

    Raises:
        UsageError: if the file is missing, damaged, or of another format or version.
    """
    return _read(Path(path))[0]


def _read(path: Path) -> tuple[dict[str, str], dict[str, NDArray[Any]]]:
    """Header and arrays."""
    if not path.is_file():
        raise UsageError(f"{path}: no such model file")
    return read_tensors(path, FORMAT, VERSION)
