"""What a run is (validated TOML), and running it."""

from tifed.experiment.fleet_kind import FLEETS, FleetKind
from tifed.experiment.folder import RunFolder, free_folder
from tifed.experiment.load import load_experiment, preset_names, preset_settings, to_toml
from tifed.experiment.loop import Progress
from tifed.experiment.result import FinishedRun, Result
from tifed.experiment.running import resume, run
from tifed.experiment.schema import Experiment
from tifed.experiment.setup import Setup, build

__all__ = [
    "FLEETS",
    "Experiment",
    "FinishedRun",
    "FleetKind",
    "Progress",
    "Result",
    "RunFolder",
    "Setup",
    "build",
    "free_folder",
    "load_experiment",
    "preset_names",
    "preset_settings",
    "resume",
    "run",
    "to_toml",
]
