"""What a node says of the samples that it has, for the server to compare."""

from typing import ClassVar

import numpy as np
import pytest

import tifed
from tifed.data import Samples
from tifed.data.partition import Partition, PartitionKind
from tifed.errors import UsageError
from tifed.experiment import build, load_experiment, to_toml
from tifed.federation import with_own_data
from tifed.nodes.acceptance import ANY
from tifed.nodes.context import DeviceSelection, samples_digest, simulated_context
from tifed.nodes.terms import FEDERATION, NODE, NodeTerms


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
    assert setup.dataset is not None
    assert samples_digest(experiment, setup) == setup.dataset.digest


@pytest.mark.parametrize("dataset_of", [FEDERATION, NODE])
def test_a_nodes_data_set_is_of_its_own_devices_or_of_all(dataset_of: str) -> None:
    overrides = ["own_data=true", "layers=[64,8,10]", "devices=5", "devices_per_round=4"]
    dealt = build(load_experiment(overrides=overrides))
    lines = "fleet=linked", 'link.devices=["unix:0","unix:1","unix:2","unix:3","unix:4"]'
    text = to_toml(load_experiment(overrides=[*overrides, "dataset=on-devices", *lines]))
    terms = NodeTerms(ANY, "digits", dataset_of)
    node = simulated_context(text, DeviceSelection(partition=(1, 2)), None, terms)
    assert node.data == "on-devices"
    found = {counts.device: counts for counts in with_own_data(node.fleet).counts()}
    assert list(found) == list(node.devices) == [3, 4]
    assert dealt.dataset is not None
    samples = sum(counts.training + counts.held_out for counts in found.values())
    if dataset_of == NODE:
        assert samples == len(dealt.dataset.train)
    else:
        own = [len(dealt.inputs.streams[device]) for device in node.devices]
        assert [counts.training for counts in found.values()] == own
        assert samples < len(dealt.dataset.train)


def test_a_data_set_of_a_nodes_own_devices_goes_with_samples_on_devices() -> None:
    text = to_toml(load_experiment(overrides=["own_data=true", "devices=2"]))
    terms = NodeTerms(ANY, "digits", NODE)
    with pytest.raises(UsageError, match="dataset-of='node' goes with dataset, and with exp"):
        simulated_context(text, DeviceSelection(partition=(0, 1)), None, terms)
