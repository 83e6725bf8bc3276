"""What a site has given away of its devices' privacy, by its own account, and what it may.

A server's account is the server's: one that asks again and again does not tell. So a site that its
owner trusts more than the server keeps its own, over all experiments, and stops at a limit.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from tifed.errors import UsageError
from tifed.experiment import Experiment
from tifed.experiment.folder_lock import alone_in
from tifed.experiment.privacy_spent import composed, concentrated
from tifed.federation import Federation, Fleet, Plan, Update
from tifed.files.atomic import write_atomically
from tifed.fleets.passing import PassingFleet
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Parameters

KEYS = ("ledger", "most-epsilon", "delta")
"""In a node configuration."""
PATIENCE = 60.0
"""Seconds to wait for another process that writes."""


@dataclass(frozen=True)
class Ledger:
    """Sums with noise that have left a site, in a folder that belongs to this site alone.

    Attributes:
        folder: with the file ``spent.json``, and the last sum, so that a site that is started
            again gives the same one again.
        most_epsilon: what all experiments together may give away of a device; None for no limit.
        delta: what that is at.
    """

    folder: Path
    most_epsilon: float | None = None
    delta: float = 1e-5

    @classmethod
    def of(
        cls, folder: Path | None, most_epsilon: float | None, delta: float, names: tuple[str, ...]
    ) -> Self | None:
        """What an owner has chosen; None for no ledger.

        Args:
            folder: see there.
            most_epsilon: see there.
            delta: see there.
            names: what the three are called in errors.

        Raises:
            UsageError: naming what is wrong.
        """
        ledger, most, at = names
        if most_epsilon is not None and folder is None:
            raise UsageError(f"{most}: goes with {ledger}, a folder for what has been given away")
        if most_epsilon is not None and not most_epsilon > 0:
            raise UsageError(f"{most}: {most_epsilon} is not more than 0")
        if not 0 < delta < 1:
            raise UsageError(f"{at}: {delta} is not between 0 and 1")
        return None if folder is None else cls(folder.absolute(), most_epsilon, delta)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self | None:
        """Out of a node configuration; None for no ledger.

        Raises:
            UsageError: naming a key that is wrong.
        """
        folder, most, delta = (config.get(key) for key in KEYS)
        if folder is not None and not (isinstance(folder, str) and folder):
            raise UsageError(f"node configuration: ledger is {folder!r}, not the path of a folder")
        for key, value in (("most-epsilon", most), ("delta", delta)):
            if value is not None and type(value) not in (int, float):
                raise UsageError(f"node configuration: {key} is {value!r}, not a number")
        names = tuple(f"node configuration: {key}" for key in KEYS)
        return cls.of(
            None if folder is None else Path(folder), most, cls.delta if delta is None else delta,
            names,
        )  # fmt: skip

    def to_config(self) -> dict[str, str | int | float]:
        """For a node configuration."""
        limit = {} if self.most_epsilon is None else {"most-epsilon": self.most_epsilon}
        return {"ledger": str(self.folder), **limit, "delta": self.delta}

    @property
    def last(self) -> Path:
        """The last sum that has left (`tifed.nodes.last_answer`)."""
        return self.folder / "last-answer"

    @property
    def _file(self) -> Path:
        return self.folder / "spent.json"

    def require(self, experiment: Experiment) -> None:
        """Make sure that what ``experiment`` gives away can be counted, where there is a limit.

        Raises:
            UsageError: if sums would leave the devices without noise, or with noise that is known.
        """
        if self.most_epsilon is None:
            return
        noise = experiment.privacy.noise()
        if noise is None or noise.seed is not None:
            lacks = "without noise" if noise is None else "with noise of a noise_seed"
            raise UsageError(
                f"privacy: will not take part {lacks}: its owner lets this site give away an "
                f"epsilon of {self.most_epsilon:g} at most; set privacy.noise_multiplier, and no "
                "noise_seed"
            )

    def charge(self, experiment: str, rho: float, devices: Integers) -> None:
        """Write down that ``devices`` are in one more sum, before there is one.

        Args:
            experiment: its digest.
            rho: what one sum of it gives away (`concentrated`).
            devices: ascending.

        Raises:
            UsageError: if the owner does not allow that, or nobody knows what was given away.
        """
        with alone_in(self.folder, lambda line: None, ".ledger", PATIENCE):
            entries = self._read()
            before, counts = entries.get(experiment, (rho, {}))
            rho = max(rho, before)  # the data decide, too, where the experiment names no layers
            counts |= {device: counts.get(device, 0) + 1 for device in devices.tolist()}
            entries[experiment] = (rho, counts)
            if self.most_epsilon is not None:
                # Whose device is whose in another experiment, nobody knows: the worst of each.
                given = [(each, max(own.values())) for each, own in entries.values()]
                found = composed(given, self.delta)
                if found > self.most_epsilon:
                    raise UsageError(
                        "privacy: will not train, for its devices would have given away an epsilon "
                        f"of {found:.3g} then, and their owner allows {self.most_epsilon:g}"
                    )
            table = {
                name: {"rho": each, "exchanges": list(_runs(own))}
                for name, (each, own) in entries.items()
            }
            write_atomically(self._file, json.dumps(table))

    def _read(self) -> dict[str, tuple[float, dict[int, int]]]:
        """By experiment rho of one sum, and per device in how many it was.

        Raises:
            UsageError: if the file is damaged.
        """
        try:
            table = json.loads(self._file.read_text())
            return {
                name: (
                    float(entry["rho"]),
                    {
                        device: int(times)
                        for first, count, times in entry["exchanges"]
                        for device in range(first, first + count)
                    },
                )
                for name, entry in table.items()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise UsageError(
                f"{self._file}: cannot be read ({type(error).__name__}), so nobody knows what this "
                "site has given away; put the file back"
            ) from error


def _runs(counts: Mapping[int, int]) -> Iterator[list[int]]:
    """First device, number of devices and their count, of devices in succession with equal ones."""
    devices = np.array(sorted(counts), np.int64)
    times = np.array([counts[device] for device in devices.tolist()], np.int64)
    begins = (np.diff(devices, prepend=-2) != 1) | (np.diff(times, prepend=-1) != 0)
    starts = np.flatnonzero(begins)
    for start, length in zip(starts, np.diff(starts, append=len(devices)), strict=True):
        yield [int(devices[start]), int(length), int(times[start])]


@dataclass(frozen=True)
class ChargedFleet(PassingFleet):
    """A site's devices behind noise, each of whose sums is written down before it is formed.

    Attributes:
        fleet: of the devices.
        ledger: of the site.
        experiment: its digest.
        rho: what one sum gives away.
        first: the first of the devices; whoever asks may give them other numbers, so that devices
            are counted by their place.
    """

    fleet: Fleet
    ledger: Ledger
    experiment: str
    rho: float
    first: int

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        """The updates of the fleet beneath, if the owner allows one more sum."""
        if len(plan.jobs):
            self.ledger.charge(self.experiment, self.rho, plan.jobs.device - self.first)
        yield from self.fleet.fit(plan, parameters)


def charged(
    fleet: Fleet, ledger: Ledger | None, experiment: str, federation: Federation, first: int
) -> Fleet:
    """``fleet``, whose sums are written down if there is a ledger and they have noise.

    Its devices begin with number ``first``. Noise of other sites does not count: whether it is
    there, this site cannot know.
    """
    if ledger is None or federation.noise is None:
        return fleet
    alone = replace(federation.noise, sites=1)
    rho = concentrated(alone, federation.network.parameter_count)
    return ChargedFleet(fleet, ledger, experiment, rho, first)
