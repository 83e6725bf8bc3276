"""Checkpoints of a federation of integers: the state between two rounds (SPEC, section 11)."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tifed.errors import RunError
from tifed.federation.aggregation import LayerState, ServerState
from tifed.federation.checkpoint_file import (
    Arrays,
    Checkpoint,
    Expected,
    Stored,
    read_checkpoint,
    write_checkpoint,
)
from tifed.federation.federation import Federation
from tifed.federation.residuals import Residuals
from tifed.federation.travel import SentBefore
from tifed.rule.compression import RESIDUAL_TOP
from tifed.rule.compression.packing import LARGEST
from tifed.rule.learning import LARGEST_CLIP
from tifed.rule.network import Parameters, Tensor
from tifed.rule.network.parameters import bias_dtype, weight_dtype

FORMAT = "tifed-checkpoint"

_RESIDUAL, _SENT = "compression.residual", "compression.sent"
_LAYER_ARRAYS = ("weight", "bias", "mean_weight", "mean_bias", "weight_step", "bias_step")


def save_checkpoint(
    folder: Path, checkpoint: Checkpoint[ServerState], experiment_digest: str
) -> Path:
    """Write ``round-NNNNNN.safetensors`` and remove all but the last few.

    Args:
        folder: of the checkpoints.
        checkpoint: what to keep.
        experiment_digest: of the experiment and its data; `load_checkpoint` refuses another.
    """
    state = checkpoint.state
    arrays: Arrays = {f"parameters.{name}": array for name, array in state.parameters.named}
    for number, layer in enumerate(state.layers):
        for name in _LAYER_ARRAYS:
            # 16 bits of value and 8 of fraction at most, or 32 bits and none: int32 holds them.
            array = getattr(layer, name)
            if array is not None:
                arrays[f"server.{number}.{name}"] = array.astype(np.int32)
    if state.far is not None:
        arrays |= {"robust.norms": state.norms, "robust.far": state.far}
    if state.held is not None:
        arrays["compression.held"] = state.held
    for exchange, layers in state.sent.items():
        arrays |= {f"{_SENT}.{exchange}.{layer}": weight for layer, weight in layers.items()}
    if state.residuals is not None:
        arrays |= _residual_arrays(state.residuals)
    updates = [layer.updates for layer in state.layers]
    return write_checkpoint(folder, checkpoint, FORMAT, arrays, updates, experiment_digest)


def load_checkpoint(
    path: Path, federation: Federation, experiment_digest: str
) -> Checkpoint[ServerState]:
    """Read one checkpoint of ``federation``.

    Raises:
        RunError: if the file is damaged, or no state of ``federation`` could be like it; an earlier
            checkpoint may do.
        UsageError: if it is of another experiment, or of a version this release does not read.
    """
    stored = read_checkpoint(path, FORMAT, experiment_digest)
    expected = dict(_expected(federation, stored.updates))
    norms = stored.arrays.get("robust.norms", np.zeros((0, 2), np.int64))
    if len(norms) and federation.robust.clip:
        whole = np.dtype(np.int64)
        expected["robust.norms"] = Expected((len(norms), 2), whole, (0, LARGEST_CLIP))
        expected["robust.far"] = Expected((federation.devices,), whole, (0, stored.exchange))
    if federation.download.layers:
        held = Expected((federation.devices,), np.dtype(np.int64), (-1, stored.exchange))
        expected["compression.held"] = held
        expected |= dict(_expected_sent(federation, stored))
    expected |= dict(_expected_residuals(federation, stored))
    stored.check(federation, expected)
    if (stored.energy is not None) != (federation.calibration_samples > 0):
        fault = "is missing" if stored.energy is None else "belongs to nothing"
        raise RunError(f"{stored.path}: damaged (energy {fault})")
    arrays, numbers = stored.arrays, range(federation.network.depth)
    parameters = Parameters(
        arrays["parameters.input.centre"],
        tuple(arrays[f"parameters.layer.{number}.weight"] for number in numbers),
        tuple(arrays[f"parameters.layer.{number}.bias"] for number in numbers),
    )
    layers = []
    for number in numbers:
        places = {name: f"server.{number}.{name}" for name in _LAYER_ARRAYS}
        kept = {n: arrays[at].astype(np.int64) for n, at in places.items() if at in arrays}
        layers.append(LayerState(**kept, updates=stored.updates[number]))
    state = ServerState(
        stored.round, stored.exchange, arrays["turns"], parameters, tuple(layers),
        energy=stored.energy, energy_shift=stored.energy_shift, norms=norms,
        far=arrays.get("robust.far"), held=arrays.get("compression.held"),
        residuals=_residuals(stored), sent=_sent(stored),
    )  # fmt: skip
    return Checkpoint(state, stored.costs, stored.seconds)


def _expected_sent(federation: Federation, stored: Stored) -> Iterator[tuple[str, Expected]]:
    """The weights that devices have still, where what goes down is coded."""
    if not federation.frame:
        return
    held = stored.arrays.get("compression.held", np.zeros(0, np.int64))
    oldest = max(stored.exchange - LARGEST, 0)
    for exchange in np.unique(held).tolist():
        for number, change in enumerate(federation.download.layers):
            layer = federation.network.layers[number]
            if change.top and exchange >= oldest:
                bound = (-layer.weight_bound, layer.weight_bound)
                shape = (layer.fan_in, layer.fan_out)
                here = Expected(shape, weight_dtype(layer), bound)
                yield f"{_SENT}.{exchange}.{number}", here


def _sent(stored: Stored) -> SentBefore:
    """The same, of arrays that are as expected."""
    found: dict[int, dict[int, Tensor]] = {}
    for name, array in stored.arrays.items():
        if name.startswith(f"{_SENT}."):
            exchange, layer = map(int, name.split(".")[-2:])
            found.setdefault(exchange, {})[layer] = array
    return found


def _residual_arrays(residuals: Residuals) -> Arrays:
    """What devices have left, as arrays."""
    devices = sorted(residuals.of)
    arrays = {
        f"{_RESIDUAL}.after": residuals.after,
        f"{_RESIDUAL}.devices": np.array(devices, np.int64),
    }
    for layer in residuals.of[devices[0]] if devices else ():
        kept = [residuals.of[device][layer] for device in devices]
        arrays[f"{_RESIDUAL}.{layer}"] = np.stack(kept)
    return arrays


def _expected_residuals(federation: Federation, stored: Stored) -> Iterator[tuple[str, Expected]]:
    """The arrays of `_residual_arrays`."""
    if not federation.upload.residual:
        return
    whole, last = np.dtype(np.int64), federation.devices - 1
    count = stored.arrays.get(f"{_RESIDUAL}.devices", np.zeros(0)).size
    yield f"{_RESIDUAL}.after", Expected((federation.devices,), whole, (-1, stored.exchange - 1))
    yield f"{_RESIDUAL}.devices", Expected((count,), whole, (0, last))
    for number, change in enumerate(federation.upload.layers if count else ()):
        if change.top:
            layer = federation.network.layers[number]
            shape = (count, layer.fan_in, layer.fan_out)
            within = (-RESIDUAL_TOP, RESIDUAL_TOP)
            yield f"{_RESIDUAL}.{number}", Expected(shape, np.dtype(np.int8), within)


def _residuals(stored: Stored) -> Residuals | None:
    """What devices have left, of arrays that are as expected.

    Raises:
        RunError: if devices are not ascending, or have nothing left by the exchanges told.
    """
    after = stored.arrays.get(f"{_RESIDUAL}.after")
    if after is None:
        return None
    devices = stored.arrays[f"{_RESIDUAL}.devices"]
    if (np.diff(devices) <= 0).any() or (after[devices] < 0).any():
        raise RunError(f"{stored.path}: damaged ({_RESIDUAL}.devices: not in order, or has others)")
    prefix = f"{_RESIDUAL}."
    layers = {
        int(name.removeprefix(prefix)): array
        for name, array in stored.arrays.items()
        if name.startswith(prefix) and array.dtype == np.int8
    }
    return Residuals(
        after,
        {
            device: {layer: array[place] for layer, array in layers.items()}
            for place, device in enumerate(devices.tolist())
        },
    )


def _expected(federation: Federation, updates: list[int]) -> Iterator[tuple[str, Expected]]:
    """Every array of a state of ``federation`` after ``updates`` exchanges of each layer."""
    server = federation.server
    yield (
        "parameters.input.centre",
        Expected((federation.network.features,), np.dtype(np.int8)),
    )
    for number, (layer, exchanges) in enumerate(
        zip(federation.network.layers, updates, strict=False)
    ):
        for kind, shape, dtype, bound in (
            ("weight", (layer.fan_in, layer.fan_out), weight_dtype(layer), layer.weight_bound),
            ("bias", (layer.fan_out,), bias_dtype(layer), layer.bias_bound),
        ):
            here = Expected(shape, dtype, (-bound, bound))
            yield f"parameters.layer.{number}.{kind}", here
            own = bound << server.fraction_bits
            kept = Expected(shape, np.dtype(np.int32), (-own, own))
            yield f"server.{number}.{kind}", kept
            yield f"server.{number}.mean_{kind}", kept
            if server.momentum and exchanges:
                moved = Expected(shape, np.dtype(np.int32), (-2 * own, 2 * own))
                yield f"server.{number}.{kind}_step", moved
