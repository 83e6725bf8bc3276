"""Sums over devices as numbers without what both sides know (SPEC, section 7.1)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.federation.federation import Federation
from tifed.federation.plan import AtEnd, Plan
from tifed.federation.travel import bytes_up
from tifed.federation.update import LayerSum, Update
from tifed.rule.compression import Change
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Parameters


@dataclass(frozen=True)
class SumNumbers:
    """How the sums of an exchange become smaller numbers, and these the sums again.

    Left out is what whoever sends them and whoever gets them know: the weights that were sent down,
    the step in which short updates have moved them, and the samples that each device counts with.

    Attributes:
        federation: the run's constants.
        plan: of the exchange, or a site's part of it.
        sent: what was sent down in it.
    """

    federation: Federation
    plan: Plan
    sent: Parameters

    @property
    def unit(self) -> int:
        """Of which the samples of every device are a multiple."""
        return self.federation.buffer if self.federation.at_end is AtEnd.RESTART else 1

    @property
    def noise(self) -> int:
        """The largest that noise can add to a sum of what is asked for."""
        noise = self.federation.noise
        if noise is None:
            return 0
        return self.federation.buffer * noise.largest_in(len(self.plan.jobs))

    def change(self, layer: int) -> Change:
        """How the layer's weights go up."""
        return self.plan.upload[layer] if self.plan.upload else Change(0)

    def numbers(self, layer: int, part: LayerSum, devices: Integers) -> tuple[Integers, Integers]:
        """The numbers of one layer's weights, int64 (fan_in, fan_out), and biases (fan_out,).

        Args:
            layer: which.
            part: its sums.
            devices: whose, of those in the plan.

        Raises:
            UsageError: if the sums are none that devices can give, so that something would be lost.
        """
        step = self.unit << self.change(layer).shift
        moved = part.weight - self._base(layer, devices)
        for name, sums, size in (("weights", moved, step), ("biases", part.bias, self.unit)):
            if (sums % size).any():
                raise UsageError(f"layer {layer}, {name}: a sum is no multiple of {size}")
        return moved // step, part.bias // self.unit

    def sums(
        self, layer: int, numbers: tuple[Integers, Integers], devices: Integers
    ) -> tuple[Integers, Integers]:
        """The sums of one layer's weights and biases that `numbers` were made of."""
        weight, bias = numbers
        step = self.unit << self.change(layer).shift
        return weight * step + self._base(layer, devices), bias * self.unit

    def bounds(self, layer: int, samples: int, noise: int = 0) -> tuple[int, int]:
        """The largest magnitudes of the numbers of weights and biases.

        Args:
            layer: which.
            samples: behind the sums.
            noise: the largest that is in a sum.
        """
        top = self.change(layer).top
        bias = self.federation.network.layers[layer].bias_bound * samples + noise
        weight = top * samples if top else self.federation.weight_reach(layer) * samples + noise
        return weight // self.unit, bias // self.unit

    @property
    def tells_bytes(self) -> bool:
        """Whether with sums goes how many bytes devices have sent: where a coder can decide it."""
        return bool(self.federation.upload.layers)

    def bytes_up(self, update: Update) -> int:
        """What the devices of ``update``, which are in the plan, have sent."""
        if update.bytes_up is not None:
            return update.bytes_up
        jobs = self.plan.jobs.for_devices(np.sort(update.devices))
        return bytes_up(self.federation.network, self.plan, jobs)

    def rows(self, layer: int, devices: Integers) -> NDArray[np.bool_]:
        """Which rows of weights are not 0 for certain: flags (fan_in,).

        Those that any of ``devices`` has sent, and all if there is noise in them.
        """
        fan_in = self.federation.network.layers[layer].fan_in
        if self.change(layer).rows == 1 or self.federation.noise is not None:
            return np.ones(fan_in, bool)
        flags: NDArray[np.bool_] = self.plan.row_samples(layer, fan_in, devices).ravel() > 0
        return flags

    def _base(self, layer: int, devices: Integers) -> Integers | int:
        """What the weights' sums would be if no short number were other than 0."""
        if not self.change(layer).top:
            return 0
        X = self.sent.weights[layer].astype(np.int64)
        base: Integers = X * self.plan.row_samples(layer, len(X), devices)
        return base
