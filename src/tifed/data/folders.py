"""Where a data set is looked for, and whether it may be fetched."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Folders:
    """What every loader of a named data set is told.

    Attributes:
        data: the user's folder of data sets, if there is one.
        cache: where downloads are kept; None for `tifed.data.locate.cache_folder`'s choice.
        download: whether the network may be used.
    """

    data: Path | None = None
    cache: Path | None = None
    download: bool = True
