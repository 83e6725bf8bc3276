from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tifed.errors import RunError, UsageError
from tifed.federation import Costs, federate
from tifed.federation.checkpoint import load_checkpoint, save_checkpoint
from tifed.federation.checkpoint_file import KEPT, Checkpoint, checkpoint_files
from tifed.recipes import Tuned


@pytest.mark.parametrize("momentum", [0, 8])
def test_a_state_comes_back_whole(tmp_path: Path, small: Callable[..., Any], momentum: int) -> None:
    run = small(devices_per_round=2, recipe=Tuned(server_momentum=momentum))
    for after, record in federate(run.federation, run.fleet, run.state()):
        state, costs = after, record.costs
    path = save_checkpoint(tmp_path, Checkpoint(state, costs, 1.5), "experiment")
    loaded = load_checkpoint(path, run.network, "experiment")
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
        load_checkpoint(path, run.network, "")
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(RunError, match="damaged"):
        load_checkpoint(path, run.network, "")


def test_a_checkpoint_of_another_experiment_is_refused(
    tmp_path: Path, small: Callable[..., Any]
) -> None:
    run = small()
    path = save_checkpoint(tmp_path, Checkpoint(run.state(), Costs(), 0.0), "one")
    with pytest.raises(UsageError, match="another experiment or other data"):
        load_checkpoint(path, run.network, "two")
