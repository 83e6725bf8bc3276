"""How the global model does on each device's own training samples."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tifed.experiment.report.theme import GREEN, new_figure, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_BARS = 40  # devices; more bars cannot be told apart


def device_picture(
    devices: NDArray[np.int64], correct: NDArray[np.int64], samples: NDArray[np.int64]
) -> "Figure":
    """A bar per device, or beyond 40 devices a histogram of their accuracies.

    Args:
        devices: int64 (K,), their numbers.
        correct: int64 (K,), samples that the model classifies rightly.
        samples: int64 (K,), samples that the device has, each 1 or more.
    """
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    accuracy = correct / samples
    figure = new_figure(5.6, 3.1)
    axes = plain(figure.add_subplot())
    if len(devices) <= _MOST_BARS:
        bars = axes.bar(np.arange(len(devices)), accuracy, color=GREEN, width=0.7)
        if len(devices) <= 12:
            labels = [f"{value:.1%}" for value in accuracy]
            axes.bar_label(bars, labels, padding=2, fontsize=8)
            axes.set_xticks(np.arange(len(devices)), [str(device) for device in devices])
        else:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(0, 1.05)
        axes.set_yticks(np.linspace(0, 1, 6))
        axes.set_xlabel("device")
        axes.set_ylabel("accuracy on its own samples")
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        return figure
    low = np.floor(accuracy.min() * 20) / 20
    bins = np.linspace(min(low, 0.95), 1, 31)
    axes.hist(accuracy, bins=bins.tolist(), color=GREEN, rwidth=0.92)
    axes.set_xlabel("accuracy on a device's own samples")
    axes.set_ylabel("devices")
    wide = accuracy.min() < 0.9
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0 if wide else 1))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    return figure
