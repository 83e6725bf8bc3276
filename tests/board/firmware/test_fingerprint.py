"""A board is known by numbers, so boards that were flashed stay known (SPEC, section 12.4)."""

import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

import tifed
from tifed.board.firmware import experiment_header, fingerprint, header
from tifed.extractor.shipped import find_extractor
from tifed.rule.front_end import FrontEnd
from tifed.rule.integer import Rounding
from tifed.rule.network import Activation, ErrorKind, Feedback, Layer, Network
from tifed.rule.network.core_numbers import layer_numbers, rule_numbers
from tifed.rule.recipes import Paper, Tuned

# Settings written out, so that it stays the network of boards that were flashed long ago.
NETWORK = Tuned(activation=Activation.RELU, update_shifts=(7, 6)).network((64, 32, 10), 10)
BUFFER, BATCH = 20, 10
TEXT = experiment_header(NETWORK, [(0,), (0, 1)], BUFFER, BATCH)
BY_HAND = struct.pack(
    "<31I",
    1, 20, 10, 2,  # version, buffer, mini-batch, layers
    64, 32, 1, 12, 1, 7, 1, 6, 1, 128, 16,  # the hidden layer: nearest is 1, ReLU is 1
    32, 10, 1, 12, 1, 6, 1, 6, 2, 127, 16,  # the output layer: identity is 2
    1, 48, 2, 1, 1,  # margin, 48, output-sign, a shift of 1, centred
)  # fmt: skip
PINNED = 0xCE7BF418


def printed(text: str) -> int:
    """The fingerprint in a header."""
    found = re.search(r"TIFED_FINGERPRINT 0x([0-9A-F]{8})u", text)
    assert found is not None
    return int(found[1], 16)


def test_it_is_the_crc_of_the_numbers_in_the_specification() -> None:
    assert fingerprint(NETWORK, BUFFER, BATCH) == zlib.crc32(BY_HAND) == PINNED
    assert printed(TEXT) == PINNED


def test_an_extractor_counts_by_its_digest() -> None:
    extractor = find_extractor("mnist")
    made = zlib.crc32(BY_HAND + bytes.fromhex(extractor.digest))
    assert fingerprint(NETWORK, BUFFER, BATCH, extractor) == made


def test_a_front_end_counts_by_its_digest_before_the_extractors() -> None:
    front_end, extractor = FrontEnd("edges", (8, 8, 1)), find_extractor("mnist")
    made = BY_HAND + bytes.fromhex(front_end.digest)
    assert fingerprint(NETWORK, BUFFER, BATCH, front_end=front_end) == zlib.crc32(made)
    assert printed(experiment_header(NETWORK, [(0,)], BUFFER, BATCH, front_end=front_end)) == (
        zlib.crc32(made)
    )
    made += bytes.fromhex(extractor.digest)
    assert fingerprint(NETWORK, BUFFER, BATCH, extractor, front_end) == zlib.crc32(made)


def test_the_header_may_be_written_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_constants", "_layer", "_flash"):
        monkeypatch.setattr(header, name, spaced(getattr(header, name)))
    again = experiment_header(NETWORK, [(0,), (0, 1)], BUFFER, BATCH)
    assert again != TEXT
    assert again.split() == TEXT.split()
    assert printed(again) == printed(TEXT)


def spaced(write: Callable[..., str]) -> Callable[..., str]:
    """The same text with other spaces."""
    return lambda *arguments: write(*arguments).replace("\n    ", "\n  ").replace(", ", ",  ")


def test_every_number_changes_it() -> None:
    layers = NETWORK.layers
    others: list[tuple[Network, int, int]] = [(NETWORK, 21, BATCH), (NETWORK, BUFFER, 9)]
    rules: list[dict[str, Any]] = [
        {"error": ErrorKind.SQUARED}, {"error_level": 47}, {"feedback": Feedback.BALANCED},
        {"centred": False}, {"centred": False, "input_shift": 0},
    ]  # fmt: skip
    others += [(replace(NETWORK, **changed), BUFFER, BATCH) for changed in rules]
    changes: dict[str, Any] = {
        "rescale_factor": 3, "rescale_shift": 11, "rescale_rounding": Rounding.FLOOR,
        "update_shift": 8, "update_rounding": Rounding.STOCHASTIC, "bias_shift": 5,
        "activation": Activation.ABSOLUTE, "weight_bits": 8,
    }  # fmt: skip
    for name, value in changes.items():
        pair = (replace(layers[0], **{name: value}), layers[1])
        others.append((replace(NETWORK, layers=pair), BUFFER, BATCH))
    limit = (layers[0], replace(layers[1], input_limit=128))
    others.append((replace(NETWORK, layers=limit), BUFFER, BATCH))
    others += [(Tuned().network(shape, 10), BUFFER, BATCH) for shape in ((63, 32, 10), (64, 10))]
    others += [
        (replace(NETWORK, layers=(replace(layers[0], fan_out=31), replace(layers[1], fan_in=31))),
         BUFFER, BATCH),
        (replace(NETWORK, layers=(layers[0], replace(layers[1], fan_out=9))), BUFFER, BATCH),
        (replace(NETWORK, layers=(replace(layers[0], fan_in=65), layers[1])), BUFFER, BATCH),
    ]  # fmt: skip
    prints = {fingerprint(*other) for other in others}
    assert len(prints) == len(others)
    assert fingerprint(NETWORK, BUFFER, BATCH) not in prints
    named = changes.keys() | {"fan_in", "fan_out", "input_limit"}
    assert named == {field.name for field in fields(Layer)}


def test_names_have_the_numbers_of_the_core() -> None:
    """In the header there are names, in the fingerprint and the engine numbers."""
    text = (Path(tifed.__file__).parent / "core" / "tifed.h").read_text(encoding="utf-8")
    core = {name: int(number) for name, number in re.findall(r"(TIFED_[A-Z_]+) = (\d+)", text)}
    tables: tuple[Any, ...] = (
        header._ACTIVATIONS, header._ROUNDINGS, header._ERRORS, header._FEEDBACKS,
    )  # fmt: skip
    assert {len(table) for table in tables} == {4, 3, 2}
    for activation, name in header._ACTIVATIONS.items():
        if activation is not Activation.IDENTITY:
            layer = replace(NETWORK.layers[0], activation=activation)
            assert layer_numbers(layer)[8] == core[name]
    assert layer_numbers(NETWORK.layers[1])[8] == core["TIFED_IDENTITY"]
    for rounding, name in header._ROUNDINGS.items():
        layer = replace(NETWORK.layers[0], update_rounding=rounding)
        assert layer_numbers(layer)[6] == core[name]
    paper = Paper().network((64, 32, 10), 10)
    for error, name in header._ERRORS.items():
        assert rule_numbers(replace(paper, error=error))[0] == core[name]
    for feedback, name in header._FEEDBACKS.items():
        assert rule_numbers(replace(NETWORK, feedback=feedback))[2] == core[name]
    assert layer_numbers(paper.layers[0])[4] == core["TIFED_FLOOR"]
