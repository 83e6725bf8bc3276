"""Export: a model's library into a folder."""

from dataclasses import dataclass
from pathlib import Path

from tifed.errors import UsageError
from tifed.export.folder import write_library
from tifed.export.layout import FRAMEWORKS
from tifed.export.library import features_ram, library_files, shifts_ram, signal_ram
from tifed.export.model import Model
from tifed.extractor.packed import constant_bytes
from tifed.rule.network.memory import DeviceMemory, device_memory
from tifed.version import __version__


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        folder: where.
        framework: for whom.
        files: how many.
        shape: of the network.
        ram: of the core on a 32-bit device.
        flash: bytes of parameters in flash.
        features_ram: bytes to make features of one sample in, and for these; 0 where samples are
            features.
        shifts_ram: bytes for the raw samples of the buffer and for making shift copies of them; 0
            where there are none.
        extractor_flash: bytes of the extractor's constants.
        signal_ram: bytes to make a sample of a sensor's readings in, and for the sample.
    """

    folder: Path
    framework: str
    files: int
    shape: str
    ram: DeviceMemory
    flash: int
    features_ram: int = 0
    shifts_ram: int = 0
    extractor_flash: int = 0
    signal_ram: int = 0


def export(model: Model, framework: str, folder: Path) -> Exported:
    """Write a library for ``framework`` into ``folder``.

    Args:
        model: from `model_for`.
        framework: one of `FRAMEWORKS`.
        folder: free, empty, or an earlier export.

    Raises:
        UsageError: if there is no such framework, or the folder is in use.
    """
    if framework not in FRAMEWORKS:
        raise UsageError(f"framework: {framework!r} is not one of {', '.join(FRAMEWORKS)}")
    files = library_files(model, framework)
    parameters = model.parameters
    about = {
        "framework": framework,
        "shape": model.shape,
        "recipe": model.experiment.recipe,
        "tifed": __version__,
    }
    if parameters is not None:
        about["parameters"] = parameters.digest
    if model.front_end is not None:
        about |= {"front_end": model.front_end.name, "front_end_digest": model.front_end.digest}
    if model.signal is not None:
        about |= {"front_end": model.signal.name, "front_end_digest": model.signal.digest}
    if model.extractor is not None:
        about["extractor"] = model.extractor.digest
    write_library(folder, files, about)
    experiment, extractor = model.experiment, model.extractor
    return Exported(
        folder=folder,
        framework=framework,
        files=len(files) + 1,
        shape=model.shape,
        ram=device_memory(
            model.network,
            model.layers,
            experiment.buffer,
            experiment.batch,
            bool(model.frozen),
            sourced=model.shifts is not None,
        ),
        flash=0 if parameters is None else sum(array.nbytes for _, array in parameters.named),
        features_ram=features_ram(model),
        shifts_ram=shifts_ram(model),
        extractor_flash=0 if extractor is None else constant_bytes(extractor),
        signal_ram=signal_ram(model),
    )
