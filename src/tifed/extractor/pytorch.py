"""A user's ``torch.nn.Sequential`` as float layers; needs PyTorch, which is imported late."""

import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.extractor.float_layers import (
    FloatConvolution,
    FloatDense,
    FloatExtractor,
    FloatLayer,
    Floats,
)
from tifed.extractor.layers import MaxPool, Plane

if TYPE_CHECKING:
    from torch import nn

SUPPORTED = "Conv2d, BatchNorm2d, ReLU, MaxPool2d, Flatten, Linear, BatchNorm1d, Dropout, Identity"
_IGNORED = ("Dropout", "Dropout1d", "Dropout2d", "Identity", "Flatten")
_BYTE = 255
_NOT_A_LAYER = (ArithmeticError, AttributeError, IndexError, RuntimeError, TypeError, ValueError)
"""What a layer raises whose attributes a file has set to something else."""

LARGEST_FILE = 1 << 30
"""Bytes; the largest classifiers of torchvision's have half of it."""
MOST_LAYERS = 1000


def import_torch() -> Any:
    """The module ``torch``.

    Raises:
        UsageError: naming the extra, if it is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise UsageError(
            "PyTorch is not installed, and training or importing an extractor needs it: "
            "pip install 'tifed[torch]'"
        ) from error
    return torch


def load_sequential(path: Path) -> "nn.Sequential":
    """The model in a file that ``torch.save(model, path)`` wrote; nothing in it is executed.

    Raises:
        UsageError: if the file is missing or damaged, is larger when unpacked than it is, or holds
            something else.
    """
    torch = import_torch()
    if not path.is_file():
        raise UsageError(f"{path}: no such model file")
    stored = _stored_bytes(path)
    known = [kind for kind in vars(torch.nn).values() if isinstance(kind, type)]
    try:
        with torch.serialization.safe_globals([*known, set]):
            model = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files raise nearly anything
        said = str(error).strip().splitlines()
        reason = next((line for line in said if "GLOBAL" in line), said[0] if said else "")
        raise UsageError(
            f"{path}: cannot be read as a model of torch.nn's own layers ({reason.strip()}); save "
            "the nn.Sequential with torch.save(model, path)"
        ) from error
    if not isinstance(model, torch.nn.Sequential):
        raise UsageError(
            f"{path}: holds {type(model).__name__}, not nn.Sequential; save the model itself with "
            "torch.save(model, path), not its state_dict"
        )
    sequential: nn.Sequential = model
    _check_storage(path, sequential, stored)
    return sequential


def _stored_bytes(path: Path) -> int:
    """Bytes of what is in a file, none of which is packed.

    Raises:
        UsageError: if it is too large, or not what ``torch.save`` writes.
    """
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise UsageError(f"{path}: has {size:,} bytes; the most are {LARGEST_FILE:,}")
    try:
        with zipfile.ZipFile(path) as file:
            entries = file.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UsageError(
            f"{path}: cannot be read as a model ({error}); save it with torch.save(model, path), "
            "PyTorch 1.6 or newer"
        ) from error
    total = sum(entry.file_size for entry in entries)
    if total > size or any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise UsageError(f"{path}: has packed or overlapping parts, which torch.save never writes")
    return total


def _check_storage(path: Path, model: "nn.Sequential", stored: int) -> None:
    """Make sure that the file holds every number of ``model``, not a few to be repeated.

    Raises:
        UsageError: naming the parameter that is larger than what the file has of it.
    """
    sizes = dict[int, int]()
    for name, module in _flat(model):
        try:
            for kept in (module._parameters, module._buffers):
                sizes.update(_storage(key, it) for key, it in kept.items() if it is not None)
        except (UsageError, *_NOT_A_LAYER) as error:
            raise UsageError(f"{path}: layer {name}: {error}") from error
    if sum(sizes.values()) > stored:
        raise UsageError(f"{path}: damaged, its parameters are larger than the file")


def _storage(name: str, tensor: Any) -> tuple[int, int]:
    """Where a parameter's numbers are, and how many bytes.

    Raises:
        UsageError: if it is no ordinary tensor, or has more numbers than there are.
    """
    if str(tensor.layout) != "torch.strided" or tensor.device.type != "cpu":
        raise UsageError(f"{name}: is not an ordinary tensor")
    storage = tensor.untyped_storage()
    if tensor.numel() * tensor.element_size() > storage.nbytes():
        raise UsageError(
            f"{name}: has {tensor.numel():,} numbers in {storage.nbytes():,} bytes (strides "
            f"{tuple(tensor.stride())}); save a model whose parameters are contiguous"
        )
    return storage.data_ptr(), storage.nbytes()


def float_extractor(
    model: "nn.Sequential",
    input_shape: Plane,
    *,
    mean: Sequence[float] = (0.0,),
    std: Sequence[float] = (1.0,),
    first: int | None = None,
) -> FloatExtractor:
    """Float layers of a model that was trained on pixels of 0..1, less ``mean``, over ``std``.

    Args:
        model: layers of `SUPPORTED`, nested ``nn.Sequential`` included, as they are in evaluation:
            dropout does nothing, and batch normalisation becomes part of the layer before it.
        input_shape: height, width and channels of a sample.
        mean: one for all channels or one each, as in ``torchvision.transforms.Normalize``.
        std: the same.
        first: how many of the model's layers to take; None for all. A classifier's last one is no
            feature.

    Raises:
        UsageError: naming the layer that is not supported, and why.
    """
    import_torch()
    shape = (int(input_shape[0]), int(input_shape[1]), int(input_shape[2]))
    means, stds = (_per_channel(name, v, shape[2]) for name, v in (("mean", mean), ("std", std)))
    if min(stds) <= 0:
        raise UsageError(f"std: {list(stds)}; all must be above 0")
    layers: list[FloatLayer] = []
    planes = [shape]
    every = _flat(model)
    if first is not None and not 1 <= first <= len(every):
        raise UsageError(f"layers: {first} is not in 1..{len(every)}, the layers of the model")
    for name, module in every[:first]:
        try:
            _add(layers, planes, module)
        except UsageError as error:
            raise UsageError(f"layer {name} ({module}): {error}") from error
        except _NOT_A_LAYER as error:
            raise UsageError(
                f"layer {name}: is not what torch.nn makes of {type(module).__name__} ({error})"
            ) from error
    return FloatExtractor(
        shape,
        tuple(_BYTE * value - 128 for value in means),
        tuple(1 / (_BYTE * value) for value in stds),
        tuple(layers),
    )


def _per_channel(name: str, values: Sequence[float], channels: int) -> tuple[float, ...]:
    """One value per channel."""
    given = tuple(float(value) for value in values)
    if len(given) not in (1, channels):
        raise UsageError(f"{name}: {len(given)} values for {channels} channels")
    return given * channels if len(given) == 1 else given


def _flat(model: "nn.Sequential") -> list[tuple[str, "nn.Module"]]:
    """Every layer with its place.

    Raises:
        UsageError: if there are too many; a file may name one Sequential in thousands of places.
    """
    layers: list[tuple[str, nn.Module]] = []
    visited, waiting = 0, list(reversed(list(model.named_children())))
    while waiting:
        name, module = waiting.pop()
        visited += 1
        if visited > MOST_LAYERS:
            raise UsageError(f"layers: more than {MOST_LAYERS}, Sequentials included")
        if type(module).__name__ == "Sequential":
            inner = [(f"{name}.{key}", child) for key, child in module.named_children()]
            waiting += reversed(inner)
        else:
            layers.append((name, module))
    return layers


def _add(layers: list[FloatLayer], planes: list[Plane], module: Any) -> None:
    """Put ``module`` behind ``layers``; ``planes`` are those before and after each layer."""
    kind = type(module).__name__
    if kind in _IGNORED:
        return
    if kind == "Conv2d":
        _add_convolution(layers, planes, module)
    elif kind == "Linear":
        weights = _array(module.weight)
        height, width, channels = planes[-1]
        if weights.shape[1] != height * width * channels:
            raise UsageError(f"it is given {height}x{width}x{channels} values")
        # PyTorch flattens channel by channel, we pixel by pixel.
        ours = weights.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
        flat = np.ascontiguousarray(ours).reshape(len(weights), -1)
        layers.append(FloatDense(flat, _bias(module, len(weights))))
        planes.append((1, 1, len(weights)))
    elif kind == "MaxPool2d":
        size, stride = _square("kernel_size", module.kernel_size), _square("stride", module.stride)
        if _square("padding", module.padding) or _square("dilation", module.dilation) != 1:
            raise UsageError("padding and dilation are not supported")
        if module.ceil_mode:
            raise UsageError("ceil_mode is not supported")
        pool = MaxPool(size, stride)
        layers.append(pool)
        planes.append(pool.output(planes[-1]))
    elif kind == "ReLU":
        # A maximum in between does not mind.
        for number in reversed(range(len(layers))):
            layer = layers[number]
            if not isinstance(layer, MaxPool):
                layers[number] = replace(layer, relu=True)
                return
        raise UsageError("it has to follow a Conv2d or Linear")
    elif kind in ("BatchNorm2d", "BatchNorm1d"):
        _fold(layers, module)
    else:
        raise UsageError(f"not supported; the layers may be {SUPPORTED}")


def _add_convolution(layers: list[FloatLayer], planes: list[Plane], module: Any) -> None:
    """An ordinary convolution: square stride and padding, no groups, no dilation."""
    if module.groups != 1 or _square("dilation", module.dilation) != 1:
        raise UsageError("groups and dilation are not supported")
    if module.padding_mode != "zeros":
        raise UsageError(f"padding_mode {module.padding_mode!r} is not supported, only 'zeros'")
    weights = np.ascontiguousarray(_array(module.weight).transpose(0, 2, 3, 1))
    if module.padding == "same":
        if weights.shape[1] != weights.shape[2] or not weights.shape[1] % 2:
            raise UsageError("padding 'same' is supported for square kernels of odd size")
        padding = weights.shape[1] // 2
    else:
        padding = 0 if module.padding == "valid" else _square("padding", module.padding)
    stride = _square("stride", module.stride)
    height, width, channels = planes[-1]
    if weights.shape[3] != channels:
        raise UsageError(f"it is given {channels} channels")
    sides = [
        (side + 2 * padding - window) // stride + 1
        for side, window in zip((height, width), weights.shape[1:3], strict=True)
    ]
    if min(sides) < 1 or padding >= min(weights.shape[1:3]):
        raise UsageError(f"its kernel and padding do not fit {height}x{width} pixels")
    layers.append(FloatConvolution(weights, _bias(module, len(weights)), stride, padding))
    planes.append((sides[0], sides[1], len(weights)))


def _fold(layers: list[FloatLayer], module: Any) -> None:
    """Batch normalisation as it is in evaluation, into the layer before it."""
    if module.running_mean is None:
        raise UsageError("it keeps no running mean, so it cannot be part of the layer before it")
    before = layers[-1] if layers else None
    if not isinstance(before, FloatConvolution | FloatDense) or before.relu:
        raise UsageError("it has to follow a Conv2d or Linear directly")
    gain = 1 / np.sqrt(_array(module.running_var).astype(np.float64) + module.eps)
    offset = np.zeros(len(gain))
    if module.affine:
        gain, offset = gain * _array(module.weight), _array(module.bias).astype(np.float64)
    if len(gain) != len(before.bias):
        raise UsageError(f"it is given {len(before.bias)} channels")
    weights = before.weights * gain.reshape(-1, *[1] * (before.weights.ndim - 1))
    bias = (before.bias - _array(module.running_mean)) * gain + offset
    layers[-1] = replace(before, weights=weights.astype(np.float32), bias=bias.astype(np.float32))


def _bias(module: Any, outputs: int) -> Floats:
    """The layer's bias, zeros if it has none."""
    return np.zeros(outputs, np.float32) if module.bias is None else _array(module.bias)


def _array(tensor: Any) -> NDArray[np.float32]:
    """A parameter as float32."""
    array: NDArray[np.float32] = tensor.detach().cpu().float().numpy()
    if not np.isfinite(array).all():
        raise UsageError("a parameter is not finite")
    return array


def _square(name: str, value: Any) -> int:
    """A number that PyTorch gives once or for height and width."""
    values = set(value) if isinstance(value, tuple | list) else {value}
    if len(values) != 1:
        raise UsageError(f"{name} {value} differs between height and width, which is not supported")
    return int(values.pop())
