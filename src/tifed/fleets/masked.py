"""Boards whose host sees the sum of what they have learnt, and no board's part (SPEC, 21.5)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Protocol, TypeVar

import numpy as np

from tifed.errors import UsageError
from tifed.federation import FeatureSums, Federation, Jobs, LayerSum, Plan, Update
from tifed.federation.counts import impossible_counts, impossible_squares
from tifed.federation.plan import layers_of
from tifed.fleets.made_sums import CALIBRATION, MadeSums
from tifed.link import Client
from tifed.rule.learning import Statistics
from tifed.secure_aggregation.devices import (
    LEAST_DEVICES,
    Words,
    among,
    check_bounds,
    check_hidden,
    ring,
    take_off,
    whole,
)
from tifed.secure_aggregation.errors import ImpossibleSumError, VoidExchangeError

Result = TypeVar("Result")

_STATISTICS = 4
_LIMBS = 4
_LIMB_BITS = 16


class Each(Protocol):
    """Asks devices side by side, once; those that fail are missing in what it gives."""

    def __call__(
        self, devices: Collection[int], work: Callable[[int], Result]
    ) -> dict[int, Result]:
        """What ``work`` gives, by number of the device."""


def require_hiding(federation: Federation, numbers: range) -> None:
    """Make sure that the devices ``numbers``, those of one host, can hide in sums.

    Raises:
        UsageError: if there are too few, or too few that train a layer, a sum can overflow, or a
            package is missing.
    """
    devices = len(numbers)
    if find_spec("cryptography") is None:
        raise UsageError(
            "privacy.device_masks: cryptography is not installed; pip install 'tifed[privacy]'"
        )
    if devices < LEAST_DEVICES:
        raise UsageError(
            f"privacy.device_masks: a sum hides its parts among {LEAST_DEVICES} devices or more, "
            f"and {devices} are at one host; give it more, or leave device_masks out"
        )
    layers = federation.network.layers
    masks = federation.assignment.masks(np.array(numbers, np.int64), 0)
    for number in range(len(layers)):
        trains = int(np.sum(masks >> number & 1))
        if 0 < trains < LEAST_DEVICES:
            raise UsageError(
                f"privacy.device_masks: layer {number} is trained by {trains} of the {devices} "
                f"devices at one host, and a sum over fewer than {LEAST_DEVICES} hides none of "
                "them; have devices train all layers (mode), or give it more devices"
            )
    largest = max(max(layer.weight_bound, layer.bias_bound) for layer in layers)
    check_bounds(
        {
            f"the sum of {devices} devices' parameters, times buffer = {federation.buffer},":
                devices * federation.buffer * largest,
            f"the sum of a feature over the calibration's samples of {devices} devices":
                128 * devices * federation.calibration_samples,
        }
    )  # fmt: skip


@dataclass
class _Keys:
    """What a device has in its session: its public key, and by number where it keeps which key."""

    session: int
    public: bytes
    peers: dict[int, tuple[int, bytes]] = field(default_factory=dict)


@dataclass
class DeviceMasks:
    """Rounds of masks over the boards of one host.

    Attributes:
        federation: the run's constants.
        clients: to the boards, by number.
        each: asks them.
        made: the sums before.
    """

    federation: Federation
    clients: Mapping[int, Client]
    each: Each
    made: MadeSums
    _number: int = field(default=0, init=False)
    _known: dict[int, _Keys] = field(default_factory=dict, init=False)

    def update(self, plan: Plan, trained: Collection[int], most: int) -> Update:
        """The sum of what the boards ``trained``, which have done their jobs in ``plan``, have.

        Args:
            plan: the exchange.
            trained: the boards.
            most: with how many others each of them can share masks.

        Raises:
            VoidExchangeError: if there is no sum.
            ImpossibleSumError: if it is none that they can have.
        """
        jobs = {job.device: job for job in plan.jobs}
        layers = layers_of(int(np.bitwise_or.reduce(plan.jobs.layers, initial=0)))

        def check(devices: Sequence[int]) -> None:
            for layer in layers:
                some = sum(layer in jobs[device].layers for device in devices)
                if 0 < some < LEAST_DEVICES:
                    raise VoidExchangeError(
                        f"{some} of the devices that are left have trained layer {layer}, and a "
                        f"sum over fewer than {LEAST_DEVICES} hides none of them"
                    )

        network = self.federation.network
        vectors = {network.depth: _STATISTICS}
        for number in layers:
            layer = network.layers[number]
            vectors[number] = (layer.fan_in + 1) * layer.fan_out
        devices, summed = self._sum(plan.exchange, trained, most, vectors, check)
        counts = Statistics(*summed[network.depth].tolist())
        own = plan.jobs.for_devices(np.array(devices, np.int64))
        impossible = impossible_counts(network, own, self.federation.batch, counts)
        if impossible is not None:
            raise ImpossibleSumError(f"the devices of the sum have {impossible}")
        sums = {
            number: part
            for number in layers
            if (part := self._layer_sum(number, own, summed[number])).devices
        }
        return Update(np.array(devices, np.int64), sums, counts)

    def feature_sums(self, calibrated: Collection[int], samples: int, most: int) -> FeatureSums:
        """The sum of the calibration sums of the boards ``calibrated``.

        Args:
            calibrated: boards that have summed features.
            samples: of each board at most.
            most: with how many others each of them can share masks.

        Raises:
            VoidExchangeError: if there is no sum.
            ImpossibleSumError: if it is none that they can have.
        """
        network = self.federation.network
        vector, features = network.depth + 1, network.features
        words = features + _LIMBS + 1
        devices, summed = self._sum(CALIBRATION, calibrated, most, {vector: words})
        *limbs, counted = summed[vector][features:].tolist()
        squares = sum(limb << _LIMB_BITS * place for place, limb in enumerate(limbs))
        total = whole(summed[vector][:features])
        if not len(devices) <= counted <= samples * len(devices):
            raise ImpossibleSumError(f"the sum is over {counted} samples")
        impossible = impossible_squares(total, squares, counted)
        if impossible is not None:
            raise ImpossibleSumError(f"the sum {impossible}")
        return FeatureSums(total, squares, counted, np.array(devices))

    def _layer_sum(self, number: int, jobs: Jobs, words: Words) -> LayerSum:
        """A layer's sum over the devices of ``jobs``; checked, for nobody sees its parts."""
        layer, trains = self.federation.network.layers[number], jobs.of_layer(number)
        samples, sums = int(jobs.samples[trains].sum()), whole(words)
        size = layer.fan_in * layer.fan_out
        for part, bound in ((sums[:size], layer.weight_bound), (sums[size:], layer.bias_bound)):
            if np.abs(part).max(initial=0) > bound * samples:
                raise ImpossibleSumError(f"the sum of layer {number} is none of its parameters'")
        weight = sums[:size].reshape(layer.fan_in, layer.fan_out)
        return LayerSum(weight, sums[size:], samples, int(np.count_nonzero(trains)))

    def _sum(
        self,
        exchange: int,
        devices: Collection[int],
        most: int,
        vectors: Mapping[int, int],
        check: Callable[[Sequence[int]], None] = lambda devices: None,
    ) -> tuple[list[int], dict[int, Words]]:
        """One round of masks: which devices are in the sum, and its words by vector.

        Args:
            exchange: that it is for.
            devices: that have something to sum.
            most: with how many others each of them can share masks.
            vectors: words of each vector, by its number.
            check: raises VoidExchangeError if a sum over some devices would tell too much.
        """
        public = self.each(devices, self._public_key)
        shared = ring(public, most)
        met = self.each(public, lambda own: self._meet(own, {n: public[n] for n in shared[own]}))
        partners = among(shared, sorted(met))
        check_hidden(partners)
        self._number += 1
        number = self._number

        def masked(own: int) -> dict[int, Words]:
            client = self.clients[own]
            client.begin_masks(number, (own, *partners[own]))
            return {vector: client.get_masked(vector, words) for vector, words in vectors.items()}

        answers = self.each(partners, masked)
        counted = among(partners, sorted(answers))
        check_hidden(counted)
        check(list(counted))
        self.made.settle(exchange, list(counted))

        def seeds(own: int) -> dict[int, bytes]:
            client = self.clients[own]
            client.unmask(number, (own, *counted[own]))
            lost = set(partners[own]).difference(counted)
            return {other: client.seed(other) for other in sorted({own, *lost})}

        told = self.each(counted, seeds)
        if len(told) < len(counted):
            missing = ", ".join(map(str, sorted(set(counted).difference(told))))
            raise VoidExchangeError(f"devices that were to take masks off are lost: {missing}")
        summed = {vector: np.zeros(words, np.uint32) for vector, words in vectors.items()}
        for answer in answers.values():
            for vector, words in answer.items():
                np.add(summed[vector], words, out=summed[vector])
        for own, of in told.items():
            for other, seed in of.items():
                take_off(summed, own, other, seed)
        return list(counted), summed

    def _public_key(self, own: int) -> bytes:
        """The public key of a device, which it is asked for once in a session."""
        client = self.clients[own]
        known = self._known.get(own)
        if known is None or known.session != client.session:
            known = self._known[own] = _Keys(client.session, client.mask_key(own))
        return known.public

    def _meet(self, own: int, others: Mapping[int, bytes]) -> None:
        """See that a device has the keys that it shares with ``others``, by their public keys."""
        peers = self._known[own].peers
        for number, key in others.items():
            place, known = peers.get(number, (0, b""))
            if known == key:
                continue
            if not place:  # there is one for each of them, where somebody else may be by now
                taken = {at: n for n, (at, _) in peers.items()}
                places = range(1, len(others) + 1)
                place = next(at for at in places if taken.get(at) not in others)
                peers.pop(taken.get(place, number), None)
            self.clients[own].put_peer(place, number, key)
            peers[number] = place, key
