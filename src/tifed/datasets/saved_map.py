"""A table read with the map of an earlier one: columns by name, in that one's order."""

import difflib
from dataclasses import replace
from pathlib import Path

from tifed.datasets.quantisation import Quantisation
from tifed.datasets.quantisation_file import load_quantisation
from tifed.datasets.table import Table
from tifed.errors import UsageError


def saved_map(quantise: str | Path) -> Quantisation | None:
    """The map that the option ``quantise`` names a file of; None if it names a way to make one.

    Raises:
        UsageError: if there is no such file, or it holds no map.
    """
    if isinstance(quantise, Path) or str(quantise).endswith(".json"):
        return load_quantisation(Path(quantise))
    return None


def columns_as_saved(table: Table, saved: Quantisation, where: str) -> Table:
    """``table`` with its columns in the order of the map, found by name.

    A table or a map without names is taken as it is: their numbers of columns are compared later.

    Args:
        table: as a file has it.
        saved: the map.
        where: the file, for the error.

    Raises:
        UsageError: if a column that the map was made for is missing, or one is new.
    """
    wanted, given = saved.feature_names, table.feature_names
    if not wanted or not given or wanted == given:
        return table
    for name in wanted:
        if name not in given:
            near = difflib.get_close_matches(name, given, 1)
            raise UsageError(
                f"{where}: has no column {name!r}, which the saved map in data.quantise was made "
                "for" + (f"; did you mean {near[0]!r}?" if near else "")
            )
    for name in given:
        if name not in wanted:
            raise UsageError(
                f"{where}: column {name!r} is not among those that the saved map in data.quantise "
                f"was made for ({', '.join(wanted[:8])}{', ...' if len(wanted) > 8 else ''}); "
                f"leave it out with data.ignore_columns = [{name!r}]"
            )
    order = [given.index(name) for name in wanted]
    return replace(table, features=table.features[:, order], feature_names=wanted)
