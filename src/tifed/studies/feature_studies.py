"""The experiments on a frozen extractor's features: 200-50-10 heads, few samples, many devices.

No extractor has seen a test picture, or a label of the classes that devices learn. The heads'
settings were chosen on validation samples (docs/reproduce.md says how).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tifed.baselines.float_fedavg import PLAIN
from tifed.experiment.load import load_experiment
from tifed.studies.cited import published
from tifed.studies.setting import FLOAT, PAPER, TUNED, Setting, Study, kind_of
from tifed.studies.verdict import against_float

MODES = ("full-network", "single-layer")
DEVICES = (4, 8, 16, 32, 64, 128)
RATES, CIFAR_RATES = (1024, 2048, 4096), (4096, 8192, 16384)

WITH_TRICKS = f"{FLOAT} with-tricks {MODES[0]}"
"""The float baseline with the server, decay and running mean of `tuned`."""

FIVE_ROUNDS: Mapping[str, Mapping[str, Any]] = {
    # With five exchanges there is no time to settle: longer steps, and a mean over two.
    TUNED: {"update_shifts": [5, 6], "margin": 96, "running_mean": 2, "decay_percent": 80},
    FLOAT: {"learning_rate": 0.8, **PLAIN},
    WITH_TRICKS: {
        "learning_rate": 0.5,
        "server_rate": 2,
        "server_momentum": 0,
        "running_mean": 2,
        "decay_percent": 80,
    },
    PAPER: {"inverse_learning_rate": 256},
}

AS_MEASURED: Mapping[str, Any] = {
    "activation": "relu", "start_range": 256, "start_bias": 0, "server_momentum": 0, "halvings": 0,
    "running_mean_growth": 0,
}  # fmt: skip
"""What `tuned` was when the settings above were chosen and docs/reproduce.md was written."""
AS_MEASURED_SINGLE: Mapping[str, Any] = {**AS_MEASURED, "server_rate": 1}

_FROM_MNIST = (
    "The extractor `mnist` was trained on MNIST's training digits and labels; its integers' scales "
    "are from Fashion-MNIST's training pictures without their labels. It has seen no test picture "
    "and no label of clothes."
)
_SPLIT = (
    "Accuracy is on the test split. The final round's is the result; the best round's is found by "
    "looking at the test split and is there for comparison only."
)


def workers() -> Study:
    """Accuracy against number of devices with 100 images each."""
    curve = published().workers_curve
    lines = [
        (f"{PAPER} {MODES[0]}", MODES[0], curve.full_network),
        (f"{PAPER} {MODES[1]}", MODES[1], curve.single_layer),
        (f"{TUNED} {MODES[0]}", MODES[0], curve.full_network),
        (f"{TUNED} {MODES[1]}", MODES[1], curve.single_layer),
        (f"{FLOAT} {MODES[0]}", MODES[0], curve.float_fedavg),
        (WITH_TRICKS, MODES[0], curve.float_fedavg),
    ]
    common = {
        "dataset": "fashion-mnist", "extractor": "mnist", "layers": [200, 50, 10], "rounds": 5,
        "buffer": 20, "batch": 10, "local_epochs": 10, "partition.limit_per_device": 100,
    }  # fmt: skip
    settings = [
        _setting(
            f"{name} {devices} devices",
            name.split()[0],
            common | {"mode": mode, "devices": devices},
            FIVE_ROUNDS[name if name in FIVE_ROUNDS else name.split()[0]],
            plotted=values[curve.workers.index(devices)],
        )
        for name, mode, values in lines
        for devices in DEVICES
    ]
    return Study(
        name="workers",
        title="Fashion-MNIST on frozen features: accuracy against number of devices, 100 images "
        "each",
        settings=tuple(settings),
        methods=(PAPER, TUNED, FLOAT),
        notes=(
            _FROM_MNIST,
            "The paper does not say what its extractor was trained on, so its values, read off a "
            "plot (within 0.005), are of other features.",
            "A 200-50-10 head, 5 rounds, one pass over each device's 100 images: buffers of 20, "
            "mini-batches of 10, 10 local epochs. Settings chosen on validation samples.",
            "float-fedavg is plain federated averaging, with-tricks has the server, late decay and "
            "running mean of `tuned`; both at the learning rate best on validation samples.",
            _SPLIT,
        ),
        over_devices=True,
        judge=against_float,
    )


def fashion_mnist_features() -> Study:
    """The paper's budget on features of an extractor that saw digits."""
    common = {"dataset": "fashion-mnist", "extractor": "mnist", "layers": [200, 50, 10]}
    return Study(
        name="fashion-mnist-features",
        title="Fashion-MNIST on frozen features from MNIST: 200-50-10, 8 devices, 150 rounds",
        settings=tuple(_eight_devices(common, 150, RATES)),
        methods=(PAPER, TUNED, FLOAT),
        notes=(_FROM_MNIST, "The paper has no figures for this table.", _SPLIT),
    )


def fashion_mnist_features_disjoint() -> Study:
    """Five classes on features of an extractor that saw the other five."""
    common = {
        "dataset": "fashion-mnist", "data.only_classes": [0, 1, 2, 3, 4],
        "extractor": "fashion-mnist-5-9", "layers": [200, 50, 5],
    }  # fmt: skip
    return Study(
        name="fashion-mnist-features-disjoint",
        title="Fashion-MNIST, classes 0 to 4, on frozen features from classes 5 to 9: 200-50-5, "
        "8 devices, 75 rounds",
        settings=tuple(_eight_devices(common, 75, RATES)),
        methods=(PAPER, TUNED, FLOAT),
        notes=(
            "The extractor `fashion-mnist-5-9` was trained on sandal, shirt, sneaker, bag and "
            "ankle boot; devices learn T-shirt, trouser, pullover, dress and coat. No test "
            "picture and no label of theirs was seen. Five classes: not to be compared with ten.",
            "The paper has no figures for this table.",
            _SPLIT,
        ),
    )


def cifar10_features() -> Study:
    """Five classes of CIFAR-10 on features of an extractor that saw the other five."""
    common = {
        "dataset": "cifar-10", "data.only_classes": [5, 6, 7, 8, 9],
        "extractor": "cifar-10-0-4", "layers": [200, 50, 5],
    }  # fmt: skip
    cited = ", ".join(
        f"{mode} 1/{rate} {found.final_round.mean:.4f}"
        for mode in MODES
        for rate in CIFAR_RATES
        if (found := published().find("CIFAR-10", mode, rate)) is not None
    )
    return Study(
        name="cifar10-features",
        title="CIFAR-10, classes 5 to 9, on frozen features from classes 0 to 4: 200-50-5, "
        "8 devices, 62 rounds",
        settings=tuple(_eight_devices(common, 62, CIFAR_RATES)),
        methods=(PAPER, TUNED, FLOAT),
        notes=(
            "The extractor `cifar-10-0-4` is trained on airplane, automobile, bird, cat and deer; "
            "devices learn dog, frog, horse, ship and truck. It does not ship: the command that "
            "makes it is in docs/features.md.",
            f"The paper's figures are of ten classes and of features whose origin it does not "
            f"say, so they stand here and not beside ours (final rounds): {cited}.",
            _SPLIT,
        ),
    )


def _eight_devices(
    common: Mapping[str, Any], rounds: int, rates: tuple[int, ...]
) -> Iterator[Setting]:
    """`paper` at three rates, `tuned`, and the float baseline plain and with the same tricks."""
    shared = dict(common) | {"devices": 8, "rounds": rounds, "buffer": 50, "local_epochs": 5}
    for mode in MODES:
        for rate in rates:
            experiment = shared | {"mode": mode, "batch": 25}
            yield _setting(
                f"{PAPER} {mode} 1/{rate}", PAPER, experiment, {"inverse_learning_rate": rate}
            )
    floats = shared | {"batch": 10}
    for mode in MODES:
        yield _setting(f"{TUNED} {mode}", TUNED, floats | {"mode": mode}, {"update_shifts": [6, 5]})
    tricks = {"learning_rate": 0.4, "server_rate": 2, "server_momentum": 0}
    yield _setting(f"{FLOAT} {MODES[0]}", FLOAT, floats, tricks)
    plain = {"learning_rate": 0.4, **PLAIN}
    yield _setting(f"{FLOAT} plain {MODES[0]}", FLOAT, floats, plain)


def _setting(
    name: str,
    method: str,
    experiment: Mapping[str, Any],
    own: Mapping[str, Any],
    plotted: float | None = None,
) -> Setting:
    """A setting from keys of an experiment and of its recipe, or baseline."""
    kind = kind_of(method)
    keys = {kind: method} | dict(experiment)
    if method == TUNED:
        single = experiment["mode"] == "single-layer"
        own = {**(AS_MEASURED_SINGLE if single else AS_MEASURED), **own}
        keys |= {"assignment": "rotating"} if single else {}
    keys |= {f"{kind}_settings.{key}": value for key, value in own.items()}
    overrides = [f"{key}={json.dumps(value)}" for key, value in keys.items()]
    return Setting(name, method, load_experiment(overrides=overrides), plotted=plotted)
