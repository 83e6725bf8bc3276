"""A site's devices behind noise: whoever sees their sums learns little of any one of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tifed.errors import UsageError
from tifed.federation import (
    DeviceScore,
    FeatureSums,
    Federation,
    Fleet,
    LayerSum,
    PersonalScore,
    PersonalWork,
    Plan,
    Update,
    total,
)
from tifed.federation.noise import Noise
from tifed.fleets.passing import PassingFleet
from tifed.rule.integer.gaussian import discrete_gaussian
from tifed.rule.integer.secret_words import SecretWords, SeededWords, Words
from tifed.rule.network import Parameters


@dataclass(frozen=True)
class NoisyFleet(PassingFleet):
    """Passes work on, bounds what each device may change, and gives back one sum with noise.

    It is what a site says to others, so it does not take their word for the bound: that is the
    experiment's own. Nothing that was counted in training passes, and no device's norm.

    Attributes:
        fleet: of the site's devices.
        federation: the run's constants.
        noise: of the run.
    """

    fleet: Fleet
    federation: Federation
    noise: Noise

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterable[FeatureSums]:
        """Refused: the sums of a calibration are without noise.

        Raises:
            UsageError: always.
        """
        del devices, samples
        raise UsageError(
            "privacy: will not calibrate, for sums of samples would leave the devices without noise"
        )

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        """The sum of the updates of the devices that answer, with noise.

        Raises:
            UsageError: if a device is to count more or less than the others, or the fleet beneath
                does not bound what devices change.
        """
        if not len(plan.jobs):
            return
        (uneven,) = np.nonzero(plan.jobs.samples != self.federation.buffer)
        if len(uneven):
            raise UsageError(
                f"privacy: will not train device {plan.jobs.device[uneven[0]]} on "
                f"{plan.jobs.samples[uneven[0]]} samples: with noise every device counts with the "
                f"{self.federation.buffer} of buffer"
            )
        update = total(self.fleet.fit(self._bounded(plan), parameters))
        if len(update.norms) != len(update.devices):
            raise UsageError(
                f"privacy: the devices of {type(self.fleet).__name__} do not keep to a bound on "
                "what each of them changes (Plan.clip), so no noise can hide them; leave "
                "privacy.noise_multiplier out, or use another fleet"
            )
        layers = dict(update.layers)
        if self.noise.sites > 1:
            # This site's part has to be in every sum, even if none of its devices has answered.
            for number in range(self.federation.network.depth):
                layers.setdefault(number, self._nothing(number))
        words = self._words(plan)
        noisy = {number: self._noisy(layers[number], words) for number in sorted(layers)}
        yield Update(update.devices, noisy, absent=update.absent)

    def evaluate(self, parameters: Parameters) -> Iterable[DeviceScore]:
        """Scores on held-out samples alone: on those that a device trains on they would tell."""
        return self.fleet.evaluate(parameters) if self.federation.own_data else ()

    def personalise(self, parameters: Parameters, work: PersonalWork) -> Iterable[PersonalScore]:
        """Refused: what training does to a score leaves the devices without noise.

        Raises:
            UsageError: always.
        """
        del parameters, work
        raise UsageError(
            "privacy: will not do personal rounds, for their scores would leave the devices "
            "without noise"
        )

    def _bounded(self, plan: Plan) -> Plan:
        """``plan`` with a bound on every device's difference, which is never above the run's."""
        return replace(plan, clip=min(plan.clip or self.noise.clip, self.noise.clip), clips={})

    def _words(self, plan: Plan) -> Words:
        """Where the noise of this exchange comes from."""
        if self.noise.seed is None:
            return SecretWords()
        return SeededWords(self.noise.seed, plan.exchange, int(plan.jobs.device[0]))

    def _nothing(self, number: int) -> LayerSum:
        """The sum over no devices."""
        layer = self.federation.network.layers[number]
        weight = np.zeros((layer.fan_in, layer.fan_out), np.int64)
        return LayerSum(weight, np.zeros(layer.fan_out, np.int64), 0, 0)

    def _noisy(self, part: LayerSum, words: Words) -> LayerSum:
        """A layer's sums with noise, times what each device's difference was multiplied with."""
        weight, bias = (
            array
            + self.federation.buffer
            * discrete_gaussian(words, self.noise.sigma, array.size).reshape(array.shape)
            for array in (part.weight, part.bias)
        )
        return replace(part, weight=weight, bias=bias)
