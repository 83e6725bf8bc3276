"""Export: a model's library into a folder."""

from dataclasses import dataclass
from pathlib import Path

from tifed.errors import UsageError
from tifed.export.folder import write_library
from tifed.export.layout import FRAMEWORKS
from tifed.export.library import (
    features_ram,
    model_files,
    shared_files,
    shifts_ram,
    signal_ram,
)
from tifed.export.member import members_about, members_of, require_none_lost
from tifed.export.model import Model
from tifed.export.names import DEFAULT, Names
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


def export(
    model: Model,
    framework: str,
    folder: Path,
    prefix: str = DEFAULT,
    add: bool = False,
    sealed: bool = False,
) -> Exported:
    """Write a library for ``framework`` into ``folder``, or add a model to the one there.

    Args:
        model: from `model_for`.
        framework: one of `FRAMEWORKS`.
        folder: free, empty, or an earlier export.
        prefix: of the names of the model's functions, constants and files.
        add: whether the folder is a library whose models stay; one of the same prefix is replaced.
        sealed: whether the line of the federated program is sealed with a key, which is no part
            of the library.

    Raises:
        UsageError: if there is no such framework, the prefix cannot be one, the folder is in use,
            or is nothing that a model can be added to; if the line is to be sealed of a model that
            has none, or Monocypher cannot be had.
    """
    if framework not in FRAMEWORKS:
        raise UsageError(f"framework: {framework!r} is not one of {', '.join(FRAMEWORKS)}")
    if sealed and model.frozen:
        raise UsageError(
            "sealed: a model with layers in flash takes part in no federation, so there is no line "
            "to seal"
        )
    names = Names(prefix)
    if not add:
        require_none_lost(folder, prefix)
    together = members_of(folder, framework) if add else {}
    together[prefix] = model_files(model, framework, names, sealed)
    members = {name: member for name, (member, _) in sorted(together.items())}
    files = shared_files(tuple(members.values()), framework)
    for _, own in together.values():
        files |= own
    about = {"framework": framework, "tifed": __version__, "models": members_about(members)}
    write_library(folder, files, about)
    experiment, extractor, parameters = model.experiment, model.extractor, model.parameters
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
