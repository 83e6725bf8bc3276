"""What a run with own data has come to, in words and as a table."""

from collections.abc import Iterator

from tifed.experiment.own_result import OwnDevice
from tifed.experiment.result import Result

MOST_ROWS = 200
"""Devices that the table shows, the worst first; the others are in ``details.json``."""


def sentences(result: Result) -> Iterator[str]:
    """What only a run with own data has to say; nothing of another run."""
    own = result.own
    if own is None:
        return
    if own.on_devices:
        yield "The server has no data set: the samples are on the devices alone."
    yield (
        f"Accuracy is measured on devices: {own.devices_scored:,} of "
        f"{_counted(result.devices, 'device')} scored the model on "
        f"{_counted(result.held_out_samples, 'sample')} that they hold out, one of every "
        f"{own.held_out_every} of their own. The worst tenth of devices has a mean accuracy of "
        f"{own.worst_tenth:.4f}."
    )
    if result.test_accuracy is not None:
        yield f"On the test split of the data set the accuracy is {result.test_accuracy:.4f}."
    personal = own.personal
    if personal is not None:
        yield (
            f"Personal rounds on {_counted(personal.devices, 'device')}: mean accuracy of a device "
            f"{personal.mean_before:.4f} before, {personal.mean_after:.4f} after; of the weakest "
            f"device {personal.weakest_before:.4f} before, {personal.weakest_after:.4f} after; "
            f"{personal.went_back} went back to the common model, because fewer of the held-out "
            "samples were right."
        )


def rows(devices: tuple[OwnDevice, ...]) -> list[tuple[str, ...]]:
    """The table, worst device first: number, training, held out, right, accuracy, personal."""

    def worst_first(one: OwnDevice) -> tuple[float, int]:
        return (2.0 if one.accuracy is None else one.accuracy, one.device)

    return [
        (
            str(one.device),
            _count(one.training_at_start),
            _count(one.training),
            _count(one.held_out),
            _count(one.correct),
            _share(one.accuracy),
            _share(one.kept),
        )
        for one in sorted(devices, key=worst_first)[:MOST_ROWS]
    ]


def _counted(number: int, thing: str) -> str:
    """A number of things in words."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _count(value: int | None) -> str:
    """A count; a dash for what a device did not say."""
    return "\N{EN DASH}" if value is None else f"{value:,}"


def _share(value: float | None) -> str:
    """A share in percent; a dash where it was not measured."""
    return "\N{EN DASH}" if value is None else f"{value:.1%}"
