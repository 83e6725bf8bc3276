"""What a finished run leaves: its result, the tables behind the report's pictures, every round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tifed.data.quantisation.quantised import QuantisationReport
from tifed.experiment.growing_table import Row
from tifed.experiment.metrics import Count, Fraction, RoundRow
from tifed.experiment.own_result import OwnData, OwnDevice

HeldOut = Literal["test", "validation", "devices"]
"""What accuracy is measured on: a split of the data set, or what each device holds out."""


class _Record(BaseModel):
    """Frozen; fields that this version does not know are ignored."""

    model_config = ConfigDict(frozen=True)


class PrivacySpent(_Record):
    """What a run with noise has given away of a device, all of whose training samples it hides.

    Attributes:
        epsilon: with probability 1 - delta nobody can tell a run in which a device trained from
            one in which it changed nothing by more than a factor of exp(epsilon).
        delta: see epsilon.
        exchanges: in which the device was asked that was asked most often.
        clip: bound on the L2 norm of what a device changed in each.
        sigma: of the discrete Gaussian that each site added.
        sites: with so many of them in a sum the noise is what epsilon is computed from.
        private: false if the noise was that of a test.
    """

    epsilon: Annotated[float, Field(ge=0)]
    delta: Fraction
    exchanges: Count
    clip: Annotated[int, Field(ge=1)]
    sigma: Annotated[int, Field(ge=1)]
    sites: Annotated[int, Field(ge=1)] = 1
    private: bool = True


class Result(_Record):
    """A finished run; its folder has it as ``result.json``.

    Attributes:
        accuracy: of the published model of the final round on held-out data.
        balanced_accuracy: mean over the classes that occur there of the share of their samples
            that are classified rightly; None in folders of the first releases, and where devices
            did not say their scores by class.
        commonest_class_share: what always answering the commonest class there would reach; None
            in the same cases.
        digest: SHA-256 of the published model; of integers the same on any machine, of floats not.
        rounds: rounds that were run.
        mode: which layers a device trained.
        recipe: settings of the learning rule.
        dataset: what was learnt.
        layers: the network's shape.
        devices: devices in the fleet.
        engine: who computed the learning rule.
        seed: of everything random.
        held_out: what accuracy was measured on.
        held_out_samples: how many samples that is.
        bytes_up_per_device: parameters sent by a device in the whole run, mean over devices.
        bytes_down_per_device: parameters sent to a device.
        macs_per_device: multiply-accumulates of a device.
        seconds: spent on the run, evaluation included.
        out: the run's folder, or None.
        dataset_digest: SHA-256 of the samples, or of their features; where the devices alone have
            any, of what is known of them (`Setup.data_digest`).
        command: how to repeat the run.
        front_end: what turned raw samples into features, or None.
        extractor_digest: SHA-256 of what made the features, or None.
        baseline: what learnt in place of the recipe, for comparison; None if nothing did.
        energy: mean over the calibration's samples of the sum over features of the squared distance
            from the centre; None without a calibration round.
        energy_shift: what the recipe chose from it to add to the first layer's update shift.
        warnings: what makes the result doubtful, a sentence each; empty if nothing is known to.
        quantisation: what became of the data's numbers when they were made int8.
        test_accuracy: of the published model on the test split, where accuracy was measured on
            devices and there is one.
        own: what came of a run in which each device has its samples itself; None in others.
        privacy: what a run with noise has given away of a device; None in others.
    """

    accuracy: Fraction
    balanced_accuracy: Fraction | None = None
    commonest_class_share: Fraction | None = None
    digest: str
    rounds: Count
    mode: str
    recipe: str
    dataset: str
    layers: tuple[int, ...]
    devices: Annotated[int, Field(ge=1)]
    engine: str
    seed: Count
    held_out: HeldOut
    held_out_samples: Annotated[int, Field(ge=1)]
    bytes_up_per_device: Count
    bytes_down_per_device: Count
    macs_per_device: Count
    seconds: Annotated[float, Field(ge=0)]
    out: str | None = None
    dataset_digest: str
    command: str
    front_end: str | None = None
    extractor_digest: str | None = None
    baseline: str | None = None
    energy: Count | None = None
    energy_shift: int = 0
    warnings: tuple[str, ...] = ()
    quantisation: QuantisationReport | None = None
    test_accuracy: Fraction | None = None
    own: OwnData | None = None
    privacy: PrivacySpent | None = None


class DeviceAccuracy(_Record):
    """The global model on one device's own samples.

    They are its training samples, with own data those that it holds out.
    """

    device: Count
    correct: Count
    samples: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _not_more_than_all(self) -> Self:
        if self.correct > self.samples:
            raise ValueError(f"{self.correct} of {self.samples} samples cannot be right")
        return self


class Details(_Record):
    """``details.json``: the tables behind the pictures; an empty one leaves its picture out."""

    confusion: tuple[tuple[Count, ...], ...]
    class_names: tuple[str, ...]
    device_scores: tuple[DeviceAccuracy, ...]
    partition: tuple[tuple[Count, ...], ...]
    partition_kind: str
    own_devices: tuple[OwnDevice, ...] = ()

    @model_validator(mode="after")
    def _tables_fit_the_classes(self) -> Self:
        classes = len(self.class_names)
        if self.confusion and len(self.confusion) != classes:
            raise ValueError(f"confusion has {len(self.confusion)} rows for {classes} classes")
        for name, table in (("confusion", self.confusion), ("partition", self.partition)):
            for number, row in enumerate(table):
                if len(row) != classes:
                    raise ValueError(f"{name} row {number} has {len(row)} of {classes} columns")
        return self


@dataclass(frozen=True)
class FinishedRun:
    """Everything that a report is made from.

    Attributes:
        experiment: the resolved experiment, tables within tables.
        rounds: first to last, one or more.
        result: the outcome.
        details: the tables behind the pictures.
        contributions: the rows of ``contributions.csv``.
    """

    experiment: Mapping[str, Any]
    rounds: tuple[RoundRow, ...]
    result: Result
    details: Details
    contributions: Sequence[Row] = ()
