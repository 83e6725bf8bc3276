"""Maps as JSON: what `Quantisation.save` wrote, and what a model file has in its header."""

import json
from pathlib import Path
from typing import Any

from tifed.data.quantisation.quantisation import CONSTANTS, FORMAT, VERSION, Quantisation
from tifed.errors import UsageError

_NAMES = ("feature_names", "class_names")


def saved_map(quantise: str | Path) -> Quantisation | None:
    """The map that the option ``quantise`` names a file of; None if it names a way to make one.

    Raises:
        UsageError: if there is no such file, or it holds no map.
    """
    if isinstance(quantise, Path) or str(quantise).endswith(".json"):
        return load_quantisation(Path(quantise))
    return None


def load_quantisation(path: Path) -> Quantisation:
    """Read what `Quantisation.save` wrote.

    Raises:
        UsageError: if the file is missing, is no such file, or is of another version.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror}); name a file that Quantisation.save wrote"
        ) from error
    except ValueError as error:
        raise UsageError(f"{path}: is not JSON ({error}); save the quantisation again") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise UsageError(f"{path}: is no quantisation file; its 'format' must be {FORMAT!r}")
    if document.get("version") not in (1, VERSION):
        raise UsageError(
            f"{path}: version {document.get('version')!r} of the format is unknown; "
            f"this release reads versions 1 and {VERSION}"
        )
    return quantisation_of(document, str(path))


def constants_of(quantisation: Quantisation) -> dict[str, Any]:
    """A map without names, as `quantisation_of` takes it."""
    constants = {name: getattr(quantisation, name) for name in CONSTANTS if quantisation.shift}
    return {"kind": quantisation.kind, **constants}


def quantisation_of(document: object, where: str) -> Quantisation:
    """The map that a JSON object describes.

    Args:
        document: the object.
        where: what to call it in an error message.

    Raises:
        UsageError: if it describes no map.
    """
    if not isinstance(document, dict):
        raise UsageError(f"{where}: must be an object with the constants of a map")
    fields = {name: document.get(name, []) for name in (*CONSTANTS, *_NAMES)}
    for name, values in fields.items():
        if not isinstance(values, list):
            kind_of = "names" if name in _NAMES else "integers"
            raise UsageError(f"{where}: {name} must be a list of {kind_of}")
        if name in _NAMES and not all(isinstance(value, str) for value in values):
            raise UsageError(f"{where}: {name} must be a list of names, each in quotation marks")
    try:
        kind: Any = document.get("kind")
        return Quantisation(kind, **{name: tuple(v) for name, v in fields.items()})
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from error
