"""The boards of a gateway: who is there, and what they work on."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tifed.errors import RunError, UsageError
from tifed.experiment.identity import identity
from tifed.experiment.setup import build, with_faults
from tifed.federation import (
    DeviceCounts,
    DeviceScore,
    FeatureSums,
    PersonalScore,
    PersonalWork,
    Plan,
    Update,
    with_own_data,
)
from tifed.fleets.linked import LinkedFleet, LinkSettings
from tifed.link import Client, Patience, address_opener
from tifed.link.address import check_distinct, exposed_lines
from tifed.link.keys import keys_for
from tifed.nodes.context import DeviceSelection, NodeContext, parsed, samples_digest
from tifed.nodes.orders import Orders
from tifed.rule.network import Parameters

log = logging.getLogger("tifed.nodes.gateway")

LOOK_SECONDS = 1.0
"""Until a board that is only asked whether it is there counts as gone."""


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

    def clients(self, count: int | None = None) -> list[Client]:
        """New clients of the first ``count`` boards; nothing is opened yet.

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
            Client(address, address_opener(address, self.baud, self.field), self.patience, key)
            for address, key in zip(self.addresses[:count], keys, strict=False)
        ]


class BoardPool:
    """The boards, and the one experiment that they work on at a time.

    Not to be used from several threads at once. Every board that leaves, joins or cannot take part
    is logged, once.
    """

    def __init__(self, lines: Lines, data_dir: Path | None = None) -> None:
        """Nothing is opened yet.

        Args:
            lines: to the boards.
            data_dir: folder of data sets: boards that have no samples of their own get them from
                here.

        Raises:
            UsageError: if an address is not one, or two are the same line.
        """
        self._lines, self._data_dir = lines, data_dir
        self._waiting = lines.clients()
        self._key: tuple[str, DeviceSelection] | None = None
        self._context: NodeContext | None = None
        self._linked: LinkedFleet | None = None
        self._said: dict[str, str | None] = {}

    def context(self, experiment: str, selection: DeviceSelection) -> NodeContext:
        """The context of a node whose devices are the boards, first board first device.

        Args:
            experiment: as TOML, resolved.
            selection: which devices.

        Raises:
            UsageError: if the experiment cannot be built here, or needs more boards.
        """
        if self._context is not None and self._key == (experiment, selection):
            return self._context
        resolved = parsed(experiment)
        devices = selection.devices(resolved.devices, len(self._lines.addresses))
        # Its own fleet is none of ours: only the data, the network and the streams are.
        setup = build(
            resolved.model_copy(update={"fleet": "simulated", "fleet_settings": {}}), self._data_dir
        )
        link = resolved.link
        self._release()
        linked = LinkedFleet(
            setup.inputs,
            self._lines.clients(len(devices)),
            LinkSettings(link.on_reboot, link.repeats, "drop"),
            devices=devices,
        )
        names = dict(zip(devices, self._lines.addresses, strict=False))
        name = identity(resolved)
        log.info(
            "experiment %s: %s, %s, boards are devices %d to %d",
            name[:8], resolved.dataset, resolved.mode, devices.start, devices.stop - 1,
        )  # fmt: skip
        self._linked, self._key = linked, (experiment, selection)
        fleet = with_faults(resolved, _Watched(self, linked, names))
        self._context = NodeContext(
            name, samples_digest(resolved, setup), setup.network, devices, fleet,
            Orders(setup.federation) if resolved.own_data else None, lambda kind: linked.left_out,
        )  # fmt: skip
        return self._context

    def look(self) -> None:
        """Notice boards that have come or gone."""
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


def _greet(client: Client) -> str | None:
    """Why a board without work does not answer, if it does not."""
    try:
        client.open_line()
        client.open_session(LOOK_SECONDS)
    except RunError as error:
        return str(error)
    return None


@dataclass(frozen=True)
class _Watched:
    """A fleet of boards whose comings and goings the pool is told."""

    pool: BoardPool
    fleet: LinkedFleet
    names: dict[int, str]

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterable[FeatureSums]:
        """Feature sums, made by each of ``devices`` that answers."""
        return self.fleet.calibrate(devices, samples)

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        """The updates of the boards that answer, as they come."""
        for update in self.fleet.fit(plan, parameters):
            for device in update.devices.tolist():
                self.pool.note(self.names[device], None)
            for device, reason in update.absent.items():
                self.pool.note(self.names[device], reason)
            yield update

    def evaluate(self, parameters: Parameters) -> Iterable[DeviceScore]:
        """Scores on each board's samples: by the board if it has them itself, else from here."""
        return self.fleet.evaluate(parameters)

    def counts(self) -> Iterable[DeviceCounts]:
        """How many samples of its own each board that answers has."""
        return with_own_data(self.fleet).counts()

    def keep(self, parameters: Parameters, number: int) -> None:
        """Give a model to the boards, which keep it."""
        with_own_data(self.fleet).keep(parameters, number)

    def personalise(self, parameters: Parameters, work: PersonalWork) -> Iterable[PersonalScore]:
        """What personal rounds give each board that answers."""
        return with_own_data(self.fleet).personalise(parameters, work)

    def close(self) -> None:
        """The pool closes it."""
