"""Experiments whose samples go through a frozen extractor first."""

from pathlib import Path

import numpy as np
import pytest

from tifed import resume, run
from tifed.data import load
from tifed.errors import UsageError
from tifed.experiment import Experiment, build
from tifed.experiment.setup import load_data, network_for
from tifed.extractor import Extractor, MaxPool, save_extractor
from tifed.extractor.float_layers import FloatConvolution, FloatExtractor
from tifed.extractor.quantise import quantise


def extractor(seed: int) -> Extractor:
    weights = np.random.default_rng(seed).normal(size=(3, 3, 3, 1)).astype(np.float32)
    layer = FloatConvolution(weights, np.zeros(3, np.float32), 1, 1, relu=True)
    net = FloatExtractor((8, 8, 1), (-128.0,), (1 / 255,), (layer, MaxPool(2, 2)))
    return quantise(net, load("digits").train.features).extractor


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    monkeypatch.setenv("TIFED_CACHE", str(tmp_path / "cache"))
    save_extractor(tmp_path / "e.safetensors", extractor(1))
    return Experiment(extractor=str(tmp_path / "e.safetensors"), layers=(48, 16, 10), rounds=4)


def test_the_network_learns_from_features_on_every_engine(
    experiment: Experiment, tmp_path: Path
) -> None:
    result = run(experiment, out=tmp_path / "run")
    assert result.accuracy > 0.5
    assert result.extractor_digest == extractor(1).digest
    assert run(experiment.model_copy(update={"engine": "oracle"})).digest == result.digest
    setup = build(experiment)
    assert setup.extractor == extractor(1)
    assert (setup.dataset.features, setup.network.shape) == (48, (48, 16, 10))
    assert load_data(experiment).digest == setup.dataset.digest == result.dataset_digest
    assert network_for(experiment.model_copy(update={"layers": None})).shape == (48, 32, 10)
    held_out = load_data(experiment.model_copy(update={"held_out": "validation"}))
    raw = load("digits").with_validation(1437 // 6)
    assert held_out.test.labels.tolist() == raw.test.labels.tolist()


def test_layers_have_to_fit_the_features(experiment: Experiment) -> None:
    with pytest.raises(
        UsageError, match=r"layers: 64-10 does not fit 'digits', which through .*48"
    ):
        run(experiment.model_copy(update={"layers": (64, 10)}))
    with pytest.raises(UsageError, match=r"extractor: 'nothing' is no file"):
        run(experiment.model_copy(update={"extractor": "nothing"}))


def test_resuming_refuses_another_extractor_and_does_without_the_file(
    experiment: Experiment, tmp_path: Path
) -> None:
    class StopHere(Exception):
        pass

    def watch(progress: object) -> None:
        raise StopHere

    folder, path = tmp_path / "run", tmp_path / "e.safetensors"
    with pytest.raises(StopHere):
        run(experiment, out=folder, watch=watch)
    save_extractor(path, extractor(2))
    with pytest.raises(UsageError, match=r"extractor: .*e\.safetensors is another one now"):
        resume(folder)
    path.unlink()
    finished = resume(folder)
    save_extractor(path, extractor(1))
    assert finished.digest == run(experiment).digest
