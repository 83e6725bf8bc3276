"""TIFeD: federated training on microcontrollers, with integers only.

>>> import tifed
>>> experiment = tifed.load_experiment(preset="digits", overrides=["rounds=2"])
>>> result = tifed.run(experiment)
>>> len(result.digest)
64
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tifed.errors import RunError, TifedError, UsageError
    from tifed.experiment import Experiment, Result, load_experiment, preset_names, resume, run
    from tifed.extending import (
        register_baseline,
        register_dataset,
        register_fleet,
        register_front_end,
        register_partition,
        register_reader,
        register_recipe,
        register_transport,
    )
    from tifed.rule.network import Network, Parameters, load_model, ranges, save_model
    from tifed.version import __version__

__all__ = [
    "Experiment",
    "Network",
    "Parameters",
    "Result",
    "RunError",
    "TifedError",
    "UsageError",
    "__version__",
    "load_experiment",
    "load_model",
    "preset_names",
    "ranges",
    "register_baseline",
    "register_dataset",
    "register_fleet",
    "register_front_end",
    "register_partition",
    "register_reader",
    "register_recipe",
    "register_transport",
    "resume",
    "run",
    "save_model",
]

# Where each of them is: imported when it is first asked for, since a command that only prints its
# help would wait for all of them.
_HOMES = {
    "tifed.errors": (
        "RunError",
        "TifedError",
        "UsageError",
    ),
    "tifed.experiment": (
        "Experiment",
        "Result",
        "load_experiment",
        "preset_names",
        "resume",
        "run",
    ),
    "tifed.extending": (
        "register_baseline",
        "register_dataset",
        "register_fleet",
        "register_front_end",
        "register_partition",
        "register_reader",
        "register_recipe",
        "register_transport",
    ),
    "tifed.rule.network": (
        "Network",
        "Parameters",
        "load_model",
        "ranges",
        "save_model",
    ),
    "tifed.version": ("__version__",),
}


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            found: object = getattr(import_module(module), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
