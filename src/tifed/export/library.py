"""Every file of a library, as text, from its models: nothing is written here."""

import itertools
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from tifed.board.firmware.header import experiment_header
from tifed.export.architectures import ARDUINO, PLATFORMIO
from tifed.export.c_text import c_comment, c_string
from tifed.export.core_files import core_files, licence, link_files
from tifed.export.layout import FRAMEWORKS, Layout
from tifed.export.member import Member
from tifed.export.model import Model
from tifed.export.names import Names
from tifed.export.numbers import initialiser
from tifed.export.own_data import kept_bytes, store_bytes, store_records
from tifed.extractor.packed import constant_bytes
from tifed.plan.shift_costs import shift_ram
from tifed.plan.signal_costs import signal_room
from tifed.rule.network.memory import device_memory
from tifed.version import __version__

FEDERATED = "federated"
"""In the name of a template: needs all layers in RAM, which a server sends."""

HOMEPAGE = "https://arxiv.org/abs/2411.16442"
"""What manifests give as the project's address: the paper, until the project has one of its own."""


_KEY_BYTES = 60
"""What a device with a key keeps behind its model: the key's page, a seed, the number of starts."""


def model_files(
    model: Model, framework: str, names: Names, sealed: bool = False
) -> tuple[Member, dict[str, bytes]]:
    """What a library has for one of its models alone, and what its common files know of it.

    Args:
        model: with its parameters, if it starts from any.
        framework: one of `FRAMEWORKS`.
        names: of the model.
        sealed: whether the line of the federated program is.

    Returns:
        The description, and contents by path, relative to the library's folder.
    """
    layout = FRAMEWORKS[framework]
    generated = _generated(model, layout, names)
    environment, values = _environment(), _values(model, framework, names, sealed)

    def rendered(template: str) -> str:
        return names.applied(environment.get_template(template).render(values))

    files = {path: rendered(template).encode() for path, template in generated.items()}
    experiment = model.experiment
    header = experiment_header(
        model.network, (model.layers,), experiment.buffer, experiment.batch,
        front_end=model.front_end, extractor=model.extractor, shifts=model.shifts,
        signal_digest=None if model.signal is None else model.signal.digest,
    )  # fmt: skip
    files[names.applied(f"{layout.sources}/tifed_experiment.h")] = header.encode()
    member = Member(
        prefix=names.prefix,
        shape=model.shape,
        bytes_on_device=values["bytes_on_device"],
        joins=not model.frozen,
        switched=model.front_end is not None or model.shifts is not None,
        about=_about(model),
        readme=rendered("README_model.md"),
        paths=tuple(sorted(files)),
        sealed=sealed,
        short=model.short,
    )
    return member, files


def _about(model: Model) -> dict[str, str]:
    """By which whoever has a library finds what it was made of."""
    about = {"recipe": model.experiment.recipe}
    if model.parameters is not None:
        about["parameters"] = model.parameters.digest
    if model.front_end is not None:
        about |= {"front_end": model.front_end.name, "front_end_digest": model.front_end.digest}
    if model.signal is not None:
        about |= {"front_end": model.signal.name, "front_end_digest": model.signal.digest}
    if model.extractor is not None:
        about["extractor"] = model.extractor.digest
    return about


def _generated(model: Model, layout: Layout, names: Names) -> dict[str, str]:
    """Templates of a model by path."""
    generated = {
        f"{layout.headers}/tifed_model.h": "tifed_model.h",
        f"{layout.sources}/tifed_model.c": "tifed_model.c",
    }
    if model.parameters is not None:
        for kind in ("c", "h"):
            generated[f"{layout.sources}/tifed_parameters.{kind}"] = f"tifed_parameters.{kind}"
    generated = {names.applied(path): template for path, template in generated.items()}
    for template, path in layout.programs:
        if not (model.frozen and FEDERATED in template):
            generated[f"{layout.examples}/{names.examples}{path}"] = template
    return generated


def shared_files(members: Sequence[Member], framework: str) -> dict[str, bytes]:
    """What a library has once: the core, the link, the build system's files, README and licence.

    Args:
        members: its models.
        framework: one of `FRAMEWORKS`.

    Returns:
        Contents by path.
    """
    layout = FRAMEWORKS[framework]
    files = core_files(layout.sources, layout.headers)
    switched = any(member.switched for member in members)
    files |= link_files(
        layout.sources, layout.headers, front_end=switched, own=any(m.joins for m in members),
        sealed=any(m.sealed for m in members),
        short=sorted({switch for m in members for switch in m.short}),
    )  # fmt: skip
    files["LICENSE"] = licence()
    own = {
        member.prefix: [path for path in member.paths if _is_source(path, layout.sources)]
        for member in members
    }
    core = sorted(path for path in files if _is_source(path, layout.sources))
    environment = _environment()
    values = {
        "version": __version__,
        "homepage": HOMEPAGE,
        "framework": framework,
        "models": members,
        "headers": [member.names.applied("tifed_model.h") for member in members],
        "shapes": " and ".join(member.shape for member in members),
        "federated": any(member.joins for member in members),
        "sealed": any(member.sealed for member in members),
        "core": core,
        "own": own,
        "sources": sorted([*core, *(path for paths in own.values() for path in paths)]),
        "arduino": tuple(ARDUINO),
        "platformio": tuple(PLATFORMIO),
        "kernels": [path for path in core if "tifed_kernel" in path],
    }
    for template, path in layout.shared:
        files[path] = environment.get_template(template).render(values).encode()
    return files


def _is_source(path: str, folder: str) -> bool:
    return path.startswith(f"{folder}/") and path.endswith(".c")


def _values(model: Model, framework: str, names: Names, sealed: bool) -> dict[str, Any]:
    """What templates know of a model."""
    experiment, network = model.experiment, model.network
    records = store_records(experiment.held_out_every, experiment.buffer)
    ram = device_memory(
        network,
        model.layers,
        experiment.buffer,
        experiment.batch,
        bool(model.frozen),
        sourced=model.shifts is not None,
        received=bool(model.short),
    )
    return {
        "version": __version__,
        "framework": framework,
        "names": names,
        "model": model,
        "experiment": experiment,
        "network": network,
        "widest": max(network.shape[1:]),
        "trained_mask": sum(1 << layer for layer in model.layers),
        "seed_low": experiment.seed & 0xFFFF_FFFF,
        "seed_high": experiment.seed >> 32,
        "bytes_on_device": ram.total,
        "slots": kept_bytes(network),
        "sealed": sealed,
        "memory": f"(TIFED_MODEL_SLOTS + {_KEY_BYTES}u)" if sealed else "TIFED_MODEL_SLOTS",
        "feed": "hear(" if sealed else "tifed_device_feed(&device, ",
        "records": records,
        "store_ram": store_bytes(records, model.inputs),
        "features_ram": features_ram(model),
        "shifts_ram": shifts_ram(model),
        "extractor_flash": 0 if model.extractor is None else constant_bytes(model.extractor),
        "features": _features(model),
        "signal_ram": signal_ram(model),
        "mirrored_mask": sum(1 << axis for axis in getattr(model.signal, "mirrored", ())),
    }


def _features(model: Model) -> list[dict[str, Any]]:
    """What is said of the values of a sample: of each, or once if nothing tells them apart."""
    names = model.samples.feature_names
    count = model.inputs if names or len(model.maps) > 1 else 1
    return [
        {
            "name": names[number] if names else "",
            "fraction_bits": one.fraction_bits,
            "readings": one.range,
            "low": one.range[0] / 2.0**one.fraction_bits,
            "high": one.range[1] / 2.0**one.fraction_bits,
        }
        for number, one in zip(range(count), itertools.cycle(model.maps), strict=False)
    ]


def features_ram(model: Model) -> int:
    """Bytes of RAM in which a library makes features of a reading, the features included."""
    parts = model.before.ram(model.network.features)
    made = sum(int(part.value) for name, part in parts.items() if name != "readings")
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
    environment.filters |= {"initialiser": initialiser, "string": c_string, "comment": c_comment}
    return environment
