"""Models to export, and what the oracle makes of the same work."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import wavfile
from tests.compiling import compiled

from tifed.data import load
from tifed.experiment import load_experiment
from tifed.experiment.setup import intake_of, network_for
from tifed.export import Model, model_for
from tifed.rule.learning import LocalWork, classify, feedback_matrices, train
from tifed.rule.learning.pixel_shifts import SHIFTS, shifted
from tifed.rule.network import Parameters, start_parameters
from tifed.rule.signal.log_mel import LogMel

FRAMES = 20
LENGTH = 80 * FRAMES + 120
"""Samples of a recording, as long as there is room for: a program takes so many at a time."""
Words = tuple[Path, dict[bytes, NDArray[np.int8]]]
"""Recordings of two words: their folder, and the sound of each by its features."""

Buffers = list[tuple[NDArray[np.int8], NDArray[np.int32]]]


@pytest.fixture
def make_model() -> Callable[..., Model]:
    """A function from overrides of the preset digits to a model, see `_model`."""
    return _model


@pytest.fixture
def buffers() -> Callable[[Model, int], Buffers]:
    """A function from a model and a number of rounds to raw digits, a buffer for each round."""
    return _buffers


@pytest.fixture
def expected() -> Callable[[Model, int, int], bytes]:
    """A function to the oracle's parameters, as the core gives them away, see `_trained`."""
    return lambda model, rounds, device: _wire(_trained(model, _first(model), rounds, device))


@pytest.fixture
def answer() -> Callable[..., int]:
    """A function to the oracle's class of a raw sample (D,), after the same rounds."""
    return lambda model, rounds, device, sample: int(
        classify(
            model.network,
            _trained(model, _first(model), rounds, device),
            _features(model, sample[np.newaxis]),
        )[0]
    )


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Words:
    """Recordings of two words: their folder, and each by its features.

    An acted analog pin has 8 bits, of which the programs make samples of 16.
    """
    rng, time = np.random.default_rng(1), np.arange(LENGTH)
    found, front_end = dict[bytes, NDArray[np.int8]](), LogMel(frames=FRAMES)
    folder = tmp_path_factory.mktemp("sound")
    for word in range(2):
        (folder / f"word{word}").mkdir()
        for take in range(77):
            loud = (time > 200 + 3 * take) & (time < 1300 + 3 * take)
            spoken = 60 * loud * np.sin((0.4 + 0.5 * word) * time + take)
            values = np.rint(spoken + rng.normal(0, 1 + 10 * loud)).astype(np.int8)
            sound = values.astype(np.int16) * 256
            wavfile.write(folder / f"word{word}" / f"{take}.wav", 8000, sound)
            found[front_end.compute(sound[:, np.newaxis]).tobytes()] = values
    return folder, found


@pytest.fixture
def run() -> Callable[..., str]:
    """A function that runs a program, which has to succeed, and gives what it printed."""
    return _run


def _model(
    *overrides: str,
    layers: tuple[int, ...] | None = None,
    parameters: bool = False,
    energy_shift: int = 0,
) -> Model:
    """``parameters``: that two rounds of training and a centre have left their mark on."""
    experiment = load_experiment(preset="digits", overrides=list(overrides))
    network = network_for(experiment)
    front_end, shifts = intake_of(experiment)
    model = model_for(experiment, network, layers, front_end=front_end, shifts=shifts)
    if not parameters:
        return model
    start = _first(model)
    if network.centred:
        centre = _features(model, load("digits").train.features).mean(axis=0).astype(np.int8)
        start = Parameters(centre, start.weights, start.biases)
    whole = model_for(experiment, network, front_end=front_end, shifts=shifts)
    trained = network, _trained(whole, start, 2, 0)
    return model_for(
        experiment,
        network,
        layers,
        trained,
        energy_shift=energy_shift,
        front_end=front_end,
        shifts=shifts,
    )


def _first(model: Model) -> Parameters:
    """What the library starts from."""
    if model.parameters is not None:
        return model.parameters
    return start_parameters(model.network, model.start, model.experiment.seed, model.start_biases)


def _buffers(model: Model, rounds: int) -> Buffers:
    train, count = load("digits").train, model.experiment.buffer
    features = np.tile(train.features, (1, model.inputs // train.features.shape[1]))
    places = [slice(number * count, (number + 1) * count) for number in range(rounds)]
    return [(features[place], train.labels[place]) for place in places]


def _features(model: Model, samples: NDArray[np.int8]) -> NDArray[np.int8]:
    """What the network learns from of raw samples, by the oracle."""
    return samples if model.front_end is None else model.front_end.compute(samples)


def _trained(model: Model, parameters: Parameters, rounds: int, device: int) -> Parameters:
    """The oracle's parameters after the rounds of a device that is alone."""
    experiment = model.experiment
    recipe = experiment.build_recipe()
    feedback = feedback_matrices(model.network, experiment.seed)
    for number, (samples, labels) in enumerate(_buffers(model, rounds)):
        work = LocalWork(
            batch=experiment.batch,
            first_step=0,
            steps=experiment.local_epochs * -(-experiment.buffer // experiment.batch),
            layers=model.layers,
            extra_shift=recipe.extra_shift(number, experiment.rounds, experiment.mode),
            seed=experiment.seed,
            device=device,
            exchange=number,
            energy_shift=model.energy_shift,
        )
        seen = _features(model, samples)
        if model.shifts is not None:
            copies = [shifted(samples, model.shifts, copy) for copy in range(len(SHIFTS))]
            seen = np.stack([_features(model, one) for one in copies])
        parameters, _ = train(model.network, parameters, feedback, seen, labels, work)
    return parameters


def _wire(parameters: Parameters) -> bytes:
    """Every layer's weights and biases, little-endian."""
    return b"".join(
        array.astype(array.dtype.newbyteorder("<")).tobytes()
        for pair in zip(parameters.weights, parameters.biases, strict=True)
        for array in pair
    )


def _run(command: Sequence[str | Path], given: str | None = None) -> str:
    if given is None:
        done = compiled(command)
    else:
        done = subprocess.run(
            [str(part) for part in command],
            capture_output=True, text=True, check=False, input=given,
        )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout
