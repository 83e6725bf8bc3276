"""What a node says of devices that have their samples themselves, and a server does not believe."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tifed.experiment import Setup, build, load_experiment
from tifed.federation import DeviceCounts, DeviceScore, PersonalScore, PersonalWork
from tifed.nodes.messages.content import Content, MessageError, message
from tifed.nodes.messages.own_check import (
    OwnSamples,
    checked_counts,
    checked_own_scores,
    checked_own_sums,
    checked_personal,
)
from tifed.nodes.messages.own_data import (
    MOST_ROUNDS,
    MOST_SAMPLES,
    counted,
    counts_message,
    keep_message,
    personalise_message,
    personalised,
    scored,
    work_from,
)

ASKED = np.array([2, 3, 5])
UNKNOWN = OwnSamples(devices=6, features=4, classes=2)
KNOWN = replace(
    UNKNOWN, training=np.array([1, 2, 3, 4, 5, 6]), held_out=np.array([6, 5, 4, 3, 2, 1])
)
COUNTS = [DeviceCounts(2, 3, 4), DeviceCounts(5, 6, 1, 2, 3, 4)]
BY_CLASS = ((1, 2), (1, 2))
SCORES = [DeviceScore(2, 2, 4, BY_CLASS), DeviceScore(5, 0, 1)]


@pytest.fixture(scope="module")
def setup() -> Setup:
    return build(load_experiment(overrides=["devices=3", "rounds=1", "layers=[64,4,10]"]))


def changed(content: Content, name: str, place: tuple[int, int], value: int) -> Content:
    """With one number of a table changed."""
    arrays = {key: array.copy() for key, array in content.arrays.items()}
    arrays[name][place] = value
    return Content(content.kind, content.values, arrays)


def test_counts_arrive_as_they_were_sent() -> None:
    assert counts_message("it").kind == "counts"
    content = counted("it", COUNTS, {3: "its line is closed"})
    assert checked_counts(content, UNKNOWN, ASKED) == COUNTS
    assert checked_counts(content, KNOWN, ASKED) == COUNTS
    assert content.values["absent"] == [3]
    assert content.values["reasons"] == ["its line is closed"]
    assert checked_counts(counted("it", [], {}), UNKNOWN, ASKED) == []


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        ((0, 0), 1, "counts has device 1, which it was not asked for"),
        ((0, 0), 5, "counts has device 5 twice"),
        ((0, 1), -1, "counts -1 training samples of device 2"),
        ((0, 2), MOST_SAMPLES + 1, "counts 4294967296 held-out samples of device 2"),
        ((1, 3), -1, "wants -1 samples for an update of device 5"),
        ((1, 4), -2, "wants -2 samples for a calibration of device 5"),
        ((1, 5), 1 << 40, "wants 1099511627776 samples for a score of device 5"),
    ],
)
def test_impossible_counts_are_refused(place: tuple[int, int], value: int, reason: str) -> None:
    content = changed(counted("it", COUNTS, {}), "counts", place, value)
    with pytest.raises(MessageError) as error:
        checked_counts(content, UNKNOWN, ASKED)
    assert str(error.value) == reason


def test_a_server_with_the_data_set_knows_how_many_samples_devices_have() -> None:
    content = counted("it", [replace(COUNTS[0], held_out=5)], {})
    assert checked_counts(content, UNKNOWN, ASKED)
    with pytest.raises(MessageError, match="counts 5 held-out samples of device 2, which has 4"):
        checked_counts(content, KNOWN, ASKED)
    content = scored("it", [DeviceScore(2, 1, 3)], {}, 2)
    assert checked_own_scores(content, UNKNOWN, ASKED)
    with pytest.raises(MessageError, match="scores 3 samples of device 2"):
        checked_own_scores(content, KNOWN, ASKED)


def test_a_server_knows_the_numbers_of_a_data_set_and_not_those_on_devices(setup: Setup) -> None:
    known = OwnSamples.of(setup.inputs)
    assert known.training is not None
    assert known.training.tolist() == [len(stream) for stream in setup.inputs.streams]
    none = [replace(stream, order=stream.order[:0]) for stream in setup.inputs.streams]
    on_devices = OwnSamples.of(replace(setup.inputs, streams=none))
    assert on_devices == OwnSamples(3, 64, 10)


def test_scores_arrive_as_they_were_sent() -> None:
    content = scored("it", reversed(SCORES), {3: "no held-out sample"}, 2)
    assert checked_own_scores(content, KNOWN, ASKED) == SCORES
    assert content.arrays["classes"].shape == (1, 5)
    plain = scored("it", [DeviceScore(2, 4, 4)], {}, 2)
    assert plain.arrays.keys() == {"scores"}
    assert checked_own_scores(plain, KNOWN, ASKED) == [DeviceScore(2, 4, 4)]


@pytest.mark.parametrize(
    ("name", "place", "value", "reason"),
    [
        ("scores", (0, 0), 0, "scores has device 0, which it was not asked for"),
        ("scores", (0, 0), 5, "scores has device 5 twice"),
        ("scores", (0, 1), 5, "scores 5 of 4 samples as right"),
        ("scores", (1, 1), -1, "scores -1 of 1 samples as right"),
        ("scores", (1, 2), 0, "scores 0 samples of device 5"),
        ("scores", (1, 2), MOST_SAMPLES + 1, "scores 4294967296 samples of device 5"),
        ("classes", (0, 0), 4, "classes has device 4, which it was not asked for"),
        ("classes", (0, 0), 3, "scores device 3 by class alone"),
        ("classes", (0, 1), 2, "by class otherwise than with 2 of 4 samples as right"),
        ("classes", (0, 2), 3, "by class otherwise than with 2 of 4 samples as right"),
    ],
)
def test_impossible_scores_are_refused(
    name: str, place: tuple[int, int], value: int, reason: str
) -> None:
    content = changed(scored("it", SCORES, {}, 2), name, place, value)
    with pytest.raises(MessageError) as error:
        checked_own_scores(content, UNKNOWN, ASKED)
    assert reason in str(error.value)


def test_more_right_in_a_class_than_it_has_is_refused() -> None:
    shifted = replace(SCORES[0], by_class=((2, 1), (0, 3)))
    content = scored("it", [shifted], {}, 2)
    with pytest.raises(MessageError, match="by class otherwise"):
        checked_own_scores(content, UNKNOWN, ASKED)


def sums(**changes: Any) -> Content:
    """Sums of two samples of each of devices 2 and 3."""
    arrays = {"devices": np.array([[2, 2]]), "total": np.array([4, -4, 0, 8])}
    values = {"samples": 4, "squares": 24}
    found = {key: changes.get(key, value) for key, value in {**arrays, **values}.items()}
    return message(
        "calibrate", "it", {key: found[key] for key in arrays}, samples=found["samples"],
        squares=found["squares"],
    )  # fmt: skip


def test_sums_are_of_as_many_samples_as_devices_can_have() -> None:
    for known in (UNKNOWN, KNOWN):
        found = checked_own_sums(sums(), known, ASKED, 2)
        assert (found.samples, found.squares, found.devices.tolist()) == (4, 24, [2, 3])
        assert found.total.tolist() == [4, -4, 0, 8]
    # On devices nobody knows which of them has fewer samples than are asked for.
    assert checked_own_sums(sums(samples=3, squares=32), UNKNOWN, ASKED, 2).samples == 3
    for known, count, reason in (
        (KNOWN, 3, "counted 3 samples of 4"),
        (UNKNOWN, 1, "counted 1 samples of 2 to 4"),
        (UNKNOWN, 5, "counted 5 samples of 2 to 4"),
    ):
        with pytest.raises(MessageError, match=reason):
            checked_own_sums(sums(samples=count), known, ASKED, 2)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"devices": np.array([[2, 3]])}, "has device 4, which it was not asked for"),
        ({"total": np.array([513, 0, 0, 0])}, "total has a sum beyond ±512"),
        ({"squares": 23}, "has a sum of squares of 23, which is not in 24"),
    ],
)
def test_impossible_sums_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(MessageError) as error:
        checked_own_sums(sums(**changes), UNKNOWN, ASKED, 2)
    assert reason in str(error.value)


def test_personal_scores_arrive_as_they_were_sent_and_impossible_ones_are_refused() -> None:
    scores = [PersonalScore(2, 1, 3, 4), PersonalScore(5, 1, 0, 1)]
    content = personalised("it", reversed(scores), {})
    assert checked_personal(content, KNOWN, ASKED) == scores
    for place, value, reason in (
        ((0, 0), 1, "scores has device 1, which it was not asked for"),
        ((0, 1), 5, "scores 5 of 4 samples as right"),
        ((0, 2), 5, "scores 5 of 4 samples as right"),
        ((0, 3), 0, "scores 0 samples of device 2"),
        ((1, 3), 2, "scores 2 samples of device 5"),
    ):
        with pytest.raises(MessageError) as error:
            checked_personal(changed(content, "scores", place, value), KNOWN, ASKED)
        assert str(error.value) == reason


def test_personal_work_arrives_as_it_was_sent_and_impossible_work_is_refused(setup: Setup) -> None:
    work = PersonalWork(3, (1,), 4, 17, 1)
    content = personalise_message("it", setup.start, work)
    assert work_from(content, setup.network) == work
    for name, value, reason in (
        ("rounds", 0, "rounds is 0, not in 1..65535"),
        ("rounds", MOST_ROUNDS + 1, "rounds is 65536, not in 1..65535"),
        ("layers", 0, "is to train layers 0, which there are not"),
        ("layers", 4, "is to train layers 100, which there are not"),
        ("extra_shift", -1, "extra_shift is -1, not a whole number"),
        ("exchange", None, "exchange is None, not a whole number"),
        ("energy_shift", 99, "energy_shift is 99, not a whole number in"),
    ):
        wrong = Content("personalise", {**content.values, name: value}, content.arrays)
        with pytest.raises(MessageError) as error:
            work_from(wrong, setup.network)
        assert reason in str(error.value)


def test_the_model_to_keep_comes_with_its_round(setup: Setup) -> None:
    content = keep_message("it", setup.start, 7)
    assert content.integer("round") == 7
    assert content.arrays.keys() == dict(setup.start.named).keys()
