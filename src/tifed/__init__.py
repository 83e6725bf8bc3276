"""TIFeD: federated training on microcontrollers, with integers only.

>>> import tifed
>>> experiment = tifed.load_experiment(preset="digits", overrides=["rounds=2"])
>>> result = tifed.run(experiment)
>>> len(result.digest)
64
"""

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
