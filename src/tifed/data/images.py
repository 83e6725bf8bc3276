"""Pictures as rows of features, channels last."""

from typing import Any

from numpy.typing import NDArray

from tifed.errors import UsageError

_MOST_CHANNELS = 4

Shape = tuple[int, int, int]
"""Height, width, channels."""


def flat(features: NDArray[Any], where: str) -> tuple[NDArray[Any], Shape | None]:
    """Features (N, D), and the shape of a picture if samples are pictures.

    Args:
        features: numbers (N, D), or (N, height, width), or four axes with the channels last; or
            channels first, where only that can be meant.
        where: what to call them in an error message.

    Raises:
        UsageError: if they are no numbers, or no axis can be the channels.

    >>> import numpy as np
    >>> flat(np.zeros((5, 8, 9)), "x")[1], flat(np.zeros((5, 3, 8, 9)), "x")[1]
    ((8, 9, 1), (8, 9, 3))
    """
    if features.dtype.kind not in "biuf":
        raise UsageError(
            f"{where}: must be numbers of shape (samples, features), not {features.dtype} of "
            f"shape {features.shape}"
        )
    if features.ndim not in (3, 4):
        return features, None
    if features.ndim == 3:
        features = features[..., None]
    elif features.shape[3] > _MOST_CHANNELS and features.shape[1] <= _MOST_CHANNELS:
        features = features.transpose(0, 2, 3, 1)
    elif features.shape[3] > _MOST_CHANNELS:
        raise UsageError(
            f"{where}: shape {features.shape} is not (samples, height, width, channels) with "
            f"1..{_MOST_CHANNELS} channels; reshape it to (samples, features)"
        )
    height, width, channels = features.shape[1:]
    return features.reshape(len(features), height * width * channels), (height, width, channels)
