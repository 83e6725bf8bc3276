"""``[compression]``: what follows from it, what does not go with it, and that runs resume."""

from pathlib import Path
from typing import Any, ClassVar

import pytest

from tifed import Experiment, UsageError, resume, run
from tifed.experiment.compression import CompressionTable, check_compression
from tifed.experiment.constants import changes_of
from tifed.experiment.fleets import Simulated
from tifed.experiment.setup import build
from tifed.fleets.simulated import SimulatedFleet
from tifed.rule.compression import Change, Changes
from tifed.rule.network import Network

TERNARY: dict[str, Any] = {"upload": "ternary", "download": "ternary"}
KEPT: dict[str, Any] = {"upload": "ternary", "residual": True}
CODED = TERNARY | {"coder": True}


def network(experiment: Experiment) -> Network:
    assert experiment.layers is not None
    return experiment.build_recipe().network(experiment.layers, experiment.batch)


def travels(compression: dict[str, Any], **settings: Any) -> tuple[Changes, Changes]:
    settings = {"layers": (784, 200, 10), "buffer": 50, "rounds": 150} | settings
    experiment = Experiment(compression=compression, **settings)
    return changes_of(experiment, network(experiment))


def test_nothing_is_shortened_by_default() -> None:
    assert travels({}) == (Changes(), Changes())


@pytest.mark.parametrize(
    ("settings", "energy_shift", "shifts"),
    [
        ({}, 0, (5, 6)),  # pixels of Fashion-MNIST
        ({}, -3, (7, 8)),  # the same through octants-second-order
        ({"mode": "single-layer"}, -3, (8, 9)),
        ({"layers": (392, 50, 10)}, -3, (8, 9)),
        ({"layers": (784, 10)}, 0, (4, 5)),
    ],
)
def test_shifts_by_rule_are_those_that_lost_nothing(
    settings: dict[str, Any], energy_shift: int, shifts: tuple[int, int]
) -> None:
    up, down = travels(TERNARY, **settings)
    assert (up.at(0, energy_shift)[0].shift, down.at(0, energy_shift)[0].shift) == shifts
    assert up.at(1, energy_shift)[0].shift == shifts[0] - 1


@pytest.mark.parametrize(
    ("upload", "mode", "shifts"),
    [
        ("ternary", "full-network", [8, 2]),
        ("ternary", "single-layer", [9, 3]),
        ("4-bit", "full-network", [7, 2]),
        ("8-bit", "full-network", [7, 2]),
    ],
)
def test_shifts_are_larger_where_devices_keep_what_is_left(
    upload: str, mode: str, shifts: list[int]
) -> None:
    up, down = travels({"upload": upload, "residual": True, "download": "4-bit"}, mode=mode)
    now = up.up(0, -3, 0)
    assert [change.shift for change in now] == shifts
    assert [change.unit for change in now] == [max(0, shift - 7) for shift in shifts]
    assert not down.residual


def test_one_word_leaves_the_last_of_several_layers_8_bits() -> None:
    up, _ = travels({"upload": "4-bit", "upload_shift": 6})
    assert up == Changes((Change(7, 6), Change(127, 0)))
    up, _ = travels({"upload": ["4-bit", "ternary"], "upload_shift": [6, 3], "rows": 4})
    assert up == Changes((Change(7, 6, 4), Change(1, 3, 4)))
    alone, _ = travels({"upload": "ternary", "upload_shift": 6}, layers=(784, 10))
    assert alone.layers == (Change(1, 6),)


def test_rows_may_stay_behind_though_weights_go_up_whole() -> None:
    up, down = travels({"rows": 4})
    assert (up.layers, down) == ((Change(0, rows=4),) * 2, Changes())


@pytest.mark.parametrize(
    ("compression", "settings", "problem"),
    [
        ({"upload": ["ternary"]}, {}, "compression.upload: 1 values for 2 layers"),
        ({"download": "ternary", "download_shift": [1]}, {}, "download_shift: 1 values for 2"),
        ({"upload_shift": 3}, {}, "compression.upload_shift: goes with compression.upload"),
        ({"upload": "3-bit"}, {}, r"compression\.upload"),
        ({"upload": "ternary", "upload_shift": 15}, {}, "compression.upload_shift"),
        ({"rows": 17}, {}, "compression.rows"),
        ({"coder": True}, {}, "compression.coder: whole parameters are not coded"),
        ({"residual": True}, {}, "compression.residual: nothing is left .*compression.upload"),
        ({"upload": ["whole", "whole"], "residual": True}, {}, "compression.residual: nothing"),
        (KEPT | {"rows": 2}, {}, "compression.residual: .*compression.rows = 2"),
        (KEPT, {"robust": {"clip": 2.0}}, "compression.residual: .*robust.clip"),
        (TERNARY, {"privacy": {"device_masks": True}}, "compression: devices mask whole"),
        (TERNARY, {"baseline": "float-fedavg"}, "compression: baseline = 'float-fedavg'"),
        ({"rows": 2}, {"robust": {"aggregate": "median"}}, r"compression.rows: \[robust\]"),
        (TERNARY, {"privacy": {"noise_multiplier": 1.0, "clip": 9, "centre": 0}},
         "compression.upload: .*privacy.noise_multiplier"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_named(
    compression: dict[str, Any], settings: dict[str, Any], problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        travels(compression, **settings)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, r"link.quiet: .*; set compression.upload, such as to 'ternary'"),
        ({"compression": {"upload": ["ternary", "whole"]}}, "link.quiet: whole weights"),
        ({"compression": {"download": "ternary"}}, "link.quiet: whole weights"),
        ({"compression": TERNARY, "robust": {"clip": 1}}, r"link.quiet: .*\(robust.clip\)"),
    ],
)
def test_one_answer_holds_short_numbers_alone(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        Experiment(link={"quiet": True}, **settings)
    assert Experiment(link={"quiet": True}, compression=TERNARY).link.quiet


@pytest.mark.parametrize("mode", ["full-network", "single-layer"])
def test_a_short_run_learns_and_resumes_to_the_same_digest(tmp_path: Path, mode: Any) -> None:
    experiment = Experiment(
        rounds=12, mode=mode, checkpoint_every=4, compression=TERNARY | {"rows": 2}
    )
    whole = run(experiment, out=tmp_path / "run")
    assert whole.accuracy > 0.6
    for newest in sorted((tmp_path / "run/checkpoints").iterdir())[1:]:
        newest.unlink()
    resumed = resume(tmp_path / "run")
    assert resumed.digest == whole.digest
    assert resumed.bytes_down_per_device == whole.bytes_down_per_device
    assert run(experiment.model_copy(update={"engine": "oracle"})).digest == whole.digest
    plain = run(experiment.model_copy(update={"compression": CompressionTable()}))
    assert whole.bytes_up_per_device < plain.bytes_up_per_device / 8
    assert whole.bytes_down_per_device < plain.bytes_down_per_device / 3


def test_what_goes_down_and_up_is_short_in_every_exchange() -> None:
    experiment = Experiment(rounds=2, compression=TERNARY)
    setup = build(experiment)
    assert [change.top for change in setup.federation.upload.layers] == [1, 127]
    assert run(experiment).digest != run(Experiment(rounds=2)).digest


def test_the_engine_adds_up_short_updates_of_many_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulation that goes through devices one by one, and codes in Python, takes far longer."""
    monkeypatch.setattr(SimulatedFleet, "local_round", lambda *_: pytest.fail("one by one"))
    whole = run(Experiment(rounds=2)).bytes_up_per_device
    assert 0 < run(Experiment(rounds=2, compression=CODED)).bytes_up_per_device < whole / 5


@pytest.mark.parametrize("engine", ["oracle", "native"])
def test_coded_numbers_are_fewer_bytes_and_the_same_digest(engine: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"rounds": 2, "devices": 3, "engine": engine}
    compression = TERNARY | {"rows": 2}
    packed = run(Experiment(compression=compression, **settings), out=tmp_path / "packed")
    coded = run(
        Experiment(compression=compression | {"coder": True}, **settings), out=tmp_path / "coded"
    )
    assert coded.digest == packed.digest
    assert coded.bytes_down_per_device < packed.bytes_down_per_device
    assert coded.bytes_up_per_device < packed.bytes_up_per_device


@pytest.mark.parametrize("mode", ["full-network", "single-layer"])
def test_a_run_that_keeps_residuals_resumes_to_the_same_digest(tmp_path: Path, mode: Any) -> None:
    """Devices are sampled and fail, so whose residual is whose decides the digest."""
    experiment = Experiment(
        rounds=12, mode=mode, checkpoint_every=4, devices=10, devices_per_round=5,
        faults={"probability": 0.2}, compression=TERNARY | {"residual": True, "coder": True},
    )  # fmt: skip
    whole = run(experiment, out=tmp_path / "run")
    assert whole.accuracy > 0.6
    for newest in sorted((tmp_path / "run/checkpoints").iterdir())[1:]:
        newest.unlink()
    resumed = resume(tmp_path / "run")
    other = run(experiment.model_copy(update={"engine": "oracle"}))
    for again in (resumed, other):
        assert again.digest == whole.digest
        assert again.bytes_up_per_device == whole.bytes_up_per_device
        assert again.bytes_down_per_device == whole.bytes_down_per_device
    without = CompressionTable.model_validate(TERNARY)
    assert run(experiment.model_copy(update={"compression": without})).digest != whole.digest


class Forgetful(Simulated):
    """A kind of fleet that an extension could add, whose devices keep nothing."""

    keeps_residuals: ClassVar[bool] = False


@pytest.mark.parametrize("fleet", ["simulated", "emulated"])
def test_residuals_go_with_devices_that_keep_them(fleet: Any) -> None:
    experiment = Experiment(fleet=fleet, compression=CompressionTable(**KEPT))
    with pytest.raises(ValueError, match=f"compression.residual: .*fleet = '{fleet}' keep nothing"):
        check_compression(experiment, Forgetful())
