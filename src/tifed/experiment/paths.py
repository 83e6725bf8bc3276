"""Files that an experiment names, found from wherever it is read.

A path in a TOML file is relative to that file, one on the command line to the working folder. What
is found becomes absolute, so that a run's folder resumes from anywhere. What is not found stays as
it is: it may be a name, or lie in the folder of data sets.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tifed.data import names


def located(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """``settings`` with the files that they name as absolute paths.

    Args:
        settings: some or all of an experiment's, as a TOML file has them.
        folder: what relative paths are relative to.
    """
    result = dict(settings)
    for key in ("dataset", "extractor"):
        if key in result and result[key] not in names():
            result[key] = _found(result[key], folder, folders=key == "dataset")
    link = result.get("link")
    if isinstance(link, Mapping) and "keys" in link:
        result["link"] = {**link, "keys": _found(link["keys"], folder)}
    data = result.get("data")
    if isinstance(data, Mapping):
        result["data"] = {
            option: _found(value, folder)
            if option.endswith("_file") or (option == "quantise" and str(value).endswith(".json"))
            else value
            for option, value in data.items()
        }
    return result


def _found(value: Any, folder: Path, *, folders: bool = False) -> Any:
    """The absolute path of a file that is there, else ``value``."""
    if not isinstance(value, str) or not value or "\0" in value:
        return value
    path = folder / value
    try:
        there = path.is_file() or (folders and path.is_dir())
    except OSError:  # a name too long for the file system
        return value
    return str(path.absolute()) if there else value
