"""Attacks on the sealed line of an emulated board: it obeys none, and the session goes on."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import pytest

from tifed.board.emulators.start import start_board
from tifed.board.firmware.build import Firmware
from tifed.experiment import Experiment
from tifed.experiment.setup import build
from tifed.fleets.emulated import Emulation, firmware_for
from tifed.link import (
    Client,
    DeviceGoneError,
    DeviceRefusedError,
    DeviceState,
    DeviceStatus,
    Frame,
    FrameReader,
    Kind,
    Patience,
    Transport,
    encode,
)
from tifed.link.frame import ANSWER, SEALED, VERSION
from tifed.link.seal import Seal
from tifed.link.transport import Opener

pytestmark = pytest.mark.slow(20)

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
LAYERS, SEED = (0, 1), 7


@dataclass
class Tapped:
    """A line that a stranger hears, and writes to; what it drops, nobody gets."""

    line: Transport
    heard: list[Frame] = field(default_factory=list)
    said: list[Frame] = field(default_factory=list)
    drops: Callable[[Frame], bool] = lambda frame: False
    to_board: FrameReader = field(default_factory=FrameReader)
    to_host: FrameReader = field(default_factory=FrameReader)

    def write(self, data: bytes) -> None:
        for frame in self.to_board.feed(data):
            self.said.append(frame)
            if not self.drops(frame):
                self.line.write(encode(frame))

    def read(self, seconds: float) -> bytes:
        data = self.line.read(seconds)
        self.heard += self.to_host.feed(data)
        return data

    def close(self) -> None:
        """The board stays."""

    def inject(self, frame: Frame) -> None:
        self.line.write(encode(frame))


@dataclass
class Board:
    """A board with a key, a stranger on its line, and how to make clients of it."""

    tap: Tapped

    def client(self, key: bytes | None = KEY, silence: float = 120.0) -> Client:
        return Client("board", lambda: self.tap, Patience(silence=silence), key)

    def is_not_used(self, why: str) -> None:
        """See that a host with a key leaves it, and that it says why once the board has answered.

        On a busy machine that takes a while, so a host that heard nothing waits for longer.
        """
        silence = 0.5
        while True:
            with pytest.raises(DeviceGoneError) as gone:
                self.client(KEY, silence).open_session()
            if why in str(gone.value):
                return
            silence *= 2.0
            assert silence < 100.0, gone.value

    def answers_to(self, client: Client, *attack: Frame) -> list[Frame]:
        """What the board answers to an attack, and nothing to ``client``, whom it still obeys."""
        before = self.settled(client)
        self.tap.heard.clear()
        self.tap.said.clear()
        for frame in attack:
            self.tap.inject(frame)
        after = self.settled(client)  # the board has answered all that came before
        assert (after.state, after.samples, after.step) == (
            before.state, before.samples, before.step,
        )  # fmt: skip
        answers = [frame for frame in self.tap.heard if frame.kind != Kind.STATUS | ANSWER]
        # To the client alone it has told its state.
        others = len(self.tap.heard) - len(answers) - len(self.tap.said)
        unsealed = [frame for frame in self.tap.heard if frame.kind == Kind.STATUS | ANSWER]
        told = [frame for frame in unsealed if frame.version == VERSION]
        assert others == len(told)
        return answers + told

    def nonces(self) -> list[bytes]:
        """The board's nonces in the answers to hellos that were heard since the last call.

        A host that had to wait says its hello again, so there may be more than one a session.
        """
        hellos = [frame for frame in self.tap.heard if frame.kind == Kind.HELLO | ANSWER]
        self.tap.heard.clear()
        return [frame.payload[-36:-20] for frame in hellos]

    def settled(self, client: Client) -> DeviceStatus:
        """The board's state, once it has answered every time that it was asked for it."""
        status = client.status()
        sealed = VERSION | SEALED
        asked = sum((f.kind, f.version) == (Kind.STATUS, sealed) for f in self.tap.said)
        while asked > sum(
            (f.kind, f.version) == (Kind.STATUS | ANSWER, sealed) for f in self.tap.heard
        ):
            self.tap.read(0.1)
        return status


def made(sealed: bool, board: str = "cortex-m4") -> Firmware:
    setup = build(Experiment(dataset="digits"))
    return firmware_for(Emulation(board), setup.inputs, sealed=sealed)


Starter = Callable[..., Board]


@pytest.fixture
def started() -> Iterator[Starter]:
    """Starts boards."""
    with ExitStack() as boards:

        def start(
            key: bytes | None = KEY, sealed: bool = True, processor: str = "cortex-m4"
        ) -> Board:
            opener: Opener = start_board(made(sealed, processor), boards, None, key)[1]
            return Board(Tapped(opener()))

        yield start


def configured(board: Board, key: bytes = KEY) -> Client:
    client = board.client(key)
    client.open_session()
    client.configure(LAYERS, SEED)
    return client


def unsealed(frames: list[Frame]) -> set[int]:
    """The codes of the answers, none of which may be sealed."""
    assert all(frame.version == VERSION for frame in frames)
    assert all(len(frame.payload) == 1 for frame in frames)
    return {frame.payload[0] for frame in frames}


@pytest.mark.parametrize("processor", ["cortex-m0", "cortex-m4"])
def test_no_bit_of_a_frame_can_be_changed(started: Starter, processor: str) -> None:
    board = started(processor=processor)
    client = configured(board)
    board.settled(client)  # no answer of before comes late
    board.tap.drops = lambda frame: frame.kind == Kind.CLEAR
    client.patience = Patience(silence=0.0)
    with pytest.raises(DeviceGoneError):
        client.clear()
    client.patience = Patience(silence=120.0)
    (kept,) = [frame for frame in board.tap.said if frame.kind == Kind.CLEAR]
    board.tap.drops = lambda frame: False
    # Its counter must still be to come, so the host has to say nothing in between.
    board.tap.heard.clear()
    for flip in (1, 0x80):
        changed = [replace(kept, kind=Kind.RESET), replace(kept, kind=kept.kind ^ flip)]
        changed.append(replace(kept, session=kept.session ^ flip))
        changed.append(replace(kept, sequence=kept.sequence ^ flip))
        changed.append(replace(kept, version=kept.version ^ flip))
        for place in range(len(kept.payload)):
            spoilt = bytearray(kept.payload)
            spoilt[place] ^= flip
            changed.append(replace(kept, payload=bytes(spoilt)))
        changed.append(replace(kept, payload=kept.payload[1:]))
        changed.append(replace(kept, payload=b"\0" + kept.payload))
        for frame in changed:
            board.tap.inject(frame)
    board.tap.inject(kept)  # which is obeyed, once it is as it was
    assert client.status().state is DeviceState.CONFIGURED
    sealed = [frame for frame in board.tap.heard if frame.version == VERSION | SEALED]
    assert [frame.kind for frame in sealed].count(Kind.CLEAR | ANSWER) == 1
    assert {frame.kind for frame in sealed} == {Kind.CLEAR | ANSWER, Kind.STATUS | ANSWER}
    others = [frame for frame in board.tap.heard if frame.version != VERSION | SEALED]
    assert unsealed(others) <= {66, 70, 75}


def test_what_was_heard_before_is_not_obeyed_again(started: Starter) -> None:
    board = started()
    client = configured(board)
    client.clear()
    again = [frame for frame in board.tap.said if frame.kind != Kind.HELLO]
    assert len(again) > 1
    assert board.answers_to(client, *again, *reversed(again)) == []


def test_what_a_board_says_means_nothing_to_it_nor_what_the_host_says_to_the_host(
    started: Starter,
) -> None:
    board = started()
    client = configured(board)
    client.status()
    back = [replace(frame, kind=frame.kind & ~ANSWER) for frame in board.tap.heard]
    assert len(back) > 1
    fresh = [frame for frame in back if frame.session and frame.kind != Kind.HELLO]
    assert board.answers_to(client, *board.tap.heard[:], *fresh) == []
    seal = client._seal
    assert seal is not None
    for frame in board.tap.said:
        assert seal.open(frame) is None
        assert seal.open(replace(frame, kind=frame.kind | ANSWER)) is None


def test_another_boards_frames_and_another_key_are_refused(started: Starter) -> None:
    board, other = started(), started(OTHER)
    client, stranger = configured(board), configured(other, OTHER)
    stranger.clear()
    foreign = [frame for frame in other.tap.said if frame.kind != Kind.HELLO]
    as_ours = [replace(frame, session=client._session) for frame in foreign]
    assert unsealed(board.answers_to(client, *foreign)) == {66}
    assert board.answers_to(client, *as_ours) == []
    # The host, too, knows its board by the key alone: the other one is not used in its place.
    other.is_not_used("does not have this device's key")
    stranger.status()


def test_an_earlier_session_is_over(started: Starter) -> None:
    board = started()
    first = configured(board)
    first.clear()
    earlier = board.tap.said[:]
    client = configured(board)
    asked = [frame for frame in earlier if frame.kind == Kind.HELLO]
    later = [frame for frame in earlier if frame.kind != Kind.HELLO]
    assert unsealed(board.answers_to(client, *later)) == {66}
    now = [replace(frame, session=client._session) for frame in later]
    assert board.answers_to(client, *now) == []
    # A hello that is said again gets another nonce, with which nothing of then opens.
    answers = board.answers_to(client, *asked, *later, *now)
    assert {frame.kind for frame in answers} == {Kind.HELLO | ANSWER}
    old = first._seal
    assert old is not None
    assert all(old.open(frame) is None for frame in answers)


def test_nor_does_a_restart_bring_it_back(started: Starter) -> None:
    board = started()
    first = configured(board)
    nonces = board.nonces()
    earlier = board.tap.said[:]
    first.reset()
    for frame in earlier:
        board.tap.inject(frame)
    client = configured(board)
    nonces += board.nonces()
    later = [frame for frame in earlier if frame.kind != Kind.HELLO]
    assert unsealed(board.answers_to(client, *later)) == {66}  # of another session
    client.open_session()
    nonces += board.nonces()
    assert len(nonces) > 2
    assert len(set(nonces)) == len(nonces)


def test_a_board_with_a_key_obeys_nobody_without(started: Starter) -> None:
    board = started()
    client = configured(board)
    plain = [
        Frame(kind, session, 9, bytes(length))
        for kind in range(1, 20)
        for session in (client._session, 9)
        for length in (0, 12)
    ]
    answers = board.answers_to(client, *plain)
    assert len(answers) == len(plain)
    assert unsealed(answers) == {75}
    with pytest.raises(DeviceRefusedError, match=r"takes sealed frames alone; name .*link\.keys"):
        board.client(None).open_session()
    client.status()
    # Nor does a hello that anybody can say end the session; only a key does.
    for number in range(3):
        board.answers_to(client, Frame(Kind.HELLO, 50 + number, 1, bytes([number] * 16)))


def test_a_host_with_a_key_uses_no_board_without(started: Starter) -> None:
    bare = started(key=None, sealed=False)
    bare.is_not_used("firmware does not seal its frames")
    keyless = started(key=None)
    keyless.is_not_used("has no key yet")
    with pytest.raises(DeviceRefusedError, match="takes sealed frames alone"):
        keyless.client(None).open_session()


def test_a_host_believes_no_answer_that_is_not_sealed() -> None:
    seal = Seal(KEY)
    seal.hello()
    for kind in (Kind.HELLO, Kind.STATUS, Kind.GET_PARAMETERS, Kind.TRAIN):
        for payload in (b"", b"\0", b"\0" * 60, b"\7", bytes([72])):
            assert seal.open(Frame(kind | ANSWER, 1, 1, payload)) is None
    assert seal.seal(Frame(Kind.STATUS, 1, 1)) is None  # and says nothing before it has a session
    hint = seal.open(Frame(Kind.STATUS | ANSWER, 1, 1, bytes([66])))
    assert hint is not None


def test_a_lost_answer_to_a_hello_costs_nothing(started: Starter) -> None:
    board = started()
    client = board.client()
    losing = iter([True])
    board.tap.drops = lambda frame: next(losing, False)
    client.open_session()
    client.configure(LAYERS, SEED)
    assert client.resent > 0
    assert client.status().state is DeviceState.CONFIGURED
