"""A result that is no better than a guess says so, wherever it is shown."""

import json
from pathlib import Path

import numpy as np
import pytest

from tifed import Experiment, run
from tifed.experiment.doubts import Scores, far_out, scores


def test_a_run_without_a_single_answer_is_doubtful(tmp_path: Path) -> None:
    heard: list[str] = []
    silent = Experiment.model_validate({"rounds": 2, "faults": {"probability": 0.999999}})
    result = run(silent, out=tmp_path / "run", warn=heard.append)
    assert list(result.warnings) == heard
    assert "no exchange counted" in heard[0]
    assert "below that of always answering the commonest class of the test samples" in heard[1]
    written = json.loads((tmp_path / "run/result.json").read_text())
    assert written["warnings"] == heard
    assert written["balanced_accuracy"] == result.balanced_accuracy


@pytest.mark.parametrize("learner", [{"recipe": "tuned"}, {"baseline": "float-fedavg"}])
def test_answers_that_are_too_few_are_as_good_as_none(learner: dict[str, str]) -> None:
    """Devices answer, but never as many as an exchange needs."""
    few = Experiment.model_validate(
        {
            **learner, "rounds": 2, "minimum_devices": 8,
            "faults": {"probability": 0.9},
        }
    )  # fmt: skip
    assert any("no exchange counted" in sentence for sentence in run(few).warnings)
    assert not run(few.model_copy(update={"minimum_devices": 1})).warnings


def test_a_model_that_always_answers_the_commonest_class_is_doubtful(tmp_path: Path) -> None:
    generator = np.random.default_rng(4)
    labels = (np.arange(200) % 10 == 0).astype(np.int32)  # nine of ten are of class 0
    samples = generator.integers(-128, 128, (200, 4)).astype(np.int8)
    path = tmp_path / "noise.npz"
    np.savez(path, features=samples, labels=labels)
    constant = Experiment(
        dataset=str(path), devices=2, rounds=2, recipe_settings={"start_range": 0},
        data={"quantise": "none"},
    )  # fmt: skip
    result = run(constant)
    assert result.accuracy == result.commonest_class_share
    assert result.balanced_accuracy == 0.5
    (sentence,) = result.warnings
    assert "no more than that of always answering the commonest class" in sentence


def test_a_run_that_learns_is_not_doubtful() -> None:
    heard: list[str] = []
    result = run(Experiment(rounds=3), warn=heard.append)
    assert result.warnings == ()
    assert heard == []
    assert result.commonest_class_share is not None
    assert result.balanced_accuracy is not None
    assert result.commonest_class_share < 0.2 < result.balanced_accuracy


def test_mini_batches_that_a_buffer_cannot_fill_are_said() -> None:
    result = run(Experiment(rounds=2, buffer=12, batch=15))
    assert result.digest == run(Experiment(rounds=2, buffer=12, batch=12)).digest
    (sentence,) = result.warnings
    assert sentence.startswith("batch: 15 is more than the 12 samples of a buffer")


def test_classes_that_do_not_occur_do_not_count() -> None:
    confusion = np.array([[6, 2, 0], [0, 0, 0], [1, 0, 1]])
    assert scores(confusion) == Scores(0.7, 0.625, 0.8)


def test_a_device_that_is_far_out_is_named() -> None:
    assert list(far_out(None, 9)) == []
    assert list(far_out(np.zeros(3, np.int64), 9)) == []
    (said,) = far_out(np.array([0, 0, 7]), 9)
    assert said.startswith("device 2 sent updates more than 10 times as long as is usual in 7 of 9")
