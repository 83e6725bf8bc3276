"""Who owns which samples: partitions of a training split over devices."""

from tifed.partition.kinds import by_group, dirichlet, iid, quantity_skew, shards
from tifed.partition.partition import Partition, explicit
from tifed.partition.picture import picture
from tifed.partition.text import text_table

__all__ = [
    "Partition",
    "by_group",
    "dirichlet",
    "explicit",
    "iid",
    "picture",
    "quantity_skew",
    "shards",
    "text_table",
]
