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
from tifed.federation.plan import StateT
from tifed.rule.integer.rounding import Integers


class Training(Protocol[StateT]):
    """A federation that learns; ``state`` is all that it needs to go on."""

    def begin(self) -> tuple[StateT, Costs]:
        """The state before the first round, and what the calibration cost."""

    def rounds(self, state: StateT) -> Iterator[tuple[StateT, RoundRecord]]:
        """The rounds that come after ``state``, one per item."""

    def classify(self, state: StateT, samples: NDArray[np.int8]) -> Integers:
        """The published model's class (N,) of each sample (N, D)."""

    def digest(self, state: StateT) -> str:
        """SHA-256 of the published model."""

    def exchanges(self, state: StateT) -> int:
        """How many exchanges changed the model, of the layer that most of them changed."""

    def scores(self, state: StateT) -> Iterable[DeviceScore]:
        """How the published model does on each device's own samples."""

    def save_model(self, path: Path, state: StateT) -> None:
        """Write the published model."""

    def save_checkpoint(
        self, folder: Path, checkpoint: Checkpoint[StateT], experiment_digest: str
    ) -> None:
        """Write a checkpoint file."""

    def load_checkpoint(self, path: Path, experiment_digest: str) -> Checkpoint[StateT]:
        """Read a checkpoint file."""

    def close(self) -> None:
        """Give back what it holds."""
