"""What a run needs of the arithmetic that it is done with: integers on a fleet, or a baseline's."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tifed.federation.checkpoint_file import Checkpoint
from tifed.federation.costs import Costs
from tifed.federation.fleet import DeviceScore
from tifed.federation.loop import RoundRecord
from tifed.federation.plan import PlaceT
from tifed.rule.integer.rounding import Integers


class Training(Protocol[PlaceT]):
    """A federation that learns; ``state`` is all that it needs to go on."""

    def begin(self) -> tuple[PlaceT, Costs]:
        """The state before the first round, and what the calibration cost."""

    def rounds(self, state: PlaceT) -> Iterator[tuple[PlaceT, RoundRecord]]:
        """The rounds that come after ``state``, one per item."""

    def classify(self, state: PlaceT, samples: NDArray[np.int8]) -> Integers:
        """The published model's class (N,) of each sample (N, D)."""

    def digest(self, state: PlaceT) -> str:
        """SHA-256 of the published model."""

    def exchanges(self, state: PlaceT) -> int:
        """How many exchanges changed the model, of the layer that most of them changed."""

    def scores(self, state: PlaceT) -> Iterable[DeviceScore]:
        """How the published model does on each device's own samples."""

    def save_model(self, path: Path, state: PlaceT) -> None:
        """Write the published model."""

    def save_checkpoint(
        self, folder: Path, checkpoint: Checkpoint[PlaceT], experiment_digest: str
    ) -> None:
        """Write a checkpoint file."""

    def load_checkpoint(self, path: Path, experiment_digest: str) -> Checkpoint[PlaceT]:
        """Read a checkpoint file."""

    def close(self) -> None:
        """Give back what it holds."""
