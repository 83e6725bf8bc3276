"""Who brought what an experiment names, so that it can be said where that is missing.

``experiment.toml`` in a run's folder, and what nodes of a federation are sent, have it as a table
``[provided_by]``: of names that TIFeD does not bring itself the package and its version.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tifed.data import DATASETS, READERS
from tifed.data.partition import PARTITIONS
from tifed.errors import UsageError
from tifed.experiment.names import CHOICES
from tifed.link.scheme import TRANSPORTS
from tifed.registry import BUILT_IN, SCRIPT, Registry
from tifed.rule.front_end import FRONT_ENDS

TABLE = "provided_by"


def providers(settings: Mapping[str, Any]) -> dict[str, str]:
    """By kind and name who brings what ``settings`` name, TIFeD itself apart.

    >>> providers({"recipe": "paper", "dataset": "digits"})
    {}
    """
    return {
        f"{registry.what} {name}": registry.provider(name)
        for registry, name in _named(settings)
        if name in registry and registry.provider(name) != BUILT_IN
    }


def require_provided(settings: Mapping[str, Any], table: object, where: str) -> None:
    """Make sure that what ``settings`` name is here.

    Args:
        settings: of an experiment.
        table: what `providers` said of it, where it was written.
        where: the file, for messages.

    Raises:
        UsageError: naming everything that is missing, and who brought it.
    """
    if not isinstance(table, Mapping):
        raise UsageError(f"{where}: {TABLE} is a table that TIFeD writes, not {table!r:.80}")
    missing = []
    for registry, name in _named(settings):
        provider = table.get(f"{registry.what} {name}")
        if provider is None or name in registry:
            continue
        remedy = f"install {provider}"
        if provider == SCRIPT:
            remedy = "go on with it by that script, which registers it first (docs/extending.md)"
        missing.append(
            f"{where}: there is no {registry.what} {name!r} here; {provider} brought it when this "
            f"was written: {remedy}"
        )
    if missing:
        raise UsageError("\n".join(missing))


def _named(settings: Mapping[str, Any]) -> Iterator[tuple[Registry[Any], str]]:
    """All names in ``settings`` that can be registered, whether they are or not."""
    partition, link = settings.get("partition"), settings.get("link")
    dataset = str(settings.get("dataset", ""))
    names: list[tuple[Registry[Any], object]] = [
        *((registry, settings.get(key)) for key, registry in CHOICES.items()),
        (FRONT_ENDS, settings.get("front_end")),
        (PARTITIONS, partition.get("kind") if isinstance(partition, Mapping) else None),
        (DATASETS, dataset),
        (READERS, Path(dataset.replace("\0", "")).suffix.lower()),
    ]
    lines = link.get("devices") if isinstance(link, Mapping) else None
    if isinstance(lines, list | tuple):
        schemes = dict.fromkeys(str(line).partition(":")[0] for line in lines)
        names += [(TRANSPORTS, scheme) for scheme in schemes]
    for registry, name in names:
        if isinstance(name, str) and name:
            yield registry, name
