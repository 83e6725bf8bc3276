"""What a recipe chooses from the input's energy is the same wherever devices are."""

from typing import Any

import pytest

from tifed import Experiment
from tifed.experiment.setup import build
from tifed.federation import begin


def experiment(name: str, shift: int, **more: Any) -> dict[str, Any]:
    return {
        "dataset": "digits", "devices": 2, "rounds": 3, "recipe": name,
        "recipe_settings": {"shift": shift},
    } | more  # fmt: skip


@pytest.mark.parametrize("shift", [-3, 2])
def test_every_engine_has_one_digest(by_energy: str, simulated: Any, shift: int) -> None:
    outcomes = {
        engine: simulated(**experiment(by_energy, shift), engine=engine).digest
        for engine in ("oracle", "native")
    }
    assert len(set(outcomes.values())) == 1
    assert outcomes["oracle"] != simulated(**experiment(by_energy, 0)).digest


@pytest.mark.slow(20)
@pytest.mark.parametrize("shift", [-3, 2])
@pytest.mark.parametrize("board", ["cortex-m0", "cortex-m4"])
def test_boards_have_the_simulators_digest(
    by_energy: str, emulated: Any, simulated: Any, board: str, shift: int
) -> None:
    settings = experiment(by_energy, shift)
    assert emulated(**settings, board=board) == simulated(**settings)


@pytest.mark.slow(20)
def test_layers_in_flash_start_as_they_lie_there(
    by_energy: str, emulated: Any, simulated: Any
) -> None:
    """Boards are built before the calibration round."""
    settings = experiment(by_energy, 2, mode="per-device", device_layers=[[1], [1]])
    setup = build(Experiment(**settings))
    state, _ = begin(setup.federation, setup.fleet, setup.start)
    chosen = setup.inputs.federation.recipe
    assert chosen is not None
    wanted = chosen.start_parameters(setup.network, setup.federation.seed, state.energy)
    assert (state.parameters.weights[0] == setup.start.weights[0]).all()
    assert (wanted.weights[0] != setup.start.weights[0]).any()
    assert emulated(**settings, board="cortex-m4") == simulated(**settings)
