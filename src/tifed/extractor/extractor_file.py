"""Extractors on disk: safetensors with a small header (SPEC, section 13.4)."""

import json
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from safetensors.numpy import save

from tifed.errors import UsageError
from tifed.extractor.extractor import Extractor
from tifed.extractor.layers import Convolution, Dense, FeatureLayer, MaxPool
from tifed.files.atomic import write_atomically
from tifed.files.json_file import parse_json
from tifed.files.tensor_file import read_tensors

FORMAT = "tifed-extractor"
VERSION = "1"
LARGEST_FILE = 1 << 26
"""Bytes; microcontrollers have a few million of flash."""


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Convolution(_Written):
    kind: Literal["convolution"] = "convolution"
    stride: int
    padding: int
    relu: bool


class _MaxPool(_Written):
    kind: Literal["max-pool"] = "max-pool"
    size: int
    stride: int


class _Dense(_Written):
    kind: Literal["dense"] = "dense"
    relu: bool


class _Shapes(_Written):
    """All of an extractor that is not an array."""

    input_shape: tuple[int, int, int]
    input_zero: int
    layers: list[Annotated[_Convolution | _MaxPool | _Dense, Field(discriminator="kind")]]


def save_extractor(path: Path, extractor: Extractor) -> None:
    """Write an extractor's file; it appears whole or not at all.

    Raises:
        UsageError: if the folder cannot be written.
    """
    shapes = _Shapes(
        input_shape=extractor.input_shape,
        input_zero=extractor.input_zero,
        layers=[_written(layer) for layer in extractor.layers],
    )
    header = {
        "format": FORMAT,
        "version": VERSION,
        "shapes": json.dumps(shapes.model_dump(mode="json"), sort_keys=True),
        "source": extractor.source,
        "digest": extractor.digest,
    }
    write_atomically(path, save(dict(extractor.named), header))


def load_extractor(path: Path) -> Extractor:
    """Read an extractor's file and check it against its own digest.

    Raises:
        UsageError: if the file is missing, damaged, of another format or version, or inconsistent.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such extractor file; `tifed extractor train` makes one")
    header, arrays = read_tensors(path, FORMAT, VERSION, LARGEST_FILE)
    try:
        shapes = parse_json(header["shapes"], _Shapes, "shapes")
        layers = tuple(_read(number, it, arrays) for number, it in enumerate(shapes.layers))
        extractor = Extractor(
            shapes.input_shape, shapes.input_zero, layers, header.get("source", "")
        )
    except KeyError as error:
        raise UsageError(f"{path}: {error.args[0]} is missing") from error
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
    if arrays:
        raise UsageError(f"{path}: {min(arrays)} belongs to no layer")
    if extractor.digest != header.get("digest"):
        raise UsageError(f"{path}: damaged, its arrays do not have the digest in its header")
    return extractor


def _written(layer: FeatureLayer) -> _Convolution | _MaxPool | _Dense:
    """What the header says of a layer."""
    match layer:
        case Convolution():
            return _Convolution(stride=layer.stride, padding=layer.padding, relu=layer.relu)
        case MaxPool():
            return _MaxPool(size=layer.size, stride=layer.stride)
        case Dense():
            return _Dense(relu=layer.relu)


def _read(
    number: int, it: _Convolution | _MaxPool | _Dense, arrays: dict[str, NDArray[np.generic]]
) -> FeatureLayer:
    """A layer from the header's words on it and its arrays, which are taken out of ``arrays``."""
    try:
        if isinstance(it, _MaxPool):
            return MaxPool(it.size, it.stride)
        weights, bias, shift = (
            arrays.pop(f"layer.{number}.{name}") for name in ("weight", "bias", "shift")
        )
        if isinstance(it, _Dense):
            return Dense(weights, bias, shift, it.relu)  # type: ignore[arg-type]
        return Convolution(weights, bias, shift, it.stride, it.padding, it.relu)  # type: ignore[arg-type]
    except UsageError as error:
        raise UsageError(f"layers[{number}].{error}") from error
