"""What the server's end puts on the line and reads from it, byte by byte as SPEC 12 says."""

import struct
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tifed.link import (
    Client,
    DeviceAnswerError,
    DeviceGoneError,
    DeviceRefusedError,
    DeviceRestartedError,
    DeviceState,
    Frame,
    FrameReader,
    Patience,
    TransportClosedError,
    encode,
)
from tifed.link.frame import Kind
from tifed.rule.learning import Statistics
from tifed.rule.network import Activation, Layer

PATIENT = Patience(answer=20.0, silence=20.0, training=0.02)
HASTY = Patience(answer=0.05, silence=20.0, training=0.02)
HELLO = struct.pack("<BBB10I", 3, 5, 4, 77, 64, 9000, 20, 10, 0b1010, 1, 31, 12, 1_000_000)
STATUS = struct.pack("<BH9I", 3, 13, 8, 9, 70, 6, 5, 4, 0x89ABCDEF, 0x01234567, 312)
Answer = Callable[[Frame], list[Frame]]


class Board:
    """A line to a device that answers as it is told, and remembers what it was asked."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.asked: list[Frame] = []
        self.opened = self.closed = 0
        self.parameters = np.zeros(0, np.uint8)
        self._answer = answer or self.well
        self._reader, self._said = FrameReader(), b""

    def open(self) -> "Board":
        self.opened += 1
        return self

    def write(self, data: bytes) -> None:
        for frame in self._reader.feed(data):
            self.asked.append(frame)
            self._said += b"".join(map(encode, self._answer(frame)))

    def read(self, seconds: float) -> bytes:
        said, self._said = self._said, b""
        if not said:
            time.sleep(min(seconds, 0.001))
        return said

    def close(self) -> None:
        self.closed += 1

    def payloads(self, kind: Kind) -> list[bytes]:
        return [frame.payload for frame in self.asked if frame.kind == kind]

    def well(self, frame: Frame) -> list[Frame]:
        """What a device in order says."""
        said = {Kind.HELLO: HELLO + b"a board", Kind.STATUS: STATUS}.get(Kind(frame.kind), b"\0\0")
        if frame.kind == Kind.GET_PARAMETERS:
            _, first, count = struct.unpack("<III", frame.payload)
            said = self.parameters[first : first + count].tobytes()
        elif frame.kind == Kind.GET_SUMS:
            first, count = struct.unpack("<II", frame.payload)
            said = struct.pack("<IQ", 6, 9_455) + struct.pack(
                f"<{count}i", *range(-first, -first - count, -1)
            )
        return [said_to(frame, b"\0" + said)]


def said_to(frame: Frame, payload: bytes, **changes: int) -> Frame:
    """The answer to ``frame``, or one that is not quite it."""
    fields = {"kind": frame.kind | 0x80, "session": frame.session, "sequence": frame.sequence}
    return Frame(**(fields | changes), payload=payload)


def client(board: Board) -> Client:
    """On a line that is known to be slow: a busy machine does not make it repeat a request."""
    one = Client("board", board.open, PATIENT)
    one._quickness.took(100.0)
    return one


def hasty(board: Board) -> Client:
    """For lines on which something gets lost."""
    return Client("board", board.open, HASTY)


def test_a_hello_taken_apart() -> None:
    said = client(Board()).open_session()
    assert (said.core, said.fingerprint, said.payload, said.memory) == (3, 77, 64, 9000)
    assert (said.buffer, said.batch, said.layers, said.all_layers) == (20, 10, (1, 3), True)
    assert (said.features, said.classes, said.tick_hertz) == (31, 12, 1_000_000)
    assert said.board == "a board"
    assert (said.can_reset, said.counts_ticks, said.paints_stack) == (True, False, True)


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        (1, (True, False, False)),
        (2, (False, True, False)),
        (4, (False, False, True)),
        (7, (True, True, True)),
    ],
)
def test_each_feature_of_a_device_has_a_bit(flags: int, found: tuple[bool, ...]) -> None:
    hello = HELLO[:1] + bytes([flags]) + HELLO[2:]
    said = client(Board(lambda frame: [said_to(frame, b"\0" + hello)])).open_session()
    assert (said.can_reset, said.counts_ticks, said.paints_stack) == found


def test_a_status_taken_apart() -> None:
    said = client(Board()).status()
    assert (said.state, said.samples, said.step, said.last_step) == (DeviceState.TRAINED, 13, 8, 9)
    assert said.statistics == Statistics(70, 6, 5, 4)
    assert (said.ticks, said.stack) == (0x0123456789ABCDEF, 312)


def test_the_states_of_a_device() -> None:
    assert [state.name for state in sorted(DeviceState)] == [
        "IDLE", "CONFIGURED", "TRAINING", "TRAINED", "WORKING",
    ]  # fmt: skip
    assert [int(state) for state in sorted(DeviceState)] == [0, 1, 2, 3, 4]


def test_types_of_frames() -> None:
    table = {
        "HELLO": 1, "CONFIGURE": 2, "PUT_CENTRE": 3, "PUT_PARAMETERS": 4, "GET_PARAMETERS": 5,
        "PUT_SAMPLE": 6, "CLEAR": 7, "GET_SUMS": 8, "TRAIN": 9, "STATUS": 10, "RESET": 11,
        "COUNTS": 12, "TAKE": 13, "CALIBRATE": 14, "EVALUATE": 15, "SCORE": 16, "KEEP": 17,
        "PERSONALISE": 18, "PERSONAL_SCORE": 19, "MASK_KEY": 20, "PEER": 21, "MASK": 22,
        "GET_MASKED": 23, "UNMASK": 24, "SEED": 25, "GET_CHANGES": 26, "PUT_CHANGES": 27,
        "PUT_START": 28, "EXCHANGE": 29, "READY": 0xC0, "DONE": 0xC1,
    }  # fmt: skip
    assert {kind.name: int(kind) for kind in Kind} == table


def test_every_session_is_new_and_none_is_0() -> None:
    board = Board()
    one = client(board)
    one._next_session = 0xFFFD
    for _ in range(4):
        one.open_session()
    assert [frame.session for frame in board.asked] == [0xFFFE, 0xFFFF, 1, 2]
    one.status()
    assert board.asked[-1].session == 2


def test_sequences_count_from_1_to_65535_and_start_over() -> None:
    board = Board()
    one = client(board)
    one.status()
    one._sequence = 0xFFFD
    for _ in range(3):
        one.status()
    assert [frame.sequence for frame in board.asked] == [1, 0xFFFE, 0xFFFF, 1]


def test_small_requests() -> None:
    board = Board()
    one = client(board)
    one.configure((0, 2), 2**64 - 5)
    one.clear()
    one.reset()
    assert board.payloads(Kind.CONFIGURE) == [struct.pack("<IQ", 0b101, 2**64 - 5)]
    assert board.payloads(Kind.CLEAR) == board.payloads(Kind.RESET) == [b""]
    assert [frame.sequence for frame in board.asked] == [1, 2, 3]


def test_a_centre_goes_in_pieces_that_fit() -> None:
    board = Board()
    one = client(board)
    one.open_session()
    centre = np.arange(-70, 71, dtype=np.int8)
    one.put_centre(centre)
    pieces = board.payloads(Kind.PUT_CENTRE)
    assert [len(piece) for piece in pieces] == [64, 64, 4 + 141 - 120]
    assert [struct.unpack_from("<I", piece)[0] for piece in pieces] == [0, 60, 120]
    assert b"".join(piece[4:] for piece in pieces) == centre.tobytes()
    one.put_centre(centre[:120])
    assert [len(piece) for piece in board.payloads(Kind.PUT_CENTRE)[3:]] == [64, 64]


@pytest.mark.parametrize("bits", [8, 16])
def test_parameters_are_numbered_weights_then_biases(bits: int) -> None:
    board = Board()
    one = client(board)
    one.open_session()
    rng = np.random.default_rng(1)
    weight = rng.integers(-127, 128, (9, 11)).astype(f"int{bits}")
    bias = rng.integers(-32767, 32768, 11).astype(np.int16)
    one.put_layer(1, weight, bias)
    sent = np.zeros(9 * 11 + 11, np.int64)
    seen = np.zeros(len(sent), int)
    for piece in board.payloads(Kind.PUT_PARAMETERS):
        layer, first = struct.unpack_from("<II", piece)
        assert layer == 1
        assert len(piece) <= 64
        values = np.frombuffer(piece[8:], f"<i{bits // 8}" if first < 99 else "<i2")
        sent[first : first + len(values)] = values
        seen[first : first + len(values)] += 1
    assert (seen == 1).all()
    assert sent.tolist() == [*weight.ravel().tolist(), *bias.tolist()]
    # As few pieces as fit: 56 bytes of values each.
    assert len(board.payloads(Kind.PUT_PARAMETERS)) == -(-99 * bits // 8 // 56) + 1


def test_parameters_are_fetched_by_number() -> None:
    board = Board()
    one = client(board)
    one.open_session()
    board.parameters = np.arange(-50, 60).astype("<i2")
    weight, bias = one.get_layer(2, Layer(9, 11, 128, Activation.RELU, 4, 4))
    assert weight.tolist() == np.arange(-50, 49).reshape(9, 11).tolist()
    assert bias.tolist() == list(range(49, 60))
    assert (weight.dtype, bias.dtype) == (np.dtype(np.int16), np.dtype(np.int16))
    asked = [struct.unpack("<III", piece) for piece in board.payloads(Kind.GET_PARAMETERS)]
    # A payload of 64 has room for the code and 31 values.
    assert asked == [(2, 0, 31), (2, 31, 31), (2, 62, 31), (2, 93, 6), (2, 99, 11)]


def test_narrow_weights_are_fetched_as_such() -> None:
    board = Board()
    one = client(board)
    one.open_session()
    board.parameters = np.arange(-50, 49).astype("i1")
    weight = one._get(0, 0, 99, np.dtype(np.int8), 127)
    assert weight.tolist() == list(range(-50, 49))
    asked = [struct.unpack("<III", piece) for piece in board.payloads(Kind.GET_PARAMETERS)]
    assert asked == [(0, 0, 63), (0, 63, 36)]


@pytest.mark.parametrize("change", [-1, 1])
def test_a_piece_of_another_length_is_refused(change: int) -> None:
    def answer(frame: Frame) -> list[Frame]:
        count = struct.unpack("<III", frame.payload)[2]
        return [said_to(frame, bytes(1 + 2 * count + change))]

    message = f"board: its answer to GET_PARAMETERS has {12 + change} bytes, not 12"
    with pytest.raises(DeviceAnswerError, match=message):
        client(Board(answer)).get_layer(0, Layer(3, 2, 128, Activation.RELU, 4, 4))


def test_samples_go_in_pieces_with_their_purpose_and_label() -> None:
    board = Board()
    one = client(board)
    one.open_session()
    samples = np.arange(200, dtype=np.uint8).reshape(2, 100).astype(np.int8)
    one.add_samples(samples, np.array([3, 300], np.int32))
    heads = [struct.unpack_from("<BBHI", piece) for piece in board.payloads(Kind.PUT_SAMPLE)]
    assert heads == [(0, 0, 3, 0), (0, 0, 3, 56), (0, 0, 300, 0), (0, 0, 300, 56)]
    sent = b"".join(piece[8:] for piece in board.payloads(Kind.PUT_SAMPLE))
    assert sent == samples.tobytes()


def test_the_class_is_what_the_last_piece_is_answered() -> None:
    values = iter([0, 259, 0, 7])

    def answer(frame: Frame) -> list[Frame]:
        if frame.kind == Kind.HELLO:
            return [said_to(frame, b"\0" + HELLO)]
        return [said_to(frame, b"\0" + struct.pack("<H", next(values)))]

    board = Board(answer)
    one = client(board)
    one.open_session()
    classes = one.classify(np.zeros((2, 100), np.int8))
    assert (classes.tolist(), classes.dtype) == ([259, 7], np.dtype(np.int32))
    heads = [struct.unpack_from("<BBHI", piece) for piece in board.payloads(Kind.PUT_SAMPLE)]
    assert [head[0] for head in heads] == [2] * 4
    assert [head[2] for head in heads] == [0] * 4


def test_calibration_sums_come_in_pieces() -> None:
    board = Board()
    one = client(board)
    one.open_session()
    total, squares, counted = one.calibrate(np.zeros((6, 40), np.int8), 31)
    assert (total.tolist(), squares, counted) == ([-n for n in range(31)], 9_455, 6)
    kinds = [Kind(frame.kind) for frame in board.asked]
    assert kinds == [Kind.HELLO, Kind.CLEAR, *[Kind.PUT_SAMPLE] * 6, *[Kind.GET_SUMS] * 3]
    assert {piece[:4] for piece in board.payloads(Kind.PUT_SAMPLE)} == {b"\1\0\0\0"}
    # A payload of 64 has room for the code, the number of samples, their squares and 12 sums.
    asked = [struct.unpack("<II", piece) for piece in board.payloads(Kind.GET_SUMS)]
    assert asked == [(0, 12), (12, 12), (24, 7)]


def test_a_sum_of_squares_that_changes_from_piece_to_piece_is_not_taken() -> None:
    squares = iter([9_455, 9_456, 9_455])

    def answer(frame: Frame) -> list[Frame]:
        if frame.kind != Kind.GET_SUMS:
            return board.well(frame)
        _, count = struct.unpack("<II", frame.payload)
        return [said_to(frame, struct.pack("<BIQ", 0, 6, next(squares)) + bytes(4 * count))]

    board = Board(answer)
    one = client(board)
    one.open_session()
    with pytest.raises(DeviceAnswerError, match=r"squares sum to \[9455, 9456\]"):
        one.calibrate(np.zeros((6, 40), np.int8), 31)


def test_a_train_order_and_its_end() -> None:
    def answer(frame: Frame) -> list[Frame]:
        done = b"\0" + STATUS
        return [
            said_to(frame, b"\0\0\0"),
            said_to(frame, b"\0" + bytes(39), kind=Kind.DONE, session=frame.session + 1),
            said_to(frame, b"\0" + bytes(39), kind=Kind.DONE, sequence=frame.sequence + 1),
            said_to(frame, done, kind=Kind.DONE),
        ]

    board = Board(answer)
    done = client(board).train(1, 7, 2, 30, 4, -5)
    assert board.payloads(Kind.TRAIN) == [struct.pack("<5Ii", 1, 7, 2, 30, 4, -5)]
    assert (done.state, done.statistics) == (DeviceState.TRAINED, Statistics(70, 6, 5, 4))
    assert len(board.asked) == 1


def test_a_device_whose_word_was_lost_is_asked() -> None:
    steps = iter([2, 3, 8])

    def answer(frame: Frame) -> list[Frame]:
        if frame.kind == Kind.TRAIN:
            return [said_to(frame, b"\0\0\0")]
        step = next(steps)
        state = bytes([3 if step == 8 else 2])
        return [said_to(frame, b"\0" + state + struct.pack("<H9I", 9, step, *[0] * 8))]

    board = Board(answer)
    assert client(board).train(1, 7, 0, 0, 0).step == 8
    assert [Kind(frame.kind) for frame in board.asked] == [Kind.TRAIN, *[Kind.STATUS] * 3]


def test_a_ready_frame_ends_a_request() -> None:
    ready = Frame(Kind.READY, 0, 0, b"")
    with pytest.raises(DeviceRestartedError, match="board: restarted"):
        client(Board(lambda frame: [ready])).status()
    with pytest.raises(DeviceRestartedError, match="board: restarted"):
        client(Board(lambda frame: [said_to(frame, b"\0\0\0"), ready])).train(0, 1, 0, 0, 0)


def test_a_hello_does_not_mind_that_the_device_has_just_started() -> None:
    ready = Frame(Kind.READY, 0, 0, b"")
    board = Board(lambda frame: [ready, said_to(frame, b"\0" + HELLO)])
    assert client(board).open_session().core == 3


def test_a_request_is_repeated_as_it_was_until_it_is_answered() -> None:
    def answer(frame: Frame) -> list[Frame]:
        return [said_to(frame, b"\0" + STATUS)] if len(board.asked) >= 3 else []

    board = Board(answer)
    one = hasty(board)
    assert one.status().samples == 13
    assert set(board.asked) == {board.asked[0]}
    assert one.resent == len(board.asked) - 1 >= 2
    assert board.opened == 1


def test_an_answer_to_something_else_is_none() -> None:
    def answer(frame: Frame) -> list[Frame]:
        return [
            said_to(frame, b"\x04", sequence=frame.sequence - 1),
            said_to(frame, b"\x04", kind=Kind.CLEAR | 0x80),
            said_to(frame, b"\x04", kind=frame.kind),
            said_to(frame, b"\0" + STATUS),
        ]

    assert client(Board(answer)).status().samples == 13


@pytest.mark.parametrize(
    ("payload", "error", "message", "code"),
    [
        (b"\x42", DeviceRestartedError, "board: restarted", None),
        (b"\x07", DeviceRefusedError, "board: a label that is not a class", 7),
        (b"\x44", DeviceRefusedError, "board: busy with training", 68),
        (b"\x45", DeviceRefusedError, "board: out of order", 69),
        (b"\x63", DeviceRefusedError, "board: error 99", 99),
        (b"", DeviceAnswerError, "board: its answer to STATUS is empty", None),
    ],
)
def test_answers_that_are_errors(
    payload: bytes, error: type[Exception], message: str, code: int | None
) -> None:
    with pytest.raises(error, match=f"^{message}$") as caught:
        client(Board(lambda frame: [said_to(frame, payload)])).status()
    assert getattr(caught.value, "code", None) == code


def test_the_codes_of_the_specification_have_words() -> None:
    from tifed.link.conversation import CODES

    assert sorted(CODES) == [*range(1, 10), *range(64, 82)]


def test_a_line_that_goes_down_is_opened_again_and_nothing_old_is_read() -> None:
    class Breaks(Board):
        def read(self, seconds: float) -> bytes:
            if self.opened == 1:
                raise TransportClosedError("unplugged")
            return super().read(seconds)

    board = Breaks()
    one = client(board)
    assert one.status().samples == 13
    assert (board.opened, board.closed, one.resent) == (2, 1, 1)
    one.close()
    one.close()
    assert board.closed == 2
    one.status()
    assert board.opened == 3


def test_whoever_is_told_to_stop_asks_nothing_more() -> None:
    board = Board()
    one = client(board)
    one.stop()
    with pytest.raises(DeviceGoneError, match="no answer to STATUS"):
        one.status()
    assert board.asked == []


def test_a_request_is_made_once_even_without_patience() -> None:
    board = Board()
    assert client(board).status(silence=0.0).samples == 13
    assert len(board.asked) == 1


def test_a_request_may_have_less_patience_than_its_client() -> None:
    with pytest.raises(DeviceGoneError, match="board: no answer to STATUS within 0 s"):
        hasty(Board(lambda frame: [])).status(silence=0.0)


def test_a_line_that_cannot_be_opened_is_not_tried_all_the_time() -> None:
    tries = []

    def opener() -> Board:
        tries.append(0)
        raise TransportClosedError("nobody")

    with pytest.raises(DeviceGoneError):
        Client("nobody", opener, Patience(silence=0.3)).status()
    assert len(tries) <= 3


def forgetful() -> Board:
    """On its line the first copy of each request but hello gets lost."""
    seen = set()

    def answer(frame: Frame) -> list[Frame]:
        lost = frame.kind != Kind.HELLO and frame.sequence not in seen
        seen.add(frame.sequence)
        return [] if lost else board.well(frame)

    board = Board(answer)
    return board


@pytest.mark.parametrize(("loses", "sizes"), [(True, [60, 36, 4]), (False, [60, 40])])
def test_pieces_get_shorter_where_requests_have_to_be_repeated(
    loses: bool, sizes: list[int]
) -> None:
    """A payload of 64 has room for 60 bytes beside the place; one of 40, the least, for 36."""
    board = forgetful() if loses else Board()
    one = hasty(board) if loses else client(board)
    one.open_session()
    one.put_centre(np.zeros(100, np.int8))
    pieces = dict.fromkeys(board.payloads(Kind.PUT_CENTRE))
    assert [len(piece) - 4 for piece in pieces] == sizes


def test_only_an_answer_to_the_first_request_says_how_quick_a_line_is() -> None:
    one = hasty(forgetful())
    before = one._quickness.wait(0, 1e9)
    one.status()
    assert one._quickness.wait(0, 1e9) == before
    one = client(Board())
    before = one._quickness.wait(0, 1e9)
    one.status()
    assert one._quickness.wait(0, 1e9) < before


def test_patience_by_default() -> None:
    one: Any = Client("board", Board().open).patience
    assert (one.answer, one.silence, one.training) == (1.0, 30.0, 1.0)
