"""What a node says of the samples that it has, for the server to compare."""

from typing import ClassVar

import numpy as np
import pytest

import tifed
from tifed.data import Samples
from tifed.data.partition import Partition, PartitionKind
from tifed.experiment import build, load_experiment
from tifed.nodes.context import samples_digest


class Rolled(PartitionKind):
    """Equal blocks, which begin elsewhere in another version of the package."""

    begins: ClassVar[int] = 0

    def deal(self, samples: Samples, devices: int, seed: int) -> Partition:
        """One block after the other."""
        del seed
        order = np.roll(np.arange(len(samples), dtype=np.int64), self.begins)
        return Partition(tuple(np.array_split(order, devices)), len(samples), "rolled")


def test_a_node_with_another_version_of_a_partition_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tifed.register_partition("rolled", Rolled)
    experiment = load_experiment(overrides={"partition.kind": "rolled"})
    mine = samples_digest(experiment, build(experiment))
    assert samples_digest(experiment, build(experiment)) == mine
    monkeypatch.setattr(Rolled, "begins", 1)
    assert samples_digest(experiment, build(experiment)) != mine


def test_samples_that_tifed_deals_are_named_by_the_data_alone() -> None:
    experiment = load_experiment()
    setup = build(experiment)
    assert samples_digest(experiment, setup) == setup.dataset.digest
