"""Devices that make shift copies themselves end with the simulator's digest."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tifed.board.emulators.unicorn import UnicornBoard
from tifed.board.firmware import build_firmware, experiment_header
from tifed.board.firmware.elf import read_image
from tifed.board.firmware.emulated_boards import QEMU, UNICORN
from tifed.board.firmware.header import fingerprint
from tifed.errors import UsageError
from tifed.experiment import Experiment, build
from tifed.extractor.shipped import find_extractor
from tifed.fleets.built_for import fingerprint_of, misfit
from tifed.fleets.linked import LinkedFleet
from tifed.link import Client, Patience
from tifed.link.faults import faulty
from tifed.rule.front_end import EDGE_FRONT_ENDS, FrontEnd, front_end_memory
from tifed.rule.learning import LocalWork, classify, feedback_matrices, train
from tifed.rule.learning.pixel_shifts import SHIFTS, shifted
from tifed.rule.network import Parameters
from tifed.rule.recipes import Tuned

pytestmark = pytest.mark.slow(30)


def small(**settings: Any) -> dict[str, Any]:
    """An experiment of few seconds on an emulated board."""
    front_end = settings.get("front_end")
    inputs = 64 if front_end is None else FrontEnd(front_end, (8, 8, 1)).features
    return {
        "dataset": "digits", "pixel_shifts": True, "layers": [inputs, 8, 10],
        "devices": 2, "rounds": 2, "buffer": 12, "batch": 5,
    } | settings  # fmt: skip


@pytest.mark.parametrize("front_end", [None, *EDGE_FRONT_ENDS])
@pytest.mark.parametrize(
    ("emulator", "board"),
    [("unicorn", "cortex-m0"), ("unicorn", "cortex-m4"), ("qemu", "riscv32")],
)
def test_devices_end_with_the_simulators_digest(
    emulated: Any, simulated: Any, front_end: str | None, emulator: str, board: str
) -> None:
    experiment = small(front_end=front_end)
    on_boards = emulated(**experiment, emulator=emulator, board=board)
    assert on_boards == simulated(**experiment, engine="oracle")
    assert on_boards == simulated(**experiment, engine="native")
    assert on_boards != simulated(**experiment | {"pixel_shifts": False})


@pytest.mark.parametrize(
    "settings",
    [
        {"average_every": "mini-batch", "rounds": 1},
        {"average_every": "epoch", "mode": "single-layer"},
        {"batch": 20, "at_end": "stop", "partition": {"limit_per_device": 20}},
        {"buffers_per_round": 2, "rounds": 1},
    ],
    ids=["mini-batches", "epochs", "ends", "buffers"],
)
def test_exchanges_within_a_buffer_take_the_same_copies(
    emulated: Any, simulated: Any, settings: dict[str, Any]
) -> None:
    assert emulated(**small(**settings)) == simulated(**small(**settings))


def test_a_bad_line_changes_nothing(emulated: Any, simulated: Any) -> None:
    lines: list[Any] = []

    def change(fleet: Any) -> None:
        fleet.patience = Patience(answer=0.3, silence=60.0)
        fleet.wire = lambda device, board, opener: faulty(opener, 0.003, device, lines.append)

    experiment = small(front_end="edges")
    assert emulated(change, **experiment) == simulated(**experiment)
    assert sum(line.faults for line in lines) > 5


@pytest.mark.parametrize("front_end", [None, FrontEnd("edges", (9, 7, 1))])
def test_calibration_and_classification_see_pictures_as_they_are(
    front_end: FrontEnd | None,
) -> None:
    """Also those that arrive while the buffer is not full, and where it is, which keeps its own."""
    shape = (9, 7, 1)
    rng = np.random.default_rng(5)
    samples, labels = rng.integers(-128, 128, (6, 63)).astype(np.int8), np.array([0, 1], np.int32)

    def made(raw: NDArray[np.int8]) -> NDArray[np.int8]:
        return raw if front_end is None else front_end.compute(raw)

    features = made(samples)
    network = Tuned().network((features.shape[1], 4, 2), 2)
    start = Parameters(
        np.full(network.features, 3, np.int8),
        tuple(
            rng.integers(-3000, 3001, (layer.fan_in, layer.fan_out)).astype(np.int16)
            for layer in network.layers
        ),
        tuple(np.zeros(layer.fan_out, np.int16) for layer in network.layers),
    )
    header = experiment_header(network, [(0, 1)], 2, 2, front_end=front_end, shifts=shape)
    board = UnicornBoard(build_firmware(UNICORN["cortex-m4"], header))
    try:
        client = Client("board", lambda: board)
        client.open_session()
        sums, squares, count = client.calibrate(samples, network.features)
        client.configure((0, 1), 9)
        client.put_centre(start.centre)
        for number, layer in enumerate(zip(start.weights, start.biases, strict=True)):
            client.put_layer(number, *layer)
        classes = [client.classify(samples)]
        for one in range(2):
            client.add_samples(samples[[one]], labels[[one]])
            classes.append(client.classify(samples))
        client.train(0, 4, 0, 3, 7)
        trained = [client.get_layer(number, layer) for number, layer in enumerate(network.layers)]
    finally:
        board.close()
    assert count == 6
    assert np.array_equal(sums, features.sum(axis=0, dtype=np.int64))
    assert squares == int((features.astype(np.int64) ** 2).sum())
    expected = classify(network, start, features)
    assert len(set(expected.tolist())) == 2
    assert all(np.array_equal(one, expected) for one in classes)
    copies = np.stack([made(shifted(samples[:2], shape, copy)) for copy in range(len(SHIFTS))])
    work = LocalWork(2, 0, 4, (0, 1), seed=9, device=3, exchange=7)
    after, _ = train(network, start, feedback_matrices(network, 9), copies, labels, work)
    for number, (weight, bias) in enumerate(trained):
        assert np.array_equal(weight, after.weights[number])
        assert np.array_equal(bias, after.biases[number])


# --- what a board is built for -------------------------------------------------------------------


def test_the_pictures_size_is_in_the_fingerprint_and_said() -> None:
    inputs = build(Experiment(**small(fleet="emulated"))).inputs
    assert inputs.shifts == (8, 8, 1)
    plain = replace(inputs, shifts=None)
    names = {fingerprint_of(one) for one in (inputs, plain, replace(inputs, shifts=(4, 16, 1)))}
    assert len(names) == 3
    assert fingerprint(inputs.network, 12, 5, shifts=(8, 8, 1)) == fingerprint_of(inputs)
    assert misfit(inputs, fingerprint_of(plain)) == (
        "its firmware makes no moved copies of pictures, but this experiment has pixel_shifts; "
        "build it for this experiment and flash it"
    )
    assert "another network" in misfit(inputs, 0)


def test_what_a_device_cannot_make_copies_for_is_refused(tmp_path: Path) -> None:
    experiment = Experiment(**small(fleet="emulated"))
    inputs = replace(build(experiment).inputs, shifts=None)
    with pytest.raises(UsageError, match=r"pixel_shifts: boards make .*leave extractor out"):
        LinkedFleet(inputs, [Client("a", lambda: None), Client("b", lambda: None)])  # type: ignore[arg-type, return-value]
    network = Tuned().network((63, 2), 2)
    with pytest.raises(UsageError, match=r"shifts: \(8, 8, 1\) is not 63 values"):
        experiment_header(network, [(0,)], 2, 2, shifts=(8, 8, 1))
    extractor = find_extractor("mnist")
    network = Tuned().network((extractor.features, 2), 2)
    with pytest.raises(UsageError, match="or there is an extractor"):
        experiment_header(network, [(0,)], 2, 2, extractor=extractor, shifts=(28, 28, 1))


@pytest.mark.parametrize("name", ["octants", "octants-second-order"])
def test_the_boards_ram_is_what_the_specification_says(name: str) -> None:
    front_end = FrontEnd(name, (8, 8, 1))
    network = Tuned().network((front_end.features, 4), 4)

    def ram(shifts: tuple[int, int, int] | None) -> int:
        header = experiment_header(network, [(0,)], 20, 4, front_end=front_end, shifts=shifts)
        return read_image(build_firmware(QEMU["cortex-m4"], header).elf).data

    # Raw samples and one mini-batch of features in the place of a buffer of them; a row, and the
    # front end's own memory once more; the source and what it knows, which are pointers.
    buffers = 20 * 64 + 4 * front_end.features - 20 * front_end.features
    more = buffers + 8 + front_end_memory(front_end).total
    assert 0 <= ram((8, 8, 1)) - ram(None) - more <= 48
