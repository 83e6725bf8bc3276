"""How much of a device a run has given away: epsilon at delta, by a maintained accountant.

What is counted is the exchanges in which one device was asked, of the device that was asked most
often. Nothing is taken off for being asked at random: who is asked follows from the run's seed,
which is no secret.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tifed.errors import UsageError
from tifed.experiment.folder import RunFolder
from tifed.experiment.result import PrivacySpent
from tifed.experiment.schema import Experiment
from tifed.federation import Federation
from tifed.federation.noise import Noise
from tifed.rule.integer.rounding import Integers

# Orders of Rényi divergence that are tried; what is lost between two of them is below 1 %.
_ORDERS = tuple(1 + 2 ** (step / 16) for step in range(-96, 225))


def epsilon_of(noise: Noise, parameters: int, exchanges: int, delta: float) -> float:
    """Epsilon after a device has been in ``exchanges`` sums.

    Args:
        noise: of the run.
        parameters: entries of a sum.
        exchanges: how many, 0 or more.
        delta: what epsilon is at.

    Raises:
        UsageError: if the accountant is not installed.
    """
    return composed([(concentrated(noise, parameters), exchanges)], delta)


def composed(sums: Sequence[tuple[float, int]], delta: float) -> float:
    """Epsilon after a device has been in many sums.

    Args:
        sums: `concentrated` of a sum, and in how many of these the device was.
        delta: what epsilon is at.

    Raises:
        UsageError: if the accountant is not installed.
    """
    try:
        from dp_accounting import ZCDpEvent
        from dp_accounting.rdp import RdpAccountant
    except ModuleNotFoundError as error:
        raise UsageError(
            "privacy.noise_multiplier: what a run gives away is counted by dp-accounting, which is "
            "not installed; pip install 'tifed[privacy]'"
        ) from error
    accountant = RdpAccountant(_ORDERS)
    asked = [(rho, times) for rho, times in sums if times]
    for rho, times in asked:
        accountant.compose(ZCDpEvent(rho), times)
    return float(accountant.get_epsilon(delta)) if asked else 0.0


def concentrated(noise: Noise, parameters: int) -> float:
    """Rho of zero-concentrated differential privacy of one sum (SPEC, section 22.4)."""
    variance = noise.sites * noise.sigma**2
    distance = noise.clip / math.sqrt(variance)
    # A sum of discrete Gaussians is not quite one (Kairouz, Liu and Steinke 2021, proposition 14).
    tau = 10 * sum(
        math.exp(-2 * (math.pi * noise.sigma) ** 2 * k / (k + 1)) for k in range(1, noise.sites)
    )
    return min(
        distance**2 / 2 + tau * parameters, (distance + tau * math.sqrt(parameters)) ** 2 / 2
    )


@dataclass
class Spending:
    """Counts the exchanges of a run, those that are made again after a crash as well.

    Every round is written down before it begins: a server that is killed has perhaps seen sums
    that are in no checkpoint, and when it goes on it sees them again, with other noise. So is every
    exchange for which a site is asked once more: a site that still knows gives the same answer
    again, but one that was started anew has forgotten that it has answered.

    Attributes:
        experiment: what is run.
        federation: its constants.
        noise: of the run.
        folder: of the run; None for none.
    """

    experiment: Experiment
    federation: Federation
    noise: Noise
    folder: RunFolder | None = None
    _begun: list[int] = field(default_factory=list, init=False)
    _again: Integers = field(init=False)

    def __post_init__(self) -> None:
        self._again = np.zeros(self.federation.devices, np.int64)
        # Whatever is missing is said before anything is given away.
        self.outcome()

    def go_on(self, rounds: int) -> None:
        """Take in what earlier processes have written down.

        Args:
            rounds: how many rounds are finished.

        Raises:
            UsageError: if not all of them are there.
        """
        if self.folder is None:
            return
        self._begun = self.folder.read_begun()
        for first, count in self.folder.read_asked_again(self.federation.devices):
            self._again[first : first + count] += 1
        missing = sorted(set(range(rounds)) - set(self._begun))
        if missing:
            raise UsageError(
                f"{self.folder.begun}: does not name round {missing[0] + 1}, which is finished, so "
                "nobody knows what this run has given away; put the file back, or start a new run"
            )

    def begin(self, number: int) -> None:
        """Write down that round ``number``, from 0, begins."""
        self._begun.append(number)
        if self.folder is not None:
            self.folder.append_begun(number)

    def again(self, number: int, devices: Integers) -> None:
        """Write down that ``devices`` are asked once more for an exchange of round ``number``."""
        self._again[devices] += 1
        if self.folder is not None:
            starts = np.flatnonzero(np.diff(devices, prepend=devices[0] - 2) != 1)
            counts = np.diff(starts, append=len(devices))
            runs = zip(devices[starts].tolist(), counts.tolist(), strict=True)
            self.folder.append_asked_again(number, list(runs))

    @property
    def exchanges(self) -> int:
        """The exchanges in which a device was asked, of the device that was asked most often."""
        asked = np.zeros(self.federation.devices, np.int64)
        for number in self._begun:
            asked[self.federation.selected(number)] += 1
        return int((asked * self.federation.exchanges_per_round + self._again).max())

    def outcome(self) -> PrivacySpent:
        """What was given away up to here."""
        noise, delta = self.noise, self.experiment.privacy.delta
        return PrivacySpent(
            epsilon=epsilon_of(
                noise, self.federation.network.parameter_count, self.exchanges, delta
            ),
            delta=delta,
            exchanges=self.exchanges,
            clip=noise.clip,
            sigma=noise.sigma,
            sites=noise.sites,
            private=noise.seed is None,
        )
