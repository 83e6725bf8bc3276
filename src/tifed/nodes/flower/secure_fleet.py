"""A fleet behind Flower nodes whose sums the server sees as one (SPEC, section 21)."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tifed.errors import RunError
from tifed.federation import FeatureSums, Plan, Update
from tifed.nodes.answer import UNSAID
from tifed.nodes.flower.fleet import NO_NODE, FlowerFleet
from tifed.nodes.messages.check import checked_devices, checked_sums, checked_update
from tifed.nodes.messages.content import (
    Arrays,
    Content,
    MessageError,
    job_runs,
    message,
    update_message,
)
from tifed.nodes.messages.device_ranges import text, to_ranges
from tifed.nodes.messages.masked import (
    keys_from,
    keys_message,
    masked_calibrate_message,
    masked_fit_message,
    neighbour_arrays,
    opening_from,
    sealed_arrays,
    sealed_from,
    shares_message,
    survivor_arrays,
    unmask_message,
    vector_from,
)
from tifed.nodes.messages.own_check import checked_own_sums
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Parameters
from tifed.secure_aggregation.errors import VoidExchangeError
from tifed.secure_aggregation.keys import PublicKeys
from tifed.secure_aggregation.masks import Shape, Vector
from tifed.secure_aggregation.server import Aggregation
from tifed.secure_aggregation.vectors import (
    CalibrationVectors,
    UpdateVectors,
    calibration_width,
    layers_in,
    update_width,
)


@dataclass
class SecureFlowerFleet(FlowerFleet):
    """Asks in four messages where `FlowerFleet` asks in one; a node is a site.

    A site that is lost between two of them costs its own devices' answers alone, as long as no
    more than three tenths of the sites are; with more the exchange is void.
    """

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterator[FeatureSums]:
        """The feature sums over all devices whose nodes answer, as one.

        Raises:
            RunError: if too many are lost, as often as a node may be asked.
        """
        federation, wanted = self.federation, np.asarray(devices, np.int64)
        vectors = CalibrationVectors(federation.network.features, calibration_width(federation))
        for _ in range(self.settings.attempts):
            session = _Session(self, "calibration", "query", wanted)
            request = masked_calibrate_message(
                self.experiment, session.aggregation.session, samples, vectors.width
            )
            try:
                vector, found, _ = session.summed(
                    request, lambda own: {"devices": to_ranges(own)}, vectors.shape
                )
                sums = vectors.decoded(vector, found)
                yield self._checked_sums(sums, samples)
            except VoidExchangeError as void:
                # Whoever has answered is asked anew, with other masks.
                self.log(f"calibration is void: {void}")
            else:
                return
        raise RunError("calibration: too many nodes were lost each time; see the log")

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        """The sum of all devices in ``plan`` whose nodes answer, as one; or that it is void."""
        jobs, name = plan.jobs, f"round {plan.round + 1}, exchange {plan.exchange}"
        network, width = self.federation.network, update_width(self.federation)
        vectors = UpdateVectors(network, layers_in(plan), width)
        session = _Session(self, name, "train", jobs.device)
        request = masked_fit_message(
            self.experiment, session.aggregation.session, plan, parameters, vectors.layers, width
        )
        try:
            vector, found, absent = session.summed(
                request, lambda own: {"jobs": job_runs(jobs.for_devices(own))}, vectors.shape
            )
            update = self._checked_update(plan, vectors.decoded(vector, found))
        except VoidExchangeError as void:
            self.log(f"{name} is void: {void}")
            absent = dict.fromkeys(jobs.device.tolist(), f"its exchange is void: {void}")
            update = Update()
        yield replace(update, absent=absent)
        if len(jobs) and self.deserted:
            # Going on would use up the devices' samples for nothing.
            raise RunError("no node is left; go on with the run when there are some")

    def _checked_update(self, plan: Plan, update: Update) -> Update:
        """The sum, held to what one node with all the devices could have answered.

        Raises:
            VoidExchangeError: if it could not.
        """
        content = update_message(self.experiment, plan, update)
        try:
            return checked_update(content, self.federation, plan, plan.jobs)
        except MessageError as reason:
            raise VoidExchangeError(f"the sum {reason}") from reason

    def _checked_sums(self, sums: FeatureSums, samples: int) -> FeatureSums:
        """The same of a calibration."""
        content = message(
            "calibrate", self.experiment,
            {"devices": to_ranges(sums.devices), "total": sums.total},
            samples=sums.samples, squares=sums.squares,
        )  # fmt: skip
        try:
            if self.own is not None:
                return checked_own_sums(content, self.own, sums.devices, samples)
            return checked_sums(content, self.federation, sums.devices, samples)
        except MessageError as reason:
            raise VoidExchangeError(f"the sum {reason}") from reason


@dataclass
class _Session:
    """One session over Flower's messages.

    Attributes:
        fleet: the way to the nodes.
        name: for the log.
        message_type: Flower's word for what is asked.
        devices: whose answers are wanted, ascending.
        aggregation: the server's half of the protocol.
        sites: by number, which is its first device's, the devices of each site.
    """

    fleet: SecureFlowerFleet
    name: str
    message_type: str
    devices: Integers
    aggregation: Aggregation = field(init=False)
    sites: dict[int, Integers] = field(default_factory=dict)

    def __post_init__(self) -> None:
        least = self.fleet.federation.minimum_devices if self.message_type == "train" else 1
        self.aggregation = Aggregation.begin(secrets.token_bytes, least)
        self.aggregation.least_sites = self.fleet.federation.noise_sites

    def summed(
        self, request: Content, ask: Callable[[Integers], Arrays], shape: Shape
    ) -> tuple[Vector, Integers, dict[int, str]]:
        """The unmasked sum, the devices in it, ascending, and why others are not.

        Args:
            request: for masked vectors.
            ask: from a site's devices to the arrays that it gets besides.
            shape: of a vector.

        Raises:
            VoidExchangeError: if it cannot be had.
        """
        aggregation, experiment, session = (
            self.aggregation, self.fleet.experiment, self.aggregation.session,
        )  # fmt: skip
        found: list[Integers] = []
        absent = dict[int, str]()

        def enrol(content: Content, own: Integers) -> tuple[int, PublicKeys]:
            keys, number = keys_from(content), int(own[0])
            self.sites[number] = own
            return number, keys

        def take_shares(content: Content, site: int) -> None:
            neighbours = list(aggregation.neighbours(site))
            aggregation.take_shares(site, sealed_from(content, neighbours))

        def take_masked(content: Content, site: int) -> None:
            own = self.sites[site]
            devices = checked_devices(content, self.fleet.federation.devices, own)
            vector = vector_from(content, shape)
            aggregation.take_masked(site, vector, len(devices))
            found.append(devices)
            missing = np.setdiff1d(own, devices)
            if len(missing):
                self.fleet.log(f"{self.name}: no answer of devices {text(missing)}: {UNSAID}")
            absent.update(dict.fromkeys(missing.tolist(), UNSAID))

        def take_opening(content: Content, site: int) -> None:
            aggregation.take_opening(site, opening_from(content))

        keys = dict(
            self.fleet.exchange(
                "query", f"{self.name}, keys", self.devices, keys_message(experiment, session),
                lambda own: {"devices": to_ranges(own)}, enrol,
            )
        )  # fmt: skip
        aggregation.enrol(keys, secrets.SystemRandom().shuffle)
        size = aggregation.sharing
        self._ask(
            "query", "shares", list(keys),
            shares_message(experiment, session, size.sites, size.threshold),
            lambda site: neighbour_arrays(aggregation.neighbours(site)), take_shares,
        )  # fmt: skip
        self._ask(
            self.message_type, "", aggregation.senders, request,
            lambda site: ask(self.sites[site]) | sealed_arrays(aggregation.sealed_for(site)),
            take_masked,
        )  # fmt: skip
        self._ask(
            "query", "unmasking", aggregation.survivors, unmask_message(experiment, session),
            lambda site: survivor_arrays(aggregation.survivors_near(site)), take_opening,
        )  # fmt: skip
        total = aggregation.result()
        devices = np.sort(np.concatenate(found))
        lost = np.setdiff1d(self.devices, [*devices, *absent]).tolist()
        return total, devices, dict.fromkeys(lost, NO_NODE) | absent

    def _ask(
        self,
        message_type: str,
        step: str,
        sites: Sequence[int],
        request: Content,
        ask: Callable[[int], Arrays],
        accept: Callable[[Content, int], None],
    ) -> None:
        """One message to each of ``sites``."""

        def arrays(own: Integers) -> Arrays:
            # Devices that have changed their node in between are no site: it will refuse.
            site = self._site(own)
            return {} if site is None else ask(site)

        def accepted(content: Content, own: Integers) -> None:
            site = self._site(own)
            if site is None:
                raise MessageError("hosts other devices than at the beginning of the exchange")
            accept(content, site)

        devices = np.sort(np.concatenate([self.sites[site] for site in sites]))
        name = f"{self.name}, {step}" if step else self.name
        for _ in self.fleet.exchange(message_type, name, devices, request, arrays, accepted):
            pass

    def _site(self, own: Integers) -> int | None:
        """The site whose devices are ``own``; None if there is none."""
        number = int(own[0])
        return number if np.array_equal(own, self.sites.get(number, own[:0])) else None
