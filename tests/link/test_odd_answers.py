"""A board may answer anything: it is left out by name, and the other one counts.

Two real, emulated boards; between the host and the first one sits somebody who changes what that
board says.
"""

import logging
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

pytest.importorskip("unicorn", reason="needs pip install 'tifed[emulator]'")

from tifed.board.emulators.unicorn import UnicornBoard
from tifed.board.firmware import build_firmware, experiment_header
from tifed.board.firmware.emulated_boards import UNICORN
from tifed.experiment import Experiment
from tifed.experiment.setup import Setup, build
from tifed.federation import Plan, Update, begin, total
from tifed.federation.sum_numbers import SumNumbers
from tifed.fleets.linked import LinkedFleet, LinkSettings
from tifed.link import (
    Client,
    DeviceAnswerError,
    DeviceError,
    Frame,
    FrameReader,
    Kind,
    Patience,
    encode,
)
from tifed.link.frame import ANSWER
from tifed.nodes.messages.check import checked_sums, checked_update
from tifed.nodes.messages.content import message, update_message
from tifed.nodes.messages.device_ranges import to_ranges

QUICK = Patience(answer=0.05, silence=0.2, training=0.02)
CALM = Patience(answer=2.0, silence=120.0)
ASKED = (
    Kind.HELLO, Kind.CONFIGURE, Kind.PUT_CENTRE, Kind.PUT_PARAMETERS, Kind.GET_PARAMETERS,
    Kind.PUT_SAMPLE, Kind.CLEAR, Kind.GET_SUMS, Kind.TRAIN, Kind.STATUS, Kind.DONE,
)  # fmt: skip
_FINGERPRINT = slice(4, 8)

Change = Callable[[Frame], Frame]


@dataclass
class Tampered:
    """The line of a board, on which answers to some requests are changed."""

    board: UnicornBoard
    changes: dict[int, Change] = field(default_factory=dict)
    reader: FrameReader = field(default_factory=FrameReader)

    def read(self, seconds: float) -> bytes:
        said = b""
        for frame in self.reader.feed(self.board.read(seconds)):
            kind = frame.kind if frame.kind == Kind.DONE else frame.kind & ~ANSWER
            change = self.changes.get(kind)
            said += encode(frame if change is None else change(frame))
        return said

    def write(self, data: bytes) -> None:
        self.board.write(data)

    def close(self) -> None:
        """The board is there for the next test."""


@pytest.fixture(scope="module")
def setup() -> Setup:
    return build(
        Experiment(dataset="digits", devices=2, rounds=1, layers=(64, 4, 10), local_epochs=1)
    )


@pytest.fixture(scope="module")
def plan(setup: Setup) -> Plan:
    state, _ = begin(setup.federation, setup.fleet, setup.start)
    (plan,) = setup.federation.plans(state)
    return plan


@pytest.fixture(scope="module")
def boards(setup: Setup) -> tuple[UnicornBoard, UnicornBoard]:
    firmware = build_firmware(
        UNICORN["cortex-m4"], experiment_header(setup.network, [(0, 1)], 20, 10)
    )
    return UnicornBoard(firmware), UnicornBoard(firmware)


Boards = tuple[UnicornBoard, UnicornBoard]


def fleet_of(
    setup: Setup, boards: Boards, changes: dict[int, Change], patience: Patience = CALM
) -> LinkedFleet:
    clients = [
        Client("odd", lambda: Tampered(boards[0], changes), patience),
        Client("sound", lambda: Tampered(boards[1]), CALM),
    ]
    return LinkedFleet(setup.inputs, clients, LinkSettings(repeats=1))


def exchange(
    setup: Setup, boards: Boards, plan: Plan, changes: dict[int, Change], patience: Patience = CALM
) -> Update:
    """A calibration and an exchange; whatever comes of the odd board, the other one counts."""
    fleet = fleet_of(setup, boards, changes, patience)
    try:
        sums = list(fleet.calibrate([0, 1], 3))
        update = total(fleet.fit(plan, setup.start))
    finally:
        fleet.close()
    devices = [int(one.devices[0]) for one in sums]
    assert 1 in devices
    assert 1 in update.devices
    # What it says and is believed is what a server believes of a node.
    for one in sums:
        arrays = {"devices": to_ranges(one.devices), "total": one.total}
        content = message("calibrate", "", arrays, samples=one.samples, squares=one.squares)
        checked_sums(content, setup.federation, np.array([0, 1]), 3)
    numbers = SumNumbers(setup.federation, plan, setup.start)
    content = update_message("", numbers, update)
    assert checked_update(content, numbers).layers
    assert set(update.absent) == {0, 1} - set(update.devices.tolist())
    for reason in update.absent.values():
        assert reason.startswith("odd: ")
    return update


def with_payload(payload: bytes, frame: Frame) -> Frame:
    return replace(frame, payload=payload)


def with_bytes(place: int, content: bytes, frame: Frame) -> Frame:
    """Some bytes of the answer are others, but it stays one of the same experiment."""
    payload = bytearray(frame.payload)
    payload[place : place + len(content)] = content[: max(0, len(payload) - place)]
    if frame.kind == Kind.HELLO | ANSWER:
        payload[_FINGERPRINT] = frame.payload[_FINGERPRINT]
    return replace(frame, payload=bytes(payload))


def cut(length: int, frame: Frame) -> Frame:
    return replace(frame, payload=frame.payload[:length])


def with_more(content: bytes, frame: Frame) -> Frame:
    return replace(frame, payload=frame.payload + content)


def of_session(difference: int, frame: Frame) -> Frame:
    return replace(frame, session=(frame.session + difference) % 0x10000)


def as_ready(frame: Frame) -> Frame:
    return Frame(Kind.READY, 0, 0)


CHANGES: st.SearchStrategy[Change] = st.one_of(
    st.binary(max_size=60).map(lambda payload: partial(with_payload, payload)),
    st.binary(max_size=60).map(lambda payload: partial(with_payload, b"\0" + payload)),
    st.tuples(st.integers(0, 44), st.binary(min_size=1, max_size=8)).map(
        lambda it: partial(with_bytes, *it)
    ),
    st.integers(0, 50).map(lambda length: partial(cut, length)),
    st.binary(min_size=1, max_size=60).map(lambda content: partial(with_more, content)),
    st.integers(1, 0xFFFF).map(lambda difference: partial(of_session, difference)),
    st.just(as_ready),
)


@pytest.mark.slow(3)
@settings(
    max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(st.sampled_from(ASKED), CHANGES, min_size=1, max_size=3))
@example({Kind.STATUS: partial(with_payload, b""), Kind.DONE: partial(with_payload, b"")})
def test_no_answer_ends_a_run(
    setup: Setup, boards: Boards, plan: Plan, changes: dict[int, Change]
) -> None:
    exchange(setup, boards, plan, changes, QUICK)


def hello(place: int, *values: int) -> Change:
    """Changed numbers of a hello from ``place`` on, all but the first three of 32 bits."""
    return partial(with_bytes, place, struct.pack(f"<{len(values)}I", *values))


def status(place: int, value: int) -> Change:
    return partial(with_bytes, place, struct.pack("<I", value))


ODD: dict[str, tuple[dict[int, Change], str]] = {
    "payload 0": ({Kind.HELLO: hello(8, 0)}, "its answer to HELLO says that a payload has 0 bytes"),
    "payload 1": ({Kind.HELLO: hello(8, 1)}, "a payload has 1 bytes at most"),
    "payload 12": ({Kind.HELLO: hello(8, 12)}, "a payload has 12 bytes at most"),
    "payload 4 GB": ({Kind.HELLO: hello(8, 0xFFFFFFFF)}, "a payload has 4294967295 bytes"),
    "another depth": (
        {Kind.HELLO: partial(with_bytes, 3, b"\x07")},
        "other layers, features, classes, buffer or mini-batch: (7, 64, 10, 20, 10)",
    ),
    "no layers": ({Kind.HELLO: partial(with_bytes, 3, b"\0")}, "names 0 layers"),
    "other samples": ({Kind.HELLO: hello(32, 65)}, "other layers, features, classes"),
    "no buffer": ({Kind.HELLO: hello(16, 0)}, "a buffer of 0"),
    "a short hello": ({Kind.HELLO: partial(cut, 20)}, "has 19 bytes, not 43 or more"),
    "an empty answer": ({Kind.CLEAR: partial(cut, 0)}, "its answer to CLEAR is empty"),
    "no value": ({Kind.PUT_SAMPLE: partial(cut, 2)}, "its answer to PUT_SAMPLE has 1 bytes, not 2"),
    "a long answer": (
        {Kind.CONFIGURE: partial(with_more, b"\0")},
        "its answer to CONFIGURE has 3 bytes, not 2",
    ),
    "an unknown code": ({Kind.TRAIN: partial(with_payload, b"\xc8\0\0")}, "error 200"),
    "an unknown state": (
        {kind: partial(with_bytes, 1, b"\x09") for kind in (Kind.STATUS, Kind.DONE)},
        "names a state 9, which there is not",
    ),
    "a state that cannot be": (
        {kind: partial(with_bytes, 1, b"\0") for kind in (Kind.STATUS, Kind.DONE)},
        "is idle in step 2 after an order to train steps 0 to 1",
    ),
    "a step far on": (
        {kind: status(4, 77) for kind in (Kind.STATUS, Kind.DONE)},
        "is trained in step 77 after an order to train steps 0 to 1",
    ),
    "a short status": (
        {kind: partial(cut, 30) for kind in (Kind.STATUS, Kind.DONE)},
        "has 29 bytes, not 39",
    ),
    "more samples": (
        {kind: partial(with_bytes, 2, b"\xff\xff") for kind in (Kind.STATUS, Kind.DONE)},
        "trained on 65535 samples, of 20 sent",
    ),
    "no visits": (
        {kind: status(12, 0) for kind in (Kind.STATUS, Kind.DONE)}, "counted 0 visits"
    ),
    "more misses": (
        {kind: status(16, 21) for kind in (Kind.STATUS, Kind.DONE)}, "and 21 misses of 20"
    ),
    "more clipped parameters": (
        {kind: status(20, 621) for kind in (Kind.STATUS, Kind.DONE)},
        "counted 621 clipped parameters of 620",
    ),
    "more clipped deltas": (
        {kind: status(24, 281) for kind in (Kind.STATUS, Kind.DONE)},
        "counted 281 clipped deltas of 280",
    ),
    "too few parameters": (
        {Kind.GET_PARAMETERS: partial(cut, 7)}, "its answer to GET_PARAMETERS has 6 bytes, not "
    ),
    "parameters beyond their bound": (
        {Kind.GET_PARAMETERS: partial(with_bytes, 1, b"\0\x80")},
        "its answer to GET_PARAMETERS has a magnitude of 32768, which passes the bound 32767",
    ),
}  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_board_is_left_out_by_name(
    setup: Setup, boards: Boards, plan: Plan, odd: str
) -> None:
    changes, reason = ODD[odd]
    update = exchange(setup, boards, plan, changes)
    assert update.devices.tolist() == [1]
    assert reason in update.absent[0]


@pytest.mark.slow(6)
def test_a_board_in_another_session_is_left_out_by_name(
    setup: Setup, boards: Boards, plan: Plan
) -> None:
    changes: dict[int, Change] = {Kind.CLEAR: partial(of_session, 1)}
    update = exchange(setup, boards, plan, changes, replace(QUICK, silence=3.0))
    assert update.devices.tolist() == [1]
    assert "odd: no answer to CLEAR within 3 s (an answer of session" in update.absent[0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (partial(with_bytes, 1, b"\x04\0\0\0"), "its answer to GET_SUMS sums 4 samples, not 3"),
        (partial(with_bytes, 13, b"\x81\x01\0\0"), "a magnitude of 385, which passes the bound"),
        (partial(with_bytes, 13, b"\0\0\0\x80"), "a magnitude of 2147483648"),
        (
            partial(with_bytes, 5, bytes(8)),
            "its answer to GET_SUMS has a sum of squares of 0, which is not in ",
        ),
        (partial(with_bytes, 5, b"\xff" * 8), "of squares of 18446744073709551615, which is not"),
        (partial(cut, 8), "its answer to GET_SUMS has 7 bytes, not "),
    ],
)
def test_sums_that_samples_cannot_have_are_not_taken(
    setup: Setup, boards: Boards, caplog: pytest.LogCaptureFixture, change: Change, reason: str
) -> None:
    fleet = fleet_of(setup, boards, {Kind.GET_SUMS: change})
    with caplog.at_level(logging.WARNING, "tifed"):
        (sums,) = fleet.calibrate([0, 1], 3)
    fleet.close()
    assert sums.devices.tolist() == [1]
    assert "device 0 is left out of the calibration round: odd: its answer to GET_S" in caplog.text
    assert reason in caplog.text


def test_a_name_that_is_not_ascii_is_cleaned(setup: Setup, boards: Boards) -> None:
    odd = partial(with_bytes, 44, b"\xff\n\x1b[2J")
    client = Client("odd", lambda: Tampered(boards[0], {Kind.HELLO: odd}), CALM)
    assert client.open_session().board.isprintable()


@pytest.mark.slow(3)
def test_a_training_that_goes_to_and_fro_ends(boards: Boards) -> None:
    steps = iter([1, 0] * 300)

    def to_and_fro(frame: Frame) -> Frame:
        return Frame(
            Kind.STATUS | ANSWER, frame.session, frame.sequence,
            struct.pack("<BBH9I", 0, 2, 0, next(steps), 5, *[0] * 7),
        )  # fmt: skip

    silent = partial(with_payload, b"\0\0\0")
    client = Client(
        "odd",
        lambda: Tampered(
            boards[0],
            {Kind.TRAIN: silent, Kind.STATUS: to_and_fro, Kind.DONE: as_nothing},
        ),
        CALM,
    )
    client.open_session()
    client.patience = replace(QUICK, silence=3.0)
    with pytest.raises(DeviceError, match="stands still in step 1"):
        client.train(0, 5, 0, 0, 0)


def as_nothing(frame: Frame) -> Frame:
    return Frame(0x7F, 0, 0)


def test_a_board_with_other_firmware_that_comes_later_does_not_end_the_run(
    setup: Setup, boards: Boards, plan: Plan
) -> None:
    changes: dict[int, Change] = {}
    fleet = fleet_of(setup, boards, changes)
    assert set(total(fleet.fit(plan, setup.start)).devices.tolist()) == {0, 1}
    changes[Kind.HELLO] = lambda frame: replace(
        frame, payload=frame.payload[:4] + b"else" + frame.payload[8:]
    )
    boards[0].reset()
    update = total(fleet.fit(plan, setup.start))
    fleet.close()
    assert update.devices.tolist() == [1]
    assert "odd: its firmware was built for another network" in update.absent[0]


def test_a_version_of_an_odd_session_is_still_named(boards: Boards) -> None:
    def newer(frame: Frame) -> Frame:
        return replace(frame, session=0, version=4, payload=b"\x46")

    client = Client("odd", lambda: Tampered(boards[0], {Kind.HELLO: newer}), CALM)
    with pytest.raises(DeviceError, match="version 4 of the link"):
        client.open_session()


def test_the_error_of_an_odd_answer_is_the_links_own(boards: Boards) -> None:
    client = Client("odd", lambda: Tampered(boards[0], {Kind.HELLO: partial(cut, 3)}), CALM)
    with pytest.raises(DeviceAnswerError, match="odd: its answer to HELLO has 2 bytes"):
        client.open_session()
