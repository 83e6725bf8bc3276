"""The table of SPEC 10, by hand."""

from dataclasses import replace

from tifed.rule.network.memory import device_memory, held_bytes, layer_bytes
from tifed.rule.recipes import Paper, Tuned


def words(count: int) -> int:
    return -(-count // 4) * 4


def test_a_layers_bytes() -> None:
    network = Tuned().network((7, 5, 3), 3)
    assert [layer_bytes(network, number) for number in (0, 1)] == [2 * 35 + 10, 2 * 15 + 6]
    assert [held_bytes(network, number) for number in (0, 1)] == [72 + 12, 32 + 8]
    narrow = Tuned(weight_bits=8).network((7, 5, 3), 3)
    assert [layer_bytes(narrow, number) for number in (0, 1)] == [35 + 10, 15 + 6]
    assert [held_bytes(narrow, number) for number in (0, 1)] == [36 + 12, 16 + 8]


def test_all_parts_of_a_device_that_trains_everything() -> None:
    memory = device_memory(Tuned().network((7, 5, 3), 3), (0, 1), buffer=9, batch=3)
    assert memory.weights == (72 + 12) + (32 + 8)
    assert memory.buffer == words(9 * 7) + words(2 * 9)
    # The first layer's inputs are the buffer itself.
    assert memory.activations == words(2 * 3 * 5)
    # Deltas are kept for two samples together: two pairs for three samples.
    assert memory.deltas == 4 * 2 * 5 + 4 * 2 * 3
    # Centred and shifted; the widest layer has five units.
    assert memory.scratch == 24 * 2 + words(7) + words(7) + 4 * 5 + 2 * words(2 * 5) + 4 * 2
    assert memory.total == 124 + 64 + 20 + 32 + 64 + 48 + 16 + 20 + 24 + 8


def test_parts_that_depend_on_what_is_trained() -> None:
    network = Tuned().network((7, 5, 3), 4)
    first = device_memory(network, (0,), buffer=8, batch=4)
    last = device_memory(network, (1,), buffer=8, batch=4)
    assert (first.activations, last.activations) == (0, words(2 * 4 * 5))
    assert (first.deltas, last.deltas) == (4 * 2 * 5, 4 * 2 * 3)
    assert first.weights == last.weights == 124
    in_flash = [device_memory(network, (n,), 8, 4, frozen_in_flash=True).weights for n in (0, 1)]
    assert in_flash == [84, 40]
    nothing = device_memory(network, (), buffer=8, batch=4)
    assert (nothing.activations, nothing.deltas) == (0, 0)
    assert nothing.scratch == last.scratch - 4 * 2


def test_copies_of_a_sample() -> None:
    centred = Tuned().network((7, 5, 3), 4)
    shifted = Tuned(centred=False).network((7, 5, 3), 4)
    plain = Paper().network((7, 5, 3), 4)
    assert (centred.input_shift, shifted.input_shift, plain.input_shift) == (1, 1, 0)
    scratch = [device_memory(it, (0,), 8, 4).scratch for it in (centred, shifted, plain)]
    assert scratch == [scratch[2] + 16, scratch[2] + 8, 48 + 20 + 24 + 8]
    wide = replace(plain, layers=Paper().network((7, 4, 9), 4).layers)
    assert device_memory(wide, (0,), 8, 4).scratch == 48 + 4 * 9 + 2 * words(2 * 9) + 8
