"""What stays the same over a run, and the plan of each exchange that follows from it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from tifed.errors import UsageError
from tifed.federation.assignment import Assignment
from tifed.federation.noise import Noise
from tifed.federation.personal import PersonalRounds
from tifed.federation.plan import (
    AtEnd,
    AverageEvery,
    Jobs,
    Plan,
    ScheduleState,
    StateT,
    layers_of,
    mask_of,
)
from tifed.federation.robust import Robust
from tifed.rule.compression import Change, Changes
from tifed.rule.integer import Purpose, permutation, stream_key
from tifed.rule.integer.rounding import Integers
from tifed.rule.learning import check_clip
from tifed.rule.network import Network
from tifed.rule.recipes import Recipe, Server

POSITIONS = 1 << 32
"""Positions in the stream of a device with own data are modulo this."""


@dataclass(frozen=True)
class Federation:
    """The constants of a run.

    Attributes:
        network: what every device holds.
        server: how updates become the next parameters.
        streams: per device the length of its stream, samples.
        assignment: which device trains which layers.
        extra_shifts: per round what is added to every update shift; its length is the rounds.
        seed: of everything random.
        buffer: samples per device and round.
        batch: samples per mini-batch.
        local_epochs: passes over a buffer.
        average_every: when devices' parameters are averaged.
        devices_per_round: how many devices are asked each round; None for all of them.
        minimum_devices: answers that an exchange needs to count.
        at_end: what a device does whose stream has run out.
        calibration_samples: samples per device in the calibration round; 0 for none.
        recipe: what chooses from the input's energy; None where nothing is chosen.
        owned: per device how many samples it has, each counted once, however often its stream
            repeats it; None if as many as its stream is long.
        own_data: whether devices have their samples themselves. Then nothing here depends on
            ``streams`` but their number: positions are those in an endless stream, modulo 2**32.
        personal: the rounds that each device goes on with alone in the end; None for none.
        robust: what keeps single devices from moving the model at will.
        noise: that each site adds to the sum of its devices; None for none.
        upload: how weights go up.
        download: how they go down.
        frame: bytes that a frame of coded short numbers has at most; 0 where they are packed.
    """

    network: Network
    server: Server
    streams: tuple[int, ...]
    assignment: Assignment
    extra_shifts: tuple[int, ...]
    seed: int
    buffer: int
    batch: int
    local_epochs: int
    average_every: AverageEvery = AverageEvery.BUFFER
    devices_per_round: int | None = None
    minimum_devices: int = 1
    at_end: AtEnd = AtEnd.RESTART
    calibration_samples: int = 0
    recipe: Recipe | None = None
    owned: tuple[int, ...] | None = None
    own_data: bool = False
    personal: PersonalRounds | None = None
    robust: Robust = field(default_factory=Robust)
    noise: Noise | None = None
    upload: Changes = field(default_factory=Changes)
    download: Changes = field(default_factory=Changes)
    frame: int = 0

    def __post_init__(self) -> None:
        if self.batch > self.network.largest_batch:
            raise UsageError(
                f"batch: a sum of {self.batch} gradients can overflow; "
                f"this network allows {self.network.largest_batch}"
            )
        check_clip(self.network, min(self.robust.clip, 1))

    @property
    def devices(self) -> int:
        """Number of devices in the fleet."""
        return len(self.streams)

    @cached_property
    def lengths(self) -> Integers:
        """``streams`` as int64 (devices,)."""
        return np.array(self.streams, np.int64)

    @property
    def noise_sites(self) -> int:
        """How many sites a sum is of that has enough noise; 1 without noise."""
        return self.noise.sites if self.noise is not None else 1

    @property
    def rounds(self) -> int:
        """Number of rounds."""
        return len(self.extra_shifts)

    @property
    def exchanges_per_round(self) -> int:
        """How often parameters go down and come up in a round."""
        return {
            AverageEvery.BUFFER: 1,
            AverageEvery.EPOCH: self.local_epochs,
            AverageEvery.MINI_BATCH: self.local_epochs * -(-self.buffer // self.batch),
        }[self.average_every]

    def possible_energy_shift(self, wanted: int) -> int:
        """What is nearest to ``wanted`` and lets no sum overflow in any round."""
        extra = max(self.extra_shifts, default=0)
        return self.network.energy_shift_within(wanted, self.batch, extra)

    def selected(self, number: int) -> Integers:
        """The devices that are asked in round ``number``, ascending."""
        if self.devices_per_round is None or self.devices_per_round == self.devices:
            return np.arange(self.devices, dtype=np.int64)
        order = permutation(stream_key(self.seed, Purpose.SAMPLING, number), self.devices)
        return np.sort(order[: self.devices_per_round])

    def layer_sets(self) -> tuple[tuple[int, ...], ...]:
        """Every set of layers that some device trains in some round, personal ones included."""
        devices, masks = np.arange(self.devices, dtype=np.int64), set[int]()
        if self.personal is not None:
            masks.add(mask_of(self.personal.layers))
        for number in range(self.rounds):
            masks.update(np.unique(self.assignment.masks(devices, number)).tolist())
        return tuple(sorted(map(layers_of, masks)))

    def residual_layers(self) -> tuple[int, ...]:
        """The layers of which some device keeps what of its changes was too small to go up."""
        if not self.upload.residual:
            return ()
        trained = {layer for its in replace(self, personal=None).layer_sets() for layer in its}
        return tuple(sorted(layer for layer in trained if self.upload.layers[layer].top))

    def with_changes(self, plan: Plan) -> Plan:
        """``plan`` with how weights travel in it, which follows from the rest of it."""
        return replace(
            plan,
            upload=self.upload_in(self._risen(plan.round), plan.energy_shift),
            download=self.download_in(plan.round, plan.energy_shift),
            seed=self.seed,
            frame=self.frame,
        )

    def upload_in(self, risen: int, energy_shift: int) -> tuple[Change, ...]:
        """Per layer how weights go up where update shifts are ``risen`` above the first round's."""
        return self.upload.up(risen, energy_shift, self._least_risen)

    def download_in(self, number: int, energy_shift: int) -> tuple[Change, ...]:
        """Per layer how weights go down after an exchange of round ``number``; () if whole."""
        return self.download.at(self._risen(number), energy_shift)

    def _risen(self, number: int) -> int:
        """By how much update shifts in round ``number`` are above those of the first."""
        return self.extra_shifts[number] - self.extra_shifts[0]

    @property
    def _least_risen(self) -> int:
        """The same in the round with the smallest update shifts, whose changes are the largest."""
        return min(self.extra_shifts) - self.extra_shifts[0]

    def weight_reach(self, layer: int) -> int:
        """The largest magnitude of what stands for a weight of ``layer``, in any round."""
        bound = self.network.layers[layer].weight_bound
        if not self.upload.layers:
            return bound
        faintest, _ = self.network.layers[0].shift_changes
        return self.upload_in(self._least_risen, faintest)[layer].reach(bound)

    def plans(self, state: ScheduleState) -> Iterator[Plan]:
        """The exchanges of the round that comes after ``state``, first to last."""
        number = state.round
        jobs = self._jobs(state, self.selected(number))
        for part in range(self.exchanges_per_round):
            yield self.with_changes(
                Plan(
                    round=number,
                    exchange=state.exchange + part,
                    extra_shift=self.extra_shifts[number],
                    jobs=self._part(jobs, part),
                    energy_shift=state.energy_shift,
                )
            )

    def after_round(self, state: StateT) -> StateT:
        """``state`` with the round counted and a turn for every device that was asked."""
        turns = state.turns.copy()
        turns[self.selected(state.round)] += 1
        return replace(state, round=state.round + 1, turns=turns)

    def _jobs(self, state: ScheduleState, device: Integers) -> Jobs:
        """A whole buffer's work for each device whose stream has not ended."""
        position = state.turns[device] * self.buffer
        samples = np.full_like(device, self.buffer)
        if self.at_end is AtEnd.STOP:
            left = self.lengths[device] - position
            device, position, samples = (x[left > 0] for x in (device, position, samples))
            samples = np.minimum(samples, left[left > 0])
        return Jobs(
            device=device,
            layers=self.assignment.masks(device, state.round),
            position=position % (POSITIONS if self.own_data else self.lengths[device]),
            samples=samples,
            first_step=np.zeros_like(device),
            steps=self.local_epochs * -(-samples // self.batch),
        )

    def _part(self, jobs: Jobs, part: int) -> Jobs:
        """The steps of exchange ``part`` of the round."""
        if self.average_every is AverageEvery.BUFFER:
            return jobs
        steps = np.ones_like(jobs.steps)
        if self.average_every is AverageEvery.EPOCH:
            steps = jobs.steps // self.local_epochs
        return replace(jobs, first_step=part * steps, steps=steps)
