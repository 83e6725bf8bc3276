"""The table of boards, and people's own."""

from pathlib import Path

import pytest

from tifed.board import Measured, load_boards, load_measured, write_measured
from tifed.board.measured import Image
from tifed.errors import UsageError
from tifed.plan.instructions import modelled, scale
from tifed.plan.round_operations import round_operations

OWN = """
[boards.mine]
title = "Mine"
core = "cortex-m3"
ram = 65_536
flash = 262_144
clock = 48_000_000
current = 9.0
volts = 3.0
note = "measured on my bench"

[boards.mine.radio]
name = "LoRa"
rate = 5_000
sent = 90_000
received = 40_000
note = "typical"
"""


def test_the_table_has_the_boards_and_says_where_figures_are_from() -> None:
    known = load_boards()
    assert {
        "nrf52840", "nano-33-ble", "stm32f411", "stm32l476", "stm32h743", "rp2040", "esp32-c3",
        "microbit",
    } <= set(known.boards)  # fmt: skip
    assert known.boards["microbit"].ram == 16 * 1024
    assert known.boards["nano-33-ble"].ram == known.boards["nrf52840"].ram == 256 * 1024
    assert {board.core for board in known.boards.values()} == set(known.cores)
    for board in known.boards.values():
        assert len(board.note) > 10
        assert len(board.radio.note) > 10


def test_own_boards_are_added_and_replace_rows_of_the_same_name(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(OWN + OWN.replace("boards.mine", "boards.microbit"))
    known = load_boards(path)
    assert known.boards["mine"].radio.rate == 5_000
    assert known.boards["microbit"].title == "Mine"
    assert len(known.boards) == len(load_boards().boards) + 1


def test_an_own_core_needs_its_table(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(OWN.replace("cortex-m3", "xtensa"))
    with pytest.raises(UsageError, match=r"boards\.mine\.core: 'xtensa' is not one of cortex-m0"):
        load_boards(path)
    core = load_boards().cores["cortex-m3"].model_dump(exclude={"note", "title"})
    rows = "".join(f"{key} = {value}\n" for key, value in core.items())
    path.write_text(path.read_text() + f'\n[cores.xtensa]\ntitle = "X"\nnote = "guess"\n{rows}')
    assert load_boards(path).cores["xtensa"].title == "X"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (OWN.replace("ram = 65_536", ""), r"own\.toml: boards\.mine\.ram: is missing"),
        (OWN.replace("65_536", "-1"), r"boards\.mine\.ram: .*greater than or equal to 1, not -1"),
        (OWN.replace("9.0", "nan"), r"boards\.mine\.current: .*finite"),
        (
            OWN.replace("clock", "clok"),
            r"boards\.mine\.clok: unknown key; the keys are note, title",
        ),
        (OWN.replace("rate =", "speed ="), r"boards\.mine\.radio\.speed: unknown key; .*rate"),
        (OWN.replace('"Mine"', "3"), r"boards\.mine\.title: .*not 3"),
        (OWN.replace("volts", "reserved_ram = 70_000\nvolts"), r"reserved_ram: is more than ram"),
        ("[board.x]\n", r"unknown table 'board'"),
        ("boards = 3\n", r"boards: is not a table"),
        ("[boards\n", r"not valid TOML"),
    ],
)
def test_a_wrong_row_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=named):
        load_boards(path)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_boards(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xe9\n")
    with pytest.raises(UsageError, match="is not UTF-8 text"):
        load_boards(tmp_path / "latin.toml")


def test_an_unknown_board_has_a_neighbour() -> None:
    with pytest.raises(UsageError, match="did you mean 'nrf52840'"):
        load_boards().chosen(["nrf5284"])


def test_the_model_is_near_what_was_measured() -> None:
    known, shipped = load_boards(), load_measured()
    assert {row.core for row in shipped.rounds} == set(known.cores)
    for row in shipped.rounds:
        core = known.cores[row.core]
        counts = round_operations(row.network, row.layers, row.buffer, row.batch, row.local_epochs)
        guess = modelled(counts, core) * scale(row.core, core, shipped)
        assert guess == pytest.approx(row.instructions, rel=0.25), (row.core, row.layers)


def test_measurements_ship_and_are_written_whole(tmp_path: Path) -> None:
    shipped = load_measured()
    assert {image.core for image in shipped.images} <= set(load_boards().cores)
    write_measured(tmp_path, shipped)
    assert load_measured(tmp_path) == shipped
    image = Image(
        core="cortex-m0", code=4000, static=900, stack=200, compiler="cc 1", command="c"
    )  # fmt: skip
    write_measured(tmp_path, Measured(images=(image,)))
    assert load_measured(tmp_path).image("cortex-m0") == image
    assert load_measured(tmp_path).image("cortex-m7") is None


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        ("images.csv", ",4000,", ",-4,", r"images\.csv: line 2: code: .*greater than or equal"),
        ("images.csv", ",4000,", ",+4_000,", r"code: '\+4_000' has to be written as '4000'"),
        ("images.csv", ",4000,", ",many,", r"line 2: code: .*valid integer"),
        ("images.csv", ",4000,", ",", r"line 2: has 5 cells instead of 6"),
        ("images.csv", "core,code", "core,size", r"line 1: the columns have to be core,code,st"),
        ("images.csv", "cortex-m0", '"cortex-m0', r"line 2: is not CSV"),
        ("rounds.csv", "tuned", "tunde", r"rounds\.csv: line 2: recipe: 'tunde' is not one of"),
        ("rounds.csv", "64-32-10", "64-32-x", r"line 2: shape: .*valid integer"),
        ("rounds.csv", "64-32-10", "10", r"line 2: layers: a network needs at least one layer"),
        ("rounds.csv", "64-32-10", "64-33-10", r"fingerprint: .* makes firmware .*measure again"),
    ],
)
def test_a_wrong_cell_of_a_table_of_measurements_is_named(
    tmp_path: Path, file: str, old: str, new: str, named: str
) -> None:
    image = Image(core="cortex-m0", code=4000, static=9, stack=2, compiler="cc 1", command="c")
    write_measured(tmp_path, Measured(images=(image,), rounds=load_measured().rounds[:1]))
    path = tmp_path / file
    text = path.read_text()
    path.write_text(text.replace(old, new, 1))
    assert path.read_text() != text
    with pytest.raises(UsageError, match=named):
        load_measured(tmp_path)


def test_a_table_of_measurements_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"images\.csv: cannot be read"):
        load_measured(tmp_path)
    path = tmp_path / "images.csv"
    path.write_bytes(b"")
    with pytest.raises(UsageError, match=r"images\.csv: is empty; its first line has to be core"):
        load_measured(tmp_path)
    path.write_bytes(b"\xe9")
    with pytest.raises(UsageError, match=r"images\.csv: is not UTF-8 text"):
        load_measured(tmp_path)
