"""``[partition]``: each kind's own settings, and how it deals samples to devices."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tifed.data.partition.kinds import by_group, dirichlet, iid, quantity_skew, shards
from tifed.data.partition.partition import Partition
from tifed.data.samples import Samples
from tifed.errors import UsageError
from tifed.registry import Registry, subclass_of


class PartitionKind(BaseModel, ABC):
    """Settings of a kind of partition, and the partition by it.

    Frozen; unknown fields are refused. A kind that reads no other random numbers than those of
    `tifed.rule.integer` gives the same partition on every machine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = Field("iid", description="how samples are divided among devices")

    @abstractmethod
    def deal(self, samples: Samples, devices: int, seed: int) -> Partition:
        """Who owns which of ``samples``.

        Args:
            samples: the training split.
            devices: how many there are.
            seed: of the experiment, 0..2**64 - 1.

        Raises:
            UsageError: if a device would be left without a sample, or a setting does not fit.
        """


class Iid(PartitionKind):
    """Samples are shuffled and dealt in turn."""

    limit_per_device: int | None = Field(
        None, ge=1, description="the most samples that a device keeps; default no limit"
    )

    def deal(self, samples: Samples, devices: int, seed: int) -> Partition:
        """See `tifed.data.partition.iid`."""
        return iid(samples.labels, devices, seed, limit_per_device=self.limit_per_device)


class Dirichlet(PartitionKind):
    """Every class has its own unequal shares among the devices."""

    alpha: float = Field(1.0, gt=0, le=1e6, description="a smaller value is more uneven")
    minimum: int = Field(1, ge=1, description="every device has at least this many samples")

    def deal(self, samples: Samples, devices: int, seed: int) -> Partition:
        """See `tifed.data.partition.dirichlet`."""
        return dirichlet(samples.labels, devices, self.alpha, seed, self.minimum)


class Shards(PartitionKind):
    """Classes are cut into shards, and each device gets the same number of them."""

    classes_per_device: int = Field(2, ge=1, description="how many classes each device has")

    def deal(self, samples: Samples, devices: int, seed: int) -> Partition:
        """See `tifed.data.partition.shards`."""
        return shards(samples.labels, devices, self.classes_per_device, seed)


class Quantity(PartitionKind):
    """Devices have unequal numbers of samples, of all classes alike."""

    alpha: float = Field(1.0, gt=0, le=1e6, description="a smaller value is more uneven")
    minimum: int = Field(1, ge=1, description="every device has at least this many samples")

    def deal(self, samples: Samples, devices: int, seed: int) -> Partition:
        """See `tifed.data.partition.quantity_skew`."""
        return quantity_skew(samples.labels, devices, self.alpha, seed, self.minimum)


class Group(PartitionKind):
    """The samples of one group of the data stay together."""

    def deal(self, samples: Samples, devices: int, seed: int) -> Partition:
        """See `tifed.data.partition.by_group`."""
        if samples.groups is None:
            raise UsageError(
                "partition.kind: the data have no groups; "
                "name their group column (data.group_column) or use another kind"
            )
        return by_group(samples.groups, devices, seed)


PARTITIONS: Registry[type[PartitionKind]] = Registry(
    "partition",
    "tifed.partitions",
    {
        "iid": "tifed.data.partition.settings:Iid",
        "dirichlet": "tifed.data.partition.settings:Dirichlet",
        "shards": "tifed.data.partition.settings:Shards",
        "quantity": "tifed.data.partition.settings:Quantity",
        "group": "tifed.data.partition.settings:Group",
    },
    subclass_of(PartitionKind),
    "a subclass of tifed.data.partition.PartitionKind",
)
"""Every kind of partition by the name that an experiment gives it."""

_ONCE_WRITTEN: Mapping[str, Any] = {"alpha": 1.0, "classes_per_device": 2, "minimum": 1}
"""Run folders of the first releases have the settings of all kinds, with these defaults."""


def chosen_kind(settings: Mapping[str, Any]) -> PartitionKind:
    """What ``[partition]`` says.

    Raises:
        UsageError: if there is no such kind.
        pydantic.ValidationError: if a setting is not one of the kind's, or out of range.
    """
    name = settings.get("kind", "iid")
    if not isinstance(name, str):
        raise UsageError(PARTITIONS.unknown(name))
    kind = PARTITIONS[name]
    return kind.model_validate(
        {
            key: value
            for key, value in settings.items()
            if key in kind.model_fields or key not in _ONCE_WRITTEN or value != _ONCE_WRITTEN[key]
        }
    )


def registered_kind(partition: PartitionKind) -> None:
    """Make sure that settings made in Python say their own kind, by which they are read again.

    Raises:
        UsageError: if their kind is that of another class, or of none.
    """
    name, made = partition.kind, type(partition)
    if PARTITIONS[name] is not made:
        raise UsageError(
            f"{name!r} is not the kind of {made.__name__}; give the name that it is registered "
            f"by, as in {made.__name__}(kind=...)"
        )
