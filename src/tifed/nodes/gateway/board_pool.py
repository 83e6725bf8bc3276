"""The boards of a gateway: who is there, and what they work on."""

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tifed.errors import RunError, UsageError
from tifed.experiment import Experiment, Setup
from tifed.experiment.identity import identity
from tifed.experiment.setup import site_of
from tifed.federation import (
    Plan,
    Update,
)
from tifed.fleets.linked import LinkedFleet, LinkSettings
from tifed.fleets.made_sums import MadeSums
from tifed.fleets.passing import PassingFleet
from tifed.link import Client, Patience, address_opener
from tifed.link.address import check_distinct, exposed_lines
from tifed.link.keys import keys_for
from tifed.nodes.acceptance import require_accepted
from tifed.nodes.context import (
    DeviceSelection,
    NodeContext,
    parsed,
    samples_digest,
)
from tifed.nodes.kept import Kept
from tifed.nodes.least import LeastSamples
from tifed.nodes.ledger import Ledger, charged
from tifed.nodes.masked_answers import MASKED
from tifed.nodes.messages.masked import UNMASK
from tifed.nodes.orders import Orders
from tifed.nodes.own_files import built_here, require_own_files
from tifed.rule.network import Parameters

log = logging.getLogger("tifed.nodes.gateway")

LOOK_SECONDS = 1.0
"""Until a board that is only asked whether it is there counts as gone."""


class HeldError(RunError):
    """The boards work on another experiment, which is under way."""


@dataclass(frozen=True)
class BoardTerms:
    """What the owner of a gateway lets be done with its boards.

    Attributes:
        data_dir: folder of data sets: boards that have no samples of their own get them from here,
            and an experiment may name no file that is elsewhere.
        least: how few of these samples may stand behind what is answered. Boards that have samples
            of their own see to that themselves.
        accepts: the experiment that the owner has accepted for boards with samples of their own
            (`tifed.nodes.acceptance.require_accepted`): noise and masks depend on it.
        hold: seconds that an experiment which is under way may ask for nothing until another one
            may have the boards.
        ledger: the gateway's own account of what it gives away; None for none.
    """

    data_dir: Path | None = None
    least: LeastSamples = field(default_factory=LeastSamples)
    accepts: str = ""
    hold: float = 60.0
    ledger: Ledger | None = None

    def require(self, experiment: Experiment) -> None:
        """Make sure that the owner takes part in ``experiment``.

        Raises:
            UsageError: if not; it says how to accept it. And if what the experiment gives away
                cannot be counted, but has a limit.
        """
        require_accepted(self.accepts, experiment, "gateway again with --accepts {}")
        if self.ledger is not None:
            self.ledger.require(experiment)


@dataclass(frozen=True)
class Lines:
    """How to reach the boards.

    Attributes:
        addresses: one per board.
        baud: bits per second of serial lines.
        patience: how long to wait for a board.
        field: what to call the addresses in errors.
        keys: path of the file with the keys of the boards; empty if their lines are not sealed.
        unsealed: whether lines over a network are used without keys.
    """

    addresses: tuple[str, ...]
    baud: int = 115_200
    patience: Patience = field(default_factory=Patience)
    field: str = "--devices"
    keys: str = ""
    unsealed: bool = False

    def clients(self, count: int | None = None, steady: bool = False) -> list[Client]:
        """New clients of the first ``count`` boards; nothing is opened yet.

        Frames that are ``steady`` stay as long as they are where some get lost.

        Raises:
            UsageError: if an address is not one, two are the same line, or one goes over a network
                and has no key.
        """
        check_distinct(self.addresses, self.field)
        exposed = None if self.keys or self.unsealed else exposed_lines(self.addresses)
        if exposed is not None:
            raise UsageError(
                f"{self.field}: {exposed}; name the file of the boards' keys (--keys), or give "
                "--unsealed"
            )
        keys = keys_for(self.keys, len(self.addresses), "--keys")
        return [
            Client(
                address, address_opener(address, self.baud, self.field), self.patience, key, steady
            )
            for address, key in zip(self.addresses[:count], keys, strict=False)
        ]


class BoardPool:
    """The boards, and the one experiment that they work on at a time.

    Not to be used from several threads at once. Every board that leaves, joins or cannot take part
    is logged, once.
    """

    def __init__(self, lines: Lines, terms: BoardTerms | None = None) -> None:
        """Nothing is opened yet.

        Args:
            lines: to the boards.
            terms: of their owner.

        Raises:
            UsageError: if an address is not one, or two are the same line.
        """
        self._lines, self._terms = lines, terms or BoardTerms()
        self._waiting = lines.clients()
        self._key: tuple[str, DeviceSelection] | None = None
        self._context: NodeContext | None = None
        self._linked: LinkedFleet | None = None
        self._said: dict[str, str | None] = {}
        self._kept = Kept.of(self._terms.ledger)
        self._held_until = float("-inf")
        # Of every experiment, for whoever alternates between two gets no second sum of either.
        self._made: dict[tuple[str, DeviceSelection], MadeSums] = {}
        self.given_up = self.ended = False

    def context(self, experiment: str, selection: DeviceSelection) -> NodeContext:
        """The context of a node whose devices are the boards, first board first device.

        Args:
            experiment: as TOML, resolved.
            selection: which devices.

        Raises:
            UsageError: if the owner has not accepted the experiment, or it cannot be built here, or
                needs more boards.
            HeldError: if another one is under way.
        """
        resolved = parsed(experiment)
        self._terms.require(resolved)
        if self._context is not None and self._key == (experiment, selection):
            if not self.given_up:
                return self._context
        elif self._context is not None and time.monotonic() < self._held_until:
            raise HeldError(
                f"has its boards at work on experiment {self._context.experiment[:8]}; another one "
                f"gets them after its last round, or when it has asked for nothing for "
                f"{self._terms.hold:g} s"
            )
        devices = selection.devices(resolved.devices, len(self._lines.addresses))
        setup = self._built(resolved)
        link = resolved.link
        self._release()
        made = None
        if resolved.privacy.device_masks:
            made = self._made.setdefault((identity(resolved), selection), MadeSums())
        linked = LinkedFleet(
            setup.inputs,
            self._lines.clients(len(devices), link.quiet),
            LinkSettings(link.on_reboot, link.repeats, "drop", link.quiet),
            devices=devices,
            made=made,
        )
        names = dict(zip(devices, self._lines.addresses, strict=False))
        name = identity(resolved)
        log.info(
            "experiment %s: %s, %s, boards are devices %d to %d",
            name[:8], resolved.dataset, resolved.mode, devices.start, devices.stop - 1,
        )  # fmt: skip
        self._linked, self._key = linked, (experiment, selection)
        federation = setup.federation
        masked = resolved.privacy.secure_aggregation
        exchanges = resolved.rounds * federation.exchanges_per_round
        noisy = site_of(
            resolved, setup.inputs,
            _Watched(self, linked, names, resolved.rounds, exchanges if masked else None),
        )  # fmt: skip
        self._context = NodeContext(
            name, samples_digest(resolved, setup), setup.network, devices,
            charged(noisy, self._terms.ledger, name, federation, devices.start),
            Orders(federation, None if resolved.own_data else self._terms.least),
            lambda kind: linked.left_out, masked, self._kept.memory(self._key), self._kept.last,
            checkpoint_every=resolved.checkpoint_every,
        )  # fmt: skip
        return self._context

    def _built(self, experiment: Experiment) -> Setup:
        """The setup of an experiment that comes from whoever asks.

        Raises:
            UsageError: if it cannot be built here.
        """
        require_own_files(experiment, self._terms.data_dir)
        # Its own fleet is none of ours: only the data, the network and the streams are.
        own = experiment.model_copy(update={"fleet": "simulated", "fleet_settings": {}})
        return built_here(own, self._terms.data_dir)

    def hold(self, under_way: bool) -> None:
        """Keep the boards for the experiment that they work on, or let another one have them."""
        self._held_until = time.monotonic() + self._terms.hold if under_way else float("-inf")

    def answered(self, kind: str) -> None:
        """Note an answer: under masks boards are kept until the last sum is unmasked.

        A site that has lost its keys can help no more to unmask a sum that it has a part in.
        """
        if kind in MASKED:
            self.hold(not (kind == UNMASK and self.ended))

    def give_up(self) -> None:
        """Have what the boards do now end soon; any thread may say so."""
        self.given_up = True
        if self._linked is not None:
            self._linked.stop()

    def look(self) -> None:
        """Notice boards that have come or gone."""
        if self.given_up:
            self._release()
        if self._linked is not None and self._context is not None:
            names = dict(zip(self._context.devices, self._lines.addresses, strict=False))
            for device, reason in self._linked.look(LOOK_SECONDS).items():
                self.note(names[device], reason)
            return
        with ThreadPoolExecutor(min(64, len(self._waiting))) as threads:
            for client, reason in zip(
                self._waiting, threads.map(_greet, self._waiting), strict=True
            ):
                self.note(client.name, reason)

    def note(self, address: str, reason: str | None) -> None:
        """Log it if a board is there (``reason`` None) that was not, or the other way round."""
        if address in self._said and self._said[address] == reason:
            return
        before, self._said[address] = self._said.get(address), reason
        if reason is None:
            log.info("board %s is there", address)
        elif before is None:
            log.warning("board %s has left or cannot take part: %s", address, reason)

    def close(self) -> None:
        """Close the lines; calling it again does nothing."""
        self._release()

    def _release(self) -> None:
        """Let go of every line."""
        for client in self._waiting:
            client.close()
        if self._linked is not None:
            self._linked.close()
        self._linked = self._context = self._key = None
        self._held_until = float("-inf")
        self.given_up = self.ended = False


def _greet(client: Client) -> str | None:
    """Why a board without work does not answer, if it does not."""
    try:
        client.open_line()
        client.open_session(LOOK_SECONDS)
    except RunError as error:
        return str(error)
    return None


@dataclass(frozen=True)
class _Watched(PassingFleet):
    """A fleet of boards whose comings and goings the pool is told.

    Attributes:
        pool: it.
        fleet: of the boards.
        names: their addresses.
        rounds: of the experiment.
        masked: how many exchanges it has, if their sums leave under masks alone.
    """

    pool: BoardPool
    fleet: LinkedFleet
    names: dict[int, str]
    rounds: int
    masked: int | None

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        """The updates of the boards that answer, as they come."""
        under_way = plan.round + 1 < self.rounds or self.masked is not None
        self.pool.ended = plan.exchange + 1 == self.masked
        self.pool.hold(under_way)
        for update in self.fleet.fit(plan, parameters):
            if self.pool.given_up:
                raise RunError("the work was given up: whoever asked is gone")
            for device in update.devices.tolist():
                self.pool.note(self.names[device], None)
            for device, reason in update.absent.items():
                self.pool.note(self.names[device], reason)
            yield update
        self.pool.hold(under_way)

    def close(self) -> None:
        """The pool closes it."""
