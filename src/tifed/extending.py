"""How a script adds what an experiment can name; an installed package has entry points instead.

Both are in docs/extending.md, with an example of each. What is registered here is known in this
process alone: a run's folder says so, and goes on where the same call comes first.
"""

import re

from tifed.baselines import BASELINES, Baseline
from tifed.data import DATASETS, READERS
from tifed.data.catalogue import Loader
from tifed.data.own_files import Reader
from tifed.data.partition import PARTITIONS, PartitionKind
from tifed.errors import UsageError
from tifed.experiment.fleet_kind import FLEETS, FleetKind
from tifed.link.scheme import TRANSPORTS, Scheme
from tifed.rule.front_end import FRONT_ENDS, FrontEndMaker
from tifed.rule.recipes import RECIPES, Recipe


def register_recipe(name: str, recipe: type[Recipe]) -> None:
    """Add a recipe: ``recipe = "NAME"``, with its fields in ``[recipe_settings]``.

    Raises:
        UsageError: if the name is taken, or it is no recipe.
    """
    RECIPES.register(name, recipe)


def register_baseline(name: str, baseline: type[Baseline]) -> None:
    """Add a baseline: ``baseline = "NAME"``, with its fields in ``[baseline_settings]``.

    Raises:
        UsageError: if the name is taken, or it is no baseline.
    """
    BASELINES.register(name, baseline)


def register_partition(name: str, kind: type[PartitionKind]) -> None:
    """Add a kind of partition: ``partition.kind = "NAME"``, with its fields in ``[partition]``.

    Raises:
        UsageError: if the name is taken, or it is no kind of partition.
    """
    PARTITIONS.register(name, kind)


def register_dataset(name: str, load: Loader) -> None:
    """Add a data set: ``dataset = "NAME"``, with the loader's keywords in ``[data]``.

    Args:
        name: of the data set.
        load: takes `tifed.data.Folders` and gives a `tifed.data.Dataset`.

    Raises:
        UsageError: if the name is taken, or it is no function.
    """
    DATASETS.register(name, load)


def register_reader(ending: str, read: Reader) -> None:
    """Add a reader of files whose names end in ``ending``, with its keywords in ``[data]``.

    Args:
        ending: such as ``.gestures``, in small letters.
        read: takes a path and whether values may be missing; gives a `tifed.data.Table` of all
            samples and None, or those of the training and the test split.

    Raises:
        UsageError: if the ending is taken, or is none.
    """
    if not re.fullmatch(r"\.[^.A-Z/\\]+", str(ending)):
        raise UsageError(f"reader of files: {ending!r} is not an ending such as '.gestures'")
    READERS.register(ending, read)


def register_front_end(name: str, make: FrontEndMaker) -> None:
    """Add a front end: ``front_end = "NAME"``.

    Args:
        name: of the front end.
        make: takes the shape of a raw sample, (height, width, channels) of a picture or (values,),
            and gives a `tifed.rule.front_end.FrontEndBase`; raises `UsageError` if there is none.

    Raises:
        UsageError: if the name is taken, or it is no function.
    """
    FRONT_ENDS.register(name, make)


def register_fleet(name: str, kind: type[FleetKind]) -> None:
    """Add a kind of fleet: ``fleet = "NAME"``, with its fields in ``[fleet_settings]``.

    Raises:
        UsageError: if the name is taken, or it is no kind of fleet.
    """
    FLEETS.register(name, kind)


def register_transport(scheme: str, transport: type[Scheme]) -> None:
    """Add a kind of lines to devices: addresses that begin with ``SCHEME:``.

    Raises:
        UsageError: if the scheme is taken, or is none.
    """
    if not re.fullmatch(r"[a-z][a-z0-9+-]*", str(scheme)):
        raise UsageError(f"transport: {scheme!r} is not a word such as 'mqtt'")
    TRANSPORTS.register(scheme, transport)
