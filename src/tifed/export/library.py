"""Every file of a library, as text, from a model: nothing is written here."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from tifed.board.firmware.header import experiment_header
from tifed.export.architectures import ARDUINO, PLATFORMIO
from tifed.export.core_files import core_files, licence, link_files
from tifed.export.layout import FRAMEWORKS
from tifed.export.model import Model
from tifed.export.numbers import initialiser
from tifed.extractor.packed import constant_bytes
from tifed.plan.shift_costs import shift_ram
from tifed.plan.signal_costs import signal_room
from tifed.rule.network.memory import device_memory
from tifed.version import __version__

FEDERATED = "federated"
"""In the name of a template: needs all layers in RAM, which a server sends."""


def library_files(model: Model, framework: str) -> dict[str, bytes]:
    """Contents by path, relative to the library's folder.

    Args:
        model: what the library is about.
        framework: one of `FRAMEWORKS`.
    """
    layout = FRAMEWORKS[framework]
    files = core_files(layout.sources, layout.headers)
    files |= link_files(
        layout.sources,
        layout.headers,
        front_end=model.front_end is not None or model.shifts is not None,
    )
    files["LICENSE"] = licence()
    experiment = model.experiment
    header = experiment_header(
        model.network, (model.layers,), experiment.buffer, experiment.batch,
        front_end=model.front_end, extractor=model.extractor, shifts=model.shifts,
    )  # fmt: skip
    files[f"{layout.sources}/tifed_experiment.h"] = header.encode()
    generated = {
        f"{layout.headers}/tifed_model.h": "tifed_model.h",
        f"{layout.sources}/tifed_model.c": "tifed_model.c",
    }
    if model.parameters is not None:
        for kind in ("c", "h"):
            generated[f"{layout.sources}/tifed_parameters.{kind}"] = f"tifed_parameters.{kind}"
    for template, path in layout.files:
        if not (model.frozen and FEDERATED in template):
            generated[path] = template
    sources = sorted(path for path in (*files, *generated) if _is_source(path, layout.sources))
    environment = _environment()
    values = _values(model, sources, framework)
    for path, template in generated.items():
        files[path] = environment.get_template(template).render(values).encode()
    return files


def _is_source(path: str, folder: str) -> bool:
    return path.startswith(f"{folder}/") and path.endswith(".c")


def _values(model: Model, sources: list[str], framework: str) -> dict[str, Any]:
    """What templates know."""
    experiment, network = model.experiment, model.network
    ram = device_memory(
        network,
        model.layers,
        experiment.buffer,
        experiment.batch,
        bool(model.frozen),
        sourced=model.shifts is not None,
    )
    return {
        "version": __version__,
        "framework": framework,
        "model": model,
        "experiment": experiment,
        "network": network,
        "widest": max(network.shape[1:]),
        "trained_mask": sum(1 << layer for layer in model.layers),
        "seed_low": experiment.seed & 0xFFFF_FFFF,
        "seed_high": experiment.seed >> 32,
        "bytes_on_device": ram.total,
        "features_ram": features_ram(model),
        "shifts_ram": shifts_ram(model),
        "extractor_flash": 0 if model.extractor is None else constant_bytes(model.extractor),
        "signal_ram": signal_ram(model),
        "mirrored_mask": sum(1 << axis for axis in getattr(model.signal, "mirrored", ())),
        "sources": sources,
        "arduino": tuple(ARDUINO),
        "platformio": tuple(PLATFORMIO),
        "kernels": [path for path in sources if "tifed_kernel" in path],
    }


def features_ram(model: Model) -> int:
    """Bytes of RAM in which a library makes features of a reading, the features included."""
    parts = model.before.ram(model.network.features)
    made = sum(int(part.value) for part in parts.values())
    # What a front end gives has a place of its own.
    return made + (model.kept if model.front_end is not None else 0)


def signal_ram(model: Model) -> int:
    """Bytes of RAM in which a library makes a sample of readings, the sample included."""
    return 0 if model.signal is None else signal_room(model.signal)


def shifts_ram(model: Model) -> int:
    """Bytes of RAM for raw samples and for making shift copies of them."""
    if model.shifts is None:
        return 0
    parts = shift_ram(model.shifts, model.front_end, model.experiment.buffer)
    return sum(int(part.value) for part in parts.values())


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("tifed.export"),
        autoescape=False,  # noqa: S701 - the output is C and build files, not a page
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["initialiser"] = initialiser
    return environment
