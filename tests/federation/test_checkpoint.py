from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from tifed.errors import RunError, UsageError
from tifed.federation import Costs, federate
from tifed.federation.checkpoint import load_checkpoint, save_checkpoint
from tifed.federation.checkpoint_file import KEPT, Checkpoint, _checksum, checkpoint_files
from tifed.files.tensor_file import header_and_arrays
from tifed.rule.recipes import Tuned


@pytest.mark.parametrize("momentum", [0, 8])
def test_a_state_comes_back_whole(tmp_path: Path, small: Callable[..., Any], momentum: int) -> None:
    run = small(devices_per_round=2, recipe=Tuned(server_momentum=momentum))
    for after, record in federate(run.federation, run.fleet, run.state()):
        state, costs = after, record.costs
    path = save_checkpoint(tmp_path, Checkpoint(state, costs, 1.5), "experiment")
    loaded = load_checkpoint(path, run.federation, "experiment")
    assert loaded.costs == costs
    assert loaded.seconds == 1.5
    assert loaded.state.parameters == state.parameters
    assert (loaded.state.round, loaded.state.exchange) == (state.round, state.exchange)
    np.testing.assert_array_equal(loaded.state.turns, state.turns)
    for one, other in zip(loaded.state.layers, state.layers, strict=True):
        assert one.updates == other.updates
        assert (one.weight_step is None) == (momentum == 0)
        for name in ("weight", "bias", "mean_weight", "mean_bias", "weight_step", "bias_step"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_only_the_last_few_are_kept(tmp_path: Path, small: Callable[..., Any]) -> None:
    run = small(rounds=6)
    for after, _ in federate(run.federation, run.fleet, run.state()):
        save_checkpoint(tmp_path, Checkpoint(after, Costs(), 0.0), "")
    names = [path.name for path in checkpoint_files(tmp_path)]
    assert names == [f"round-{number:06d}.safetensors" for number in (6, 5, 4)]
    assert len(names) == KEPT
    assert len(list(tmp_path.iterdir())) == KEPT


@pytest.mark.parametrize("place", [0, 9, 300, -1])
def test_any_damage_is_noticed(tmp_path: Path, small: Callable[..., Any], place: int) -> None:
    run = small()
    path = save_checkpoint(tmp_path, Checkpoint(run.state(), Costs(), 0.0), "")
    data = bytearray(path.read_bytes())
    data[place] ^= 0x10
    path.write_bytes(data)
    with pytest.raises(RunError, match=r"round-000000\.safetensors: damaged"):
        load_checkpoint(path, run.federation, "")
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(RunError, match="damaged"):
        load_checkpoint(path, run.federation, "")


def test_a_checkpoint_of_another_experiment_is_refused(
    tmp_path: Path, small: Callable[..., Any]
) -> None:
    run = small()
    path = save_checkpoint(tmp_path, Checkpoint(run.state(), Costs(), 0.0), "one")
    with pytest.raises(UsageError, match="another experiment or other data"):
        load_checkpoint(path, run.federation, "two")


def rewritten(
    path: Path, change: Callable[[dict[str, Any]], object] | None = None, **header: str
) -> Path:
    """The checkpoint with other arrays or header strings, and a checksum that is right."""
    strings, arrays = header_and_arrays(path)
    if change is not None:
        change(arrays)
    strings.update(header)
    strings["checksum"] = _checksum(arrays, strings)
    path.write_bytes(save(arrays, strings))
    return path


CHANGES: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda a: a.pop("turns"), "turns is missing"),
    (lambda a: a.pop("server.1.mean_bias"), r"server\.1\.mean_bias is missing"),
    (lambda a: a.pop("server.0.weight_step"), r"server\.0\.weight_step is missing"),
    (lambda a: a.update({"server.2.bias": a["turns"]}), r"server\.2\.bias belongs to nothing"),
    (lambda a: a.update(turns=a["turns"].astype(float)), r"turns: float64 \(3,\)"),
    (lambda a: a.update(turns=a["turns"][:2]), r"turns: int64 \(2,\) where the run needs .*\(3,\)"),
    (lambda a: a.update(turns=a["turns"] - 9), r"turns: not in 0\.\.3"),
    (
        lambda a: a.update({"server.0.weight": a["server.0.weight"].astype(np.float64)}),
        r"server\.0\.weight: float64 .* needs int32",
    ),
    (
        lambda a: a.update({"server.0.weight": a["server.0.weight"].T.copy()}),
        r"server\.0\.weight: int32 \(4, 5\) where the run needs int32 \(5, 4\)",
    ),
    (
        lambda a: a["server.0.mean_weight"].fill(2**31 - 1),
        r"server\.0\.mean_weight: not in ",
    ),
    (
        lambda a: a.update(
            {"parameters.layer.0.weight": a["parameters.layer.0.weight"].astype(np.int32)}
        ),
        r"parameters\.layer\.0\.weight: int32",
    ),
    (lambda a: a["parameters.layer.1.bias"].fill(-32768), r"parameters\.layer\.1\.bias: not in "),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), CHANGES, ids=[c[1] for c in CHANGES])
def test_arrays_that_are_no_state_of_the_run_are_damage(
    tmp_path: Path,
    small: Callable[..., Any],
    change: Callable[[dict[str, Any]], object],
    message: str,
) -> None:
    run = small(recipe=Tuned(server_momentum=8))
    path = save_checkpoint(tmp_path, Checkpoint(run.last(), Costs(), 0.0), "")
    load_checkpoint(rewritten(path), run.federation, "")
    with pytest.raises(RunError, match=rf"round-000003\.safetensors: damaged \({message}"):
        load_checkpoint(rewritten(path, change), run.federation, "")


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("round", "three"), ("round", "-1"), ("round", "4"), ("exchange", "1.5"), ("updates", "3"),
        ("updates", "[3]"), ("updates", "[3, -1]"), ("updates", "[" * 100_000), ("costs", "{"),
        ("costs", '{"macs": "many"}'), ("seconds", "-1"), ("seconds", '"x"'),
        ("energy", "-1"), ("energy", "1.5"), ("energy_shift", "x"), ("energy_shift", "-7"),
        ("energy_shift", "19"),
    ],
)  # fmt: skip
def test_a_header_that_is_not_numbers_is_damage(
    tmp_path: Path, small: Callable[..., Any], key: str, text: str
) -> None:
    run = small()
    path = save_checkpoint(tmp_path, Checkpoint(run.last(), Costs(), 0.0), "")
    with pytest.raises(RunError, match=r"damaged \("):
        load_checkpoint(rewritten(path, None, **{key: text}), run.federation, "")


@pytest.mark.parametrize("dtype", ["BF16", "F16", "U16"])
def test_other_types_of_the_same_size_are_damage(
    tmp_path: Path, small: Callable[..., Any], dtype: str
) -> None:
    run = small()
    path = save_checkpoint(tmp_path, Checkpoint(run.last(), Costs(), 0.0), "")
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = data[8 : 8 + length].replace(b'"I16"', f'"{dtype}"'.encode())
    path.write_bytes(len(header).to_bytes(8, "little") + header + data[8 + length :])
    with pytest.raises(RunError, match=r"damaged \(" + ("parameters" if dtype == "BF16" else "")):
        load_checkpoint(path, run.federation, "")


@pytest.mark.parametrize("calibrated", [True, False])
def test_a_checkpoint_has_an_energy_where_the_run_has_a_calibration(
    tmp_path: Path, small: Callable[..., Any], calibrated: bool
) -> None:
    """Else a run would go on with a first layer that learns at another speed."""
    run = small() if calibrated else small(calibration_samples=0)
    path = save_checkpoint(tmp_path, Checkpoint(run.last(), Costs(), 0.0), "")
    assert load_checkpoint(path, run.federation, "").state.energy_shift == 0
    strings, arrays = header_and_arrays(path)
    if calibrated:
        assert int(strings.pop("energy")) > 0
        assert strings.pop("energy_shift") == "0"
    else:
        strings |= {"energy": "7", "energy_shift": "0"}
    strings["checksum"] = _checksum(arrays, strings)
    path.write_bytes(save(arrays, strings))
    what = "is missing" if calibrated else "belongs to nothing"
    with pytest.raises(RunError, match=rf"damaged \(energy {what}\)"):
        load_checkpoint(path, run.federation, "")
