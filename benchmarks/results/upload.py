"""What an update would take on the line if a device sent it as coded differences.

The server knows what it has sent down, so a device can send the difference, and differences of
small integers are easily coded: nothing is lost, the digest is the same. Measured by coding every
update of a run with zlib (RFC 1950), which is in every standard library.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from benchmarks.results.outcome import identity
from benchmarks.results.text import table
from pydantic import BaseModel, ConfigDict, TypeAdapter

from tifed.experiment import Experiment, build, load_experiment
from tifed.experiment.report.amounts import amount_of_bytes
from tifed.federation import DeviceScore, FeatureSums, Plan, Update, begin, federate, published
from tifed.files.atomic import write_atomically
from tifed.fleets import SimulatedFleet
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Parameters
from tifed.rule.network.parameters import weight_dtype

EVERY = 10
"""Every so many rounds are measured; the others lie between them."""


@dataclass
class Measured:
    """Totals over the updates that were coded, bytes.

    Attributes:
        raw: as they are sent.
        coded: differences, by zlib.
        entropy: differences, if each took what its frequency in the update allows.
        unchanged: parameters that did not change.
        parameters: all of them.
        updates: how many.
    """

    raw: int = 0
    coded: int = 0
    entropy: float = 0.0
    unchanged: int = 0
    parameters: int = 0
    updates: int = 0


@dataclass(frozen=True)
class CodingFleet:
    """Passes work on and measures what comes back."""

    fleet: SimulatedFleet
    measured: Measured = field(default_factory=Measured)

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterator[FeatureSums]:
        """As the fleet beneath."""
        return self.fleet.calibrate(devices, samples)

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        """Device by device in the rounds that are measured."""
        if plan.round % EVERY:
            yield from self.fleet.fit(plan, parameters)
            return
        fleet = self.fleet
        for job in plan.jobs:
            update = fleet.local_round(plan, job, parameters)
            for number, part in update.layers.items():
                kind = weight_dtype(fleet.network.layers[number])
                self._measure(part.weight // job.samples - parameters.weights[number], kind)
                self._measure(part.bias // job.samples - parameters.biases[number], np.dtype("i2"))
            self.measured.updates += 1
            yield update

    def evaluate(self, parameters: Parameters) -> Iterator[DeviceScore]:
        """Not asked for."""
        return iter(())

    def close(self) -> None:
        """Nothing to give back."""

    def _measure(self, difference: Integers, kind: np.dtype[np.signedinteger]) -> None:
        total = self.measured
        # A difference wraps around in the width of what it is a difference of, and back again.
        words = np.ascontiguousarray(difference.astype(kind)).view(np.uint8)
        planes = words.reshape(-1, kind.itemsize).T  # high bytes, which are nearly all alike, apart
        total.raw += planes.size
        total.coded += len(zlib.compress(np.ascontiguousarray(planes).tobytes(), 9))
        counts = np.unique(difference, return_counts=True)[1] / difference.size
        total.entropy += float(-(counts * np.log2(counts)).sum()) * difference.size / 8
        total.unchanged += int(np.count_nonzero(difference == 0))
        total.parameters += difference.size


def measure(experiment: Experiment, data_dir: Path | None) -> tuple[str, Measured]:
    """The digest of a run, and what its updates take."""
    setup = build(experiment, data_dir)
    assert isinstance(setup.fleet, SimulatedFleet)
    fleet = CodingFleet(setup.fleet)
    state, _ = begin(setup.federation, fleet, setup.start)
    for after, _ in federate(setup.federation, fleet, state):
        state = after
    return published(setup.federation.server, state).digest, fleet.measured


NAME = "upload.json"

MEASURED = {
    (recipe, mode): ("fashion-mnist", f"recipe={recipe}", f"mode={mode}")
    for mode in ("full-network", "single-layer")
    for recipe in ("tuned", "tuned-absolute", "tuned-int8")
}


class Line(BaseModel):
    """What was measured of one recipe in one mode, seed 1; bytes of a device in a round."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str
    mode: str
    raw: int
    coded: int
    entropy: int
    unchanged: float
    digest: str
    identity: str


_LINES = TypeAdapter(tuple[Line, ...])


def carry_out(folder: Path, again: bool, data_dir: Path | None) -> tuple[Line, ...]:
    """Measure what is not in ``folder``."""
    known = {} if again else {one.identity: one for one in kept_lines(folder)}
    lines = []
    for (recipe, mode), (preset, *settings) in MEASURED.items():
        experiment = load_experiment(preset=preset, overrides=settings)
        name = identity(experiment, curve=0)
        if name not in known:
            digest, found = measure(experiment, data_dir)
            exchanges = found.updates
            known[name] = Line(
                recipe=recipe,
                mode=mode,
                raw=round(found.raw / exchanges),
                coded=round(found.coded / exchanges),
                entropy=round(found.entropy / exchanges),
                unchanged=round(found.unchanged / found.parameters, 4),
                digest=digest,
                identity=name,
            )
        lines.append(known[name])
        write_atomically(folder / NAME, _LINES.dump_json(tuple(lines), indent=1).decode() + "\n")
    return tuple(lines)


def kept_lines(folder: Path) -> tuple[Line, ...]:
    """What was measured before."""
    path = folder / NAME
    return _LINES.validate_json(path.read_bytes()) if path.is_file() else ()


def upload_table(lines: Sequence[Line]) -> str:
    """Bytes of a device in a round, as they are sent and as they could be."""
    cells = [
        [
            f"`{one.recipe}`",
            one.mode,
            amount_of_bytes(one.raw),
            amount_of_bytes(one.coded),
            amount_of_bytes(one.entropy),
            f"{one.unchanged:.0%}",
        ]
        for one in lines
    ]
    header = ["", "mode", "as sent", "differences, zlib", "their entropy", "unchanged"]
    return table(header, cells)
