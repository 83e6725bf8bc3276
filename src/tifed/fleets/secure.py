"""A fleet in whose sums no site's part is to be seen, with every site played in this process.

It protects nothing, for all is in one process: it shows what secure aggregation does to a run,
which is nothing (SPEC, section 21).
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tifed.federation import (
    FeatureSums,
    Federation,
    Fleet,
    Plan,
    Update,
    total,
)
from tifed.federation.residuals import LayerResiduals
from tifed.federation.sum_numbers import SumNumbers
from tifed.fleets.passing import PassingFleet
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Parameters
from tifed.secure_aggregation import require_privacy
from tifed.secure_aggregation.errors import VoidExchangeError
from tifed.secure_aggregation.masks import Vector
from tifed.secure_aggregation.server import Aggregation
from tifed.secure_aggregation.site import Site, Step
from tifed.secure_aggregation.vectors import (
    CalibrationVectors,
    UpdateVectors,
    calibration_width,
    feature_total,
    layers_in,
)

Loses = Callable[[int, Step], bool]
"""From a site's place and a step to whether the site is lost before it takes that step."""


def nobody(site: int, step: Step) -> bool:
    """Loses no site."""
    return False


@dataclass
class SecureFleet(PassingFleet):
    """Passes work on to another fleet, one site's devices after the other's, and masks its answers.

    Attributes:
        fleet: who does the work.
        federation: the run's constants.
        sites: how many sites the devices are dealt to, in equal contiguous parts.
        loses: which sites are lost when, once for each exchange.
        log: told of every exchange that is void.
    """

    fleet: Fleet
    federation: Federation
    sites: int
    loses: Callable[[Plan | None], Loses] = lambda plan: nobody
    log: Callable[[str], None] = lambda line: None
    _parts: list[Integers] = field(init=False)

    def __post_init__(self) -> None:
        require_privacy()
        self._parts = np.array_split(np.arange(self.federation.devices), self.sites)

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterator[FeatureSums]:
        """The feature sums over all of ``devices``, unmasked as one."""
        features = self.federation.network.features
        vectors = CalibrationVectors(features, calibration_width(self.federation))
        answered: list[Integers] = []

        def work(part: Integers) -> tuple[Vector, int]:
            sums = feature_total(list(self.fleet.calibrate(part.tolist(), samples)), features)
            answered.append(sums.devices)
            return vectors.encoded(sums), len(sums.devices)

        summed = self._summed(np.asarray(devices, np.int64), work, self.loses(None))
        yield vectors.decoded(summed, np.sort(np.concatenate(answered)))

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        """The sum over all sites that are not lost; nothing if the exchange is void."""
        vectors = UpdateVectors(SumNumbers(self.federation, plan, parameters), layers_in(plan))
        answered: list[Integers] = []
        absent: dict[int, str] = {}
        residuals: dict[int, LayerResiduals] = {}

        def work(part: Integers) -> tuple[Vector, int]:
            own = replace(plan, jobs=plan.jobs.for_devices(part))
            update = total(self.fleet.fit(own, parameters))
            answered.append(update.devices)
            absent.update(update.absent)
            residuals.update(update.residuals)
            return vectors.encoded(update), len(update.devices)

        try:
            summed = self._summed(
                plan.jobs.device, work, self.loses(plan), self.federation.minimum_devices
            )
        except VoidExchangeError as void:
            reason = f"its exchange is void: {void}"
            self.log(f"round {plan.round + 1}, exchange {plan.exchange} is void: {void}")
            yield Update(absent=dict.fromkeys(plan.jobs.device.tolist(), reason))
            return
        told = vectors.decoded(summed, np.concatenate(answered))
        yield replace(told, absent=absent, residuals=residuals)

    def _summed(
        self,
        devices: Integers,
        work: Callable[[Integers], tuple[Vector, int]],
        loses: Loses,
        least_devices: int = 1,
    ) -> Vector:
        """One session of the sites of ``devices``.

        Args:
            devices: that are asked, ascending.
            work: from a site's devices to its sum and how many have answered; asked once for each
                site that is there to mask it.
            loses: which sites are lost before which step.
            least_devices: a sum over fewer is not unmasked.

        Raises:
            VoidExchangeError: if too many are lost.
        """
        aggregation = Aggregation.begin(secrets.token_bytes, least_devices)
        asked = {place: part[np.isin(part, devices)] for place, part in enumerate(self._parts)}
        sites = {
            place: Site.begin(aggregation.session, place, secrets.token_bytes)
            for place, own in asked.items()
            if len(own) and not loses(place, Step.KEYS)
        }

        def left(step: Step, among: Iterable[int]) -> list[int]:
            return [place for place in among if not loses(place, step)]

        aggregation.least_sites = self.federation.noise_sites
        aggregation.enrol(
            {place: site.public for place, site in sites.items()},
            secrets.SystemRandom().shuffle,
        )
        size = aggregation.sharing
        for place in left(Step.SHARES, sites):
            neighbours = aggregation.neighbours(place)
            sealed = sites[place].share(size.sites, size.threshold, neighbours)
            aggregation.take_shares(place, sealed)
        for place in left(Step.MASKED, aggregation.senders):
            vector, answered = work(asked[place])
            masked = sites[place].mask(vector, aggregation.sealed_for(place))
            aggregation.take_masked(place, masked, answered)
        for place in left(Step.OPENED, aggregation.survivors):
            opening = sites[place].open(aggregation.survivors_near(place))
            aggregation.take_opening(place, opening)
        return aggregation.result()
