"""The paper's experiments by name."""

from collections.abc import Callable, Iterator

from tifed.baselines.float_fedavg import PLAIN
from tifed.errors import UsageError
from tifed.experiment.load import load_experiment
from tifed.studies.cited import published
from tifed.studies.feature_studies import (
    DEVICES,
    MODES,
    cifar10_features,
    fashion_mnist_features,
    fashion_mnist_features_disjoint,
    workers,
)
from tifed.studies.setting import FLOAT, METHODS, PAPER, TUNED, Setting, Study, kind_of

RATES = (2048, 4096, 8192)
PLAIN_FLOAT = tuple(
    f"baseline_settings.{name}={value}" for name, value in {"learning_rate": 0.1, **PLAIN}.items()
)
"""Float FedAvg without a trick but the centred input."""

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
    (6, 36)
    """
    if name not in _STUDIES:
        raise UsageError(
            f"reproduce: {name!r} is not an experiment of the paper; "
            f"choose from {', '.join(names())}"
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
    for method in METHODS:
        for mode in MODES:
            if method != PAPER:
                overrides = [f"{kind_of(method)}={method}", f"mode={mode}"]
                experiment = load_experiment(preset=dataset, overrides=overrides)
                yield Setting(f"{method} {mode}", method, experiment)
    plain = load_experiment(preset=dataset, overrides=[f"baseline={FLOAT}", *PLAIN_FLOAT])
    yield Setting(f"{FLOAT} plain {MODES[0]}", FLOAT, plain)


def _workers_on_pixels() -> Study:
    """Accuracy against number of devices with 100 images each."""
    curve = published().workers_curve
    settings = []
    integers = [recipe for recipe in METHODS if recipe != FLOAT]
    lines = [(recipe, MODES[0], curve.full_network) for recipe in integers]
    lines += [(recipe, MODES[1], curve.single_layer) for recipe in integers]
    for method, mode, values in (*lines, (FLOAT, MODES[0], curve.float_fedavg)):
        for devices in DEVICES:
            overrides = [
                "dataset=fashion-mnist", "layers=[784, 50, 10]", f"{kind_of(method)}={method}",
                f"mode={mode}", f"devices={devices}", "partition.limit_per_device=100",
                "rounds=5", "buffer=20", "batch=10", "local_epochs=10",
                *(PLAIN_FLOAT if method == FLOAT else ()),
            ]  # fmt: skip
            plotted = values[curve.workers.index(devices)]
            name = f"{method} {mode} {devices} devices"
            settings.append(
                Setting(name, method, load_experiment(overrides=overrides), plotted=plotted)
            )
    return Study(
        name="workers-pixels",
        title="Fashion-MNIST on pixels: accuracy against number of devices, 100 images each",
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
    "fashion-mnist-features": fashion_mnist_features,
    "fashion-mnist-features-disjoint": fashion_mnist_features_disjoint,
    "cifar10-features": cifar10_features,
    "workers": workers,
    "workers-pixels": _workers_on_pixels,
}
