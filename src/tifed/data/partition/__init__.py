"""Who owns which samples: partitions of a training split over devices."""

from tifed.data.partition.kinds import by_group, dirichlet, iid, quantity_skew, shards
from tifed.data.partition.partition import Partition, explicit
from tifed.data.partition.pictures import picture
from tifed.data.partition.settings import PARTITIONS, PartitionKind
from tifed.data.partition.text import text_table

__all__ = [
    "PARTITIONS",
    "Partition",
    "PartitionKind",
    "by_group",
    "dirichlet",
    "explicit",
    "iid",
    "picture",
    "quantity_skew",
    "shards",
    "text_table",
]
