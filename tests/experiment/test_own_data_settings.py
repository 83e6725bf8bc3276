"""Settings of runs with own data, and what does not go with them."""

from typing import Any

import pytest

from tifed import Experiment
from tifed.errors import UsageError
from tifed.experiment import FLEETS, FleetKind, build
from tifed.experiment.setup import signal_for
from tifed.federation import Fleet
from tifed.fleets.built_for import fingerprint_of
from tifed.rule.signal.log_mel import LogMel
from tifed.rule.signal.motion import MotionFrontEnd

NO_DATA: dict[str, Any] = {
    "own_data": True, "rounds": 4, "devices": 4, "dataset": "on-devices", "layers": [64, 32, 10],
}  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"held_out_every": 4}, r"held_out_every: goes with own_data = true"),
        ({"report_classes": True}, r"report_classes: goes with own_data = true"),
        ({"personal": {"rounds": 1}}, r"personal.rounds: goes with own_data = true"),
        ({"own_data": True, "personal": {"layers": "last"}}, r"personal: its other settings go"),
        ({"dataset": "on-devices"}, r"dataset: 'on-devices' goes with own_data = true"),
        ({"own_data": True, "held_out_every": 1}, r"held_out_every: .*2"),
        ({"own_data": True, "at_end": "stop"}, r"at_end: with own_data"),
        ({"own_data": True, "class_weights": "balanced"}, r"class_weights: with own_data"),
        ({"own_data": True, "held_out": "validation"}, r"held_out: with own_data"),
        (
            {"own_data": True, "baseline": "float-fedavg", "personal": {"rounds": 1}},
            r"personal.rounds: baseline = 'float-fedavg'",
        ),
        ({"own_data": True, "dataset": "on-devices"}, r"layers: with dataset = 'on-devices'"),
        (NO_DATA | {"baseline": "float-fedavg"}, r"baseline: 'float-fedavg' needs the samples"),
        (NO_DATA | {"extractor": "some.safetensors"}, r"extractor: needs to see the samples"),
        (NO_DATA | {"pixel_shifts": True}, r"pixel_shifts: needs to see the samples"),
        (NO_DATA | {"partition": {"kind": "shards"}}, r"partition: needs to see the samples"),
    ],
)
def test_what_does_not_go_together_is_refused_by_name(
    settings: dict[str, Any], problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        Experiment(**settings)


def test_a_fleet_that_is_sent_samples_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FLEETS, "_scripts", {})

    class Plain(FleetKind):
        def fleet(self, experiment: Experiment, inputs: Any) -> Fleet:
            raise AssertionError("never made")

    FLEETS.register("plain", Plain)
    with pytest.raises(UsageError, match="own_data: the devices of fleet = 'plain' are sent"):
        Experiment(own_data=True, fleet="plain")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"label_column": "y"}, r"data.label_column: there is no such option"),
        ({"class_names": ["a", "b"]}, r"data.class_names: must be 10 different names"),
        ({"quantise": "shared"}, r"data.quantise: .*name a file that was saved"),
        ({"image_shape": [8, 8, 1]}, r"data.image_shape: goes with front_end"),
    ],
)
def test_what_is_said_of_data_on_devices_is_checked(data: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        build(Experiment(**NO_DATA, data=data))


MOTION: dict[str, Any] = NO_DATA | {"front_end": "motion", "layers": [117, 16, 3]}
AXES = ["ax", "ay", "az", "gx", "gy", "gz"]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({}, r"data.axes: must be a list of the names"),
        ({"axes": "ax"}, r"data.axes: must be a list of the names"),
        ({"axes": ["ax", "ax"], "window": 64}, r"data.axes: must be a list of the names"),
        ({"axes": AXES}, r"data.window: is missing"),
        ({"axes": AXES, "window": 5}, r"data.window: 5 readings"),
        ({"axes": AXES, "window": 64.0}, r"data.window: must be a whole number"),
        ({"axes": AXES, "window": 64, "mirror_axes": ["x"]}, r"data.mirror_axes: 'x' is not one"),
        ({"axes": AXES, "window": 64, "scale": -1}, r"data.scale: -1 is not a number above 0"),
        ({"axes": AXES, "window": 64, "image_shape": [8, 8, 1]}, r"data.image_shape: there is no"),
        ({"axes": AXES[:3], "window": 64}, r"layers: 117-16-3 does not fit .*45 features"),
    ],
)
def test_what_a_motion_front_end_on_devices_lacks_is_named(
    data: dict[str, Any], problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        build(Experiment(**MOTION, data=data))


def test_a_motion_front_end_on_devices_is_part_of_what_they_are_built_for() -> None:
    data = {"axes": AXES, "window": 64, "hop": 32, "mirror_axes": ["gy", "ax"], "scale": 4096}
    inputs = build(Experiment(**MOTION, data=data)).inputs
    assert inputs.signal_digest == MotionFrontEnd(6, 64, mirrored=(0, 4)).digest
    other = build(Experiment(**MOTION, data=data | {"mirror_axes": []}))
    assert fingerprint_of(other.inputs) != fingerprint_of(inputs)
    # So a checkpoint of a run with the one is refused by a run with the other.
    assert other.data_digest != build(Experiment(**MOTION, data=data)).data_digest


SOUND: dict[str, Any] = NO_DATA | {"front_end": "log-mel", "layers": [200, 16, 3]}


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"frames": 0}, r"data.frames: 0 is not in 1..8191"),
        ({"frames": "128"}, r"data.frames: must be a whole number, not '128'"),
        ({"patch_frames": 1}, r"data.patch_frames: 1 is not in 2..1024"),
        ({"patch_frames": 16}, r"layers: 200-16-3 does not fit .*320 features"),
        ({"window": 64}, r"data.window: .*data.class_names, data.patch_frames, data.frames"),
    ],
)
def test_what_a_sound_front_end_on_devices_does_not_take_is_named(
    data: dict[str, Any], problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        build(Experiment(**SOUND, data=data))


def test_a_sound_front_end_on_devices_is_part_of_what_they_are_built_for() -> None:
    """How long recordings can be is the device's own affair."""
    inputs = build(Experiment(**SOUND)).inputs
    assert inputs.signal_digest == LogMel().digest
    longer = build(Experiment(**SOUND, data={"frames": 300}))
    assert fingerprint_of(longer.inputs) == fingerprint_of(inputs)
    assert signal_for(Experiment(**SOUND, data={"frames": 300})) == LogMel(frames=300)
    picture = SOUND | {"layers": [200, 16, 3], "data": {"patch_frames": 10}}
    assert fingerprint_of(build(Experiment(**picture)).inputs) != fingerprint_of(inputs)
