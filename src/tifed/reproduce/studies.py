"""The paper's experiments by name."""

from collections.abc import Callable, Iterator

from tifed.errors import UsageError
from tifed.experiment.load import load_experiment
from tifed.reproduce.published import published
from tifed.reproduce.study import FLOAT, PAPER, TUNED, Setting, Study

RATES = (2048, 4096, 8192)
MODES = ("full-network", "single-layer")
DEVICES = (4, 8, 16, 32, 64, 128)

_SPLIT = (
    "Accuracy is on the test split. The final round's is the result; the best round's is found by "
    "looking at the test split, as the paper did, and is there for comparison only."
)


def names() -> tuple[str, ...]:
    """Every study's name."""
    return tuple(_STUDIES)


def study(name: str) -> Study:
    """The study called ``name``.

    Raises:
        UsageError: listing the names, if there is none.

    >>> len(study("mnist").chosen()), len(study("workers").chosen())
    (6, 30)
    """
    if name not in _STUDIES:
        raise UsageError(
            f"reproduce: {name!r} is not an experiment of the paper; there is {', '.join(names())}"
        )
    return _STUDIES[name]()


def _accuracy(dataset: str, title: str) -> Study:
    """784-200-10 on a data set of pictures, at three learning rates and in both modes."""
    return Study(
        name=dataset,
        title=f"{title}: 784-200-10, 8 devices, 150 rounds, three learning rates",
        settings=tuple(_rates(dataset)),
        methods=(PAPER,),
        notes=(
            _SPLIT,
            "Published means and spreads are over 100 runs. The devices' models shared one weight "
            "array there, so only --schedule published is like for like.",
        ),
    )


def _rates(dataset: str) -> Iterator[Setting]:
    for mode in MODES:
        for rate in RATES:
            experiment = load_experiment(
                preset=f"{dataset}-paper",
                overrides=[f"mode={mode}", f"recipe_settings.inverse_learning_rate={rate}"],
            )
            figures = published().find(dataset, mode, rate)
            yield Setting(f"{PAPER} {mode} 1/{rate}", PAPER, experiment, figures=figures)
    for mode in MODES:
        experiment = load_experiment(preset=dataset, overrides=[f"mode={mode}"])
        yield Setting(f"{TUNED} {mode}", TUNED, experiment)
    plain = load_experiment(preset=f"{dataset}-paper", overrides=["batch=10"])
    yield Setting(f"{FLOAT} full-network", FLOAT, plain)


def _workers() -> Study:
    """Accuracy against number of devices with 100 images each."""
    curve = published().workers_curve
    settings = []
    for method, mode, values in (
        (PAPER, MODES[0], curve.full_network),
        (PAPER, MODES[1], curve.single_layer),
        (TUNED, MODES[0], curve.full_network),
        (TUNED, MODES[1], curve.single_layer),
        (FLOAT, MODES[0], curve.float_fedavg),
    ):
        for devices in DEVICES:
            # What the float baseline shares is the federation: with `paper` a plain average.
            recipe = TUNED if method == TUNED else PAPER
            overrides = [
                "dataset=fashion-mnist", "layers=[784, 50, 10]", f"recipe={recipe}",
                f"mode={mode}", f"devices={devices}", "partition.limit_per_device=100",
                "rounds=5", "buffer=20", "batch=10", "local_epochs=10",
            ]  # fmt: skip
            plotted = values[curve.workers.index(devices)]
            name = f"{method} {mode} {devices} devices"
            settings.append(
                Setting(name, method, load_experiment(overrides=overrides), plotted=plotted)
            )
    return Study(
        name="workers",
        title="Fashion-MNIST: accuracy against number of devices, 100 images each",
        settings=tuple(settings),
        methods=(PAPER, TUNED, FLOAT),
        notes=(
            "NOT like for like: the paper trained a 200-50-10 head on frozen convolutional "
            "features, this trains 784-50-10 on pixels. The published values were read off its "
            "plot (within 0.005), which does not say whether they are final or best rounds.",
            "5 rounds, one pass over each device's 100 images: buffers of 20, mini-batches of 10, "
            "10 local epochs; inverse learning rate 2048 with the paper recipe.",
            _SPLIT,
        ),
        over_devices=True,
    )


_STUDIES: dict[str, Callable[[], Study]] = {
    "mnist": lambda: _accuracy("mnist", "MNIST"),
    "fashion-mnist": lambda: _accuracy("fashion-mnist", "Fashion-MNIST"),
    "workers": _workers,
}
