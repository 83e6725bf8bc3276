"""Attacks on devices with masks: what they refuse, and that their masks are those of SPEC 21.5."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
import pytest

from tifed.board.emulators.start import start_board
from tifed.experiment import Experiment
from tifed.experiment.setup import Setup, build
from tifed.federation import Job, Jobs, Plan
from tifed.fleets import SimulatedFleet
from tifed.fleets.emulated import Emulation, firmware_for
from tifed.link import Client, DeviceRefusedError, DeviceRestartedError, Patience
from tifed.secure_aggregation.devices import Words, mask_words, take_off

pytestmark = pytest.mark.slow(30)

PAST_THE_END, ORDER, NOT_ALLOWED, TOO_FEW = 5, 69, 72, 78
SAMPLES, STEPS, BOARDS = 20, 4, 4
JOBS = [Job(device, (0, 1), 0, SAMPLES, 0, STEPS) for device in range(BOARDS)]
OTHERS = {own: [other for other in range(BOARDS) if other != own] for own in range(BOARDS)}


@dataclass
class Group:
    """Boards that have met and trained."""

    setup: Setup
    clients: list[Client]
    public: list[bytes] = field(default_factory=list)

    def begin(self) -> None:
        """A new session, with what the run begins with."""
        start = self.setup.start
        for client in self.clients:
            client.open_session()
            client.configure((0, 1), self.setup.federation.seed)
            if self.setup.network.centred:
                client.put_centre(start.centre)
            for number, weight in enumerate(start.weights):
                client.put_layer(number, weight, start.biases[number])

    def meet(self) -> None:
        self.public = [client.mask_key(own) for own, client in enumerate(self.clients)]
        for own, client in enumerate(self.clients):
            for place, other in enumerate(OTHERS[own], 1):
                client.put_peer(place, other, self.public[other])

    def train(self, exchange: int = 0) -> None:
        for own, client in enumerate(self.clients):
            client.clear()
            client.add_samples(*self.setup.inputs.sent[own].read(0, SAMPLES))
            client.train(0, STEPS, 0, own, exchange)

    def learnt(self, own: int) -> Words:
        """What n * W is of the first layer, as a simulation has it."""
        plan = Plan(0, 0, 0, Jobs.of(JOBS))
        fleet = SimulatedFleet(self.setup.inputs)
        trained, _ = fleet.train(plan, JOBS[own], self.setup.start)
        parameters = np.concatenate([trained.weights[0].ravel(), trained.biases[0]])
        return (SAMPLES * parameters.astype(np.int64)).astype(np.uint32)


@pytest.fixture(params=["cortex-m0", "cortex-m4"])
def group(request: pytest.FixtureRequest) -> Iterator[Group]:
    """Four boards that have trained and know each other's keys."""
    experiment = Experiment(
        dataset="digits", devices=BOARDS, layers=[64, 6, 10], privacy={"device_masks": True}
    )
    setup = build(experiment)
    firmware = firmware_for(Emulation(request.param), setup.inputs)
    with ExitStack() as boards:
        clients = []
        for own in range(BOARDS):
            client = Client(f"board {own}", start_board(firmware, boards)[1], Patience(silence=20))
            clients.append(client)
        made = Group(setup, clients)
        made.begin()
        made.train()
        made.meet()
        yield made


def refused(code: int, ask: Callable[..., object], *arguments: object) -> None:
    with pytest.raises(DeviceRefusedError) as error:
        ask(*arguments)
    assert error.value.code == code


def test_masks_hide_what_a_board_has_learnt_and_come_off(group: Group) -> None:
    words = len(group.learnt(0))
    for client in group.clients:
        client.begin_masks(1, range(BOARDS))
    masked = [client.get_masked(0, words) for client in group.clients]
    assert all((found == client.get_masked(0, words)).all() for found, client in zip(
        masked, group.clients, strict=True
    ))  # fmt: skip
    again = np.concatenate([group.clients[0]._get_masked(0, at, 1) for at in range(40)])
    assert (again == masked[0][:40]).all()  # wherever a piece begins
    for own, found in enumerate(masked):
        assert np.count_nonzero(found == group.learnt(own)) <= 2
    # Board 3 is lost: the sum of the others is had, and nothing else.
    total = {0: masked[0] + masked[1] + masked[2]}
    for own, client in enumerate(group.clients[:3]):
        client.unmask(1, range(3))
        for other in (own, 3):
            take_off(total, own, other, client.seed(other))
    assert (total[0] == group.learnt(0) + group.learnt(1) + group.learnt(2)).all()
    # All that the host has been told takes no mask of board 3 off but those that it shares.
    alone = {0: masked[3].copy()}
    for other, client in enumerate(group.clients[:3]):
        mask = mask_words(client.seed(3), 0, words)
        alone[0] += mask if other < 3 else -mask
    assert np.count_nonzero(alone[0] == group.learnt(3)) <= 2
    # Nor are the masks of the next round those of this one.
    group.train()
    client = group.clients[0]
    client.begin_masks(2, range(BOARDS))
    assert np.count_nonzero(client.get_masked(0, words) == masked[0]) <= 2


def test_what_was_learnt_leaves_a_board_in_no_other_way(group: Group) -> None:
    client, network = group.clients[0], group.setup.network
    before = client.status().statistics
    assert (before.visits, before.missed, before.clipped_parameters) == (0, 0, 0)
    refused(NOT_ALLOWED, client.get_layer, 0, network.layers[0])
    refused(NOT_ALLOWED, client.get_layer, 1, network.layers[1])
    sample, _ = group.setup.inputs.sent[0].read(0, 1)
    refused(NOT_ALLOWED, client.classify, sample)
    client.open_session()
    refused(NOT_ALLOWED, client.calibrate, sample, network.features)
    for vector in range(4):
        refused(ORDER, client.get_masked, vector, 4)


def test_no_two_lists_and_no_list_that_is_too_short_or_of_others(group: Group) -> None:
    client, words = group.clients[0], len(group.learnt(0))
    refused(ORDER, client.seed, 0)
    refused(TOO_FEW, client.begin_masks, 1, [0, 1])
    refused(TOO_FEW, client.begin_masks, 1, [])
    refused(NOT_ALLOWED, client.begin_masks, 1, [1, 2, 3])
    refused(NOT_ALLOWED, client.begin_masks, 1, [0, 1, 2, 4])
    refused(NOT_ALLOWED, client.begin_masks, 1, [0, 1, 1])
    client.begin_masks(1, [0, 1, 2, 3])
    client.get_masked(0, words)
    for own in range(BOARDS):
        refused(ORDER, client.seed, own)
    refused(TOO_FEW, client.unmask, 1, [0, 1])
    refused(NOT_ALLOWED, client.unmask, 1, [1, 2, 3])
    refused(NOT_ALLOWED, client.unmask, 1, [0, 1, 2, 7])
    refused(NOT_ALLOWED, client.unmask, 1, [0, 1, 1, 2])
    refused(ORDER, client.unmask, 2, [0, 1, 2, 3])
    refused(ORDER, client.seed, 0)  # none of these was believed
    client.unmask(1, [0, 1, 2])
    refused(NOT_ALLOWED, client.unmask, 1, [0, 1, 3])
    refused(NOT_ALLOWED, client.unmask, 1, [0, 1, 2, 3])
    client.unmask(1, [0, 1, 2])
    for own in (1, 2, 4):
        refused(NOT_ALLOWED, client.seed, own)
    assert client.seed(0) == client.seed(0) != client.seed(3)
    refused(ORDER, client.get_masked, 0, words)


def test_no_mask_is_for_two_vectors(group: Group) -> None:
    client, words = group.clients[1], len(group.learnt(1))
    client.begin_masks(5, range(BOARDS))
    for number in (5, 4, 0):
        refused(ORDER, client.begin_masks, number, range(BOARDS))
        refused(ORDER, client.get_masked, 0, words)  # that round is over as well
    refused(ORDER, client.unmask, 5, range(BOARDS))
    start = group.setup.start
    others: list[tuple[Callable[..., object], tuple[object, ...]]] = [
        (client.clear, ()),
        (client.put_layer, (0, start.weights[0], start.biases[0])),
        (client.train, (0, 1, 0, 1, 0)),
        (client.put_peer, (1, 0, group.public[0])),
    ]
    for number, (order, arguments) in enumerate(others, 6):
        group.train()
        client.begin_masks(number, range(BOARDS))
        client.get_masked(0, 16)
        order(*arguments)
        refused(ORDER, client.get_masked, 0, 16)
        refused(ORDER, client.unmask, number, range(BOARDS))
        refused(ORDER, client.seed, 1)


def test_nothing_of_a_session_is_left_for_the_next(group: Group) -> None:
    client = group.clients[0]
    client.begin_masks(9, range(BOARDS))
    client.unmask(9, range(3))
    client.open_session()
    for own in range(BOARDS):
        refused(ORDER, client.seed, own)
    refused(ORDER, client.begin_masks, 10, range(BOARDS))
    refused(ORDER, client.put_peer, 1, 1, group.public[1])
    fresh = client.mask_key(0)
    assert fresh == client.mask_key(0)
    assert len({fresh, *group.public}) == BOARDS + 1
    refused(NOT_ALLOWED, client.mask_key, 1)


def test_a_round_from_before_a_restart_is_refused(group: Group) -> None:
    client, words = group.clients[0], len(group.learnt(0))
    client.begin_masks(9, range(BOARDS))
    client.get_masked(0, words)
    client.reset()
    with pytest.raises(DeviceRestartedError):
        client.unmask(9, range(BOARDS))
    client.open_session()
    refused(ORDER, client.unmask, 9, range(BOARDS))
    refused(ORDER, client.get_masked, 0, words)
    for own in range(BOARDS):
        refused(ORDER, client.seed, own)
    # The others, who are in the round still, take it for lost: what they tell is of no use for it.
    assert client.mask_key(0) != group.public[0]


def test_a_lie_about_the_exchange_gets_no_mask_a_second_time(group: Group) -> None:
    """The number of a round, of which the masks are made, is not that of the exchange."""
    words, start = len(group.learnt(0)), group.setup.start
    client = group.clients[0]
    client.begin_masks(1, range(BOARDS))
    first = client.get_masked(0, words)
    for place, exchange in enumerate((7, 0, 7), 2):  # later, earlier, and the same again
        for number, weight in enumerate(start.weights):
            client.put_layer(number, weight, start.biases[number])
        group.train(exchange)
        refused(ORDER, client.begin_masks, place - 1, range(BOARDS))
        refused(ORDER, client.get_masked, 0, words)
        client.begin_masks(place, range(BOARDS))
        # The work is the same, so where a mask came again the word would, too.
        assert np.count_nonzero(client.get_masked(0, words) == first) <= 2


def test_keys_seeds_and_lists_of_an_earlier_session_open_nothing(group: Group) -> None:
    words, old = len(group.learnt(0)), list(group.public)
    for client in group.clients:
        client.begin_masks(1, range(BOARDS))
    for client in group.clients[:3]:
        client.unmask(1, range(3))
    told = {own: {o: group.clients[own].seed(o) for o in (own, 3)} for own in range(3)}
    group.begin()
    group.train()
    group.meet()
    # The host gives board 0 the earlier key of board 1, and has told it of the earlier list.
    victim = group.clients[0]
    victim.put_peer(1, 1, old[1])
    refused(ORDER, victim.unmask, 1, range(3))
    for client in group.clients:
        client.begin_masks(1, range(BOARDS))
    masked = [client.get_masked(0, words) for client in group.clients]
    total = {0: masked[0] + masked[1] + masked[2]}
    for own, client in enumerate(group.clients[:3]):
        client.unmask(1, range(3))
        for other in (own, 3):
            fresh = client.seed(other)
            assert fresh != told[own][other]
            take_off(total, own, other, fresh)
    learnt = group.learnt(0) + group.learnt(1) + group.learnt(2)
    assert np.count_nonzero(total[0] == learnt) <= 2  # what boards 0 and 1 share does not cancel
    # Nor do seeds that were told in that session take anything off.
    alone = {0: masked[0].copy()}
    for other, seed in told[0].items():
        take_off(alone, 0, other, seed)
    assert np.count_nonzero(alone[0] == group.learnt(0)) <= 2
    refused(NOT_ALLOWED, victim.seed, 1)  # which would do it


def test_keys_that_are_none_and_places_that_are_none(group: Group) -> None:
    client = group.clients[0]
    for worthless in (bytes(32), b"\1" + bytes(31)):
        refused(NOT_ALLOWED, client.put_peer, 1, 1, worthless)
    refused(NOT_ALLOWED, client.begin_masks, 1, range(BOARDS))  # board 1 has none now
    for place in (0, 9, 33, 1 << 31):
        refused(NOT_ALLOWED, client.put_peer, place, 1, group.public[1])
    refused(NOT_ALLOWED, client.put_peer, 1, 0, group.public[1])
    client.put_peer(1, 1, group.public[1])
    client.begin_masks(1, range(BOARDS))
    words = len(group.learnt(0))
    refused(PAST_THE_END, client.get_masked, 0, words + 1)
    refused(PAST_THE_END, client.get_masked, 1 << 31, 1)
    assert len(client.get_masked(2, 4)) == 4  # what training has counted
    refused(PAST_THE_END, client.get_masked, 3, 1)  # sums that it has not now
