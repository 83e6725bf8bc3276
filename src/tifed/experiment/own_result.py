"""What a run leaves in which each device had its samples itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tifed.experiment.metrics import Count, Fraction
from tifed.federation import DeviceCounts, DeviceScore, PersonalScore


class _Record(BaseModel):
    """Frozen; fields that this version does not know are ignored."""

    model_config = ConfigDict(frozen=True)


class PersonalOutcome(_Record):
    """What personal rounds gave, over the devices that made them; accuracies on held-out samples.

    Attributes:
        devices: how many made them.
        mean_before: mean over them of the published model's accuracy.
        mean_after: mean over them of the accuracy of the model that each has in the end.
        weakest_before: the least of the accuracies before.
        weakest_after: what the device with that one has in the end.
        went_back: devices that went back to the published model, for their own had lost.
    """

    devices: Annotated[int, Field(ge=1)]
    mean_before: Fraction
    mean_after: Fraction
    weakest_before: Fraction
    weakest_after: Fraction
    went_back: Count


class OwnData(_Record):
    """The part of a result that only runs with own data have.

    Attributes:
        on_devices: whether the devices alone had any samples.
        held_out_every: every how manieth sample of a device is held out.
        devices_scored: devices that scored the published model.
        worst_tenth: mean accuracy of the worst tenth of them, of one at least.
        personal: what personal rounds gave; None without them.
    """

    on_devices: bool
    held_out_every: Annotated[int, Field(ge=2)]
    devices_scored: Annotated[int, Field(ge=1)]
    worst_tenth: Fraction
    personal: PersonalOutcome | None = None


class OwnDevice(_Record):
    """One device's line in the table of the report; None is what it did not say.

    Attributes:
        device: its number.
        training_at_start: training samples when the run began, or went on.
        training: training samples in the end.
        held_out: held-out samples in the end.
        correct: held-out samples that the published model classifies rightly.
        samples: held-out samples that it was scored on.
        personal: how many of these the model after the personal rounds classifies rightly.
        by_class: per class how many were classified rightly, and how many there are.
    """

    device: Count
    training_at_start: Count | None = None
    training: Count | None = None
    held_out: Count | None = None
    correct: Count | None = None
    samples: Count | None = None
    personal: Count | None = None
    by_class: tuple[tuple[Count, Count], ...] = ()

    @model_validator(mode="after")
    def _not_more_than_all(self) -> Self:
        for right in (self.correct, self.personal):
            if right is not None and (self.samples is None or right > self.samples):
                raise ValueError(f"{right} of {self.samples} samples cannot be right")
        return self

    @property
    def accuracy(self) -> float | None:
        """Of the published model on its held-out samples."""
        return None if self.correct is None or not self.samples else self.correct / self.samples

    @property
    def kept(self) -> float | None:
        """Of the model that it has after personal rounds; None if it made none."""
        if self.personal is None or self.correct is None or not self.samples:
            return None
        return max(self.correct, self.personal) / self.samples


@dataclass(frozen=True)
class Learnt:
    """All that devices with own data have said, by device.

    Attributes:
        first: counts when the run began, or went on.
        last: counts in the end.
        scores: of the published model.
        personal: before and after personal rounds.
    """

    first: Mapping[int, DeviceCounts]
    last: Mapping[int, DeviceCounts]
    scores: Mapping[int, DeviceScore]
    personal: Mapping[int, PersonalScore]

    def table(self, devices: int) -> tuple[OwnDevice, ...]:
        """A line for each of ``devices``."""
        return tuple(map(self._line, range(devices)))

    def _line(self, device: int) -> OwnDevice:
        first, last = self.first.get(device), self.last.get(device)
        score, personal = self.scores.get(device), self.personal.get(device)
        # Where held-out samples came in between, the personal score is of others than the first.
        fits = score is not None and personal is not None and personal.samples == score.samples
        return OwnDevice(
            device=device,
            training_at_start=None if first is None else first.training,
            training=None if last is None else last.training,
            held_out=None if last is None else last.held_out,
            correct=None if score is None else score.correct,
            samples=None if score is None else score.samples,
            personal=personal.after if fits and personal is not None else None,
            by_class=() if score is None else score.by_class,
        )


def worst_tenth(found: Sequence[DeviceScore]) -> float:
    """Mean accuracy of the worst tenth of one or more devices, of one at least.

    >>> worst_tenth([DeviceScore(d, d, 40) for d in range(20)])
    0.0125
    """
    accuracies = sorted(score.correct / score.samples for score in found)
    worst = accuracies[: max(1, len(accuracies) // 10)]
    return sum(worst) / len(worst)


def personal_outcome(found: Sequence[PersonalScore]) -> PersonalOutcome | None:
    """What personal rounds gave; None if nobody made any."""
    if not found:
        return None
    count = len(found)
    weakest = min(found, key=lambda score: (score.before / score.samples, score.device))
    return PersonalOutcome(
        devices=count,
        mean_before=sum(score.before / score.samples for score in found) / count,
        mean_after=sum(score.kept / score.samples for score in found) / count,
        weakest_before=weakest.before / weakest.samples,
        weakest_after=weakest.kept / weakest.samples,
        went_back=sum(score.after < score.before for score in found),
    )
