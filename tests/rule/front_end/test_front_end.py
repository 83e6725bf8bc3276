"""What a front end is, what it takes, and how far its values go."""

import numpy as np
import pytest

from tifed.errors import UsageError
from tifed.rule.front_end import (
    EDGE_FRONT_ENDS,
    FrontEnd,
    FrontEndOperations,
    front_end_memory,
    front_end_operations,
    front_end_ranges,
    parts,
)


@pytest.mark.parametrize(
    ("name", "shape", "output", "features"),
    [
        ("edges", (28, 28, 1), (14, 14, 4), 784),
        ("edges-small", (28, 28, 1), (7, 7, 4), 196),
        ("octants", (28, 28, 1), (7, 7, 8), 392),
        ("octants", (32, 32, 3), (8, 8, 8), 512),
        ("octants", (8, 8, 1), (2, 2, 8), 32),
        ("edges", (5, 4, 1), (3, 2, 4), 24),
        ("octants", (9, 31, 1), (3, 8, 8), 192),
        ("octants-second-order", (28, 28, 1), (7, 7, 16), 784),
        ("octants-second-order", (9, 31, 3), (3, 8, 16), 384),
        ("edges-small", (4, 4096, 3), (1, 1024, 4), 4096),
    ],
)
def test_shapes(
    name: str, shape: tuple[int, int, int], output: tuple[int, int, int], features: int
) -> None:
    front_end = FrontEnd(name, shape)
    assert front_end.output_shape == output
    assert front_end.features == features
    assert front_end.input_features == shape[0] * shape[1] * shape[2]


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("corners", (8, 8, 1), "name: there is no front end 'corners'; there are edges, edges-sma"),
        ("edges", (8, 8), r"input_shape: \(8, 8\); it has to be \(height, width, channels\)"),
        ("edges", (8, 8, 2), "with 1 channel .grey. or 3 .red, green, blue."),
        ("edges", (3, 8, 1), r"the height of \(3, 8, 1\) is not in 4..4096"),
        ("edges", (8, 3, 1), r"the width of \(8, 3, 1\) is not in 4..4096"),
        ("edges", (8, 4097, 1), r"the width of \(8, 4097, 1\) is not in 4..4096"),
        ("edges", (4096, 4096, 3), r"\(4096, 4096, 3\) is more than 16,777,216 values"),
    ],
)
def test_what_it_cannot_take_is_refused(
    name: str, shape: tuple[int, int, int], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        FrontEnd(name, shape)


def test_a_digest_stands_for_all_that_decides_a_feature() -> None:
    made = [FrontEnd(name, (8, 9, 1)) for name in EDGE_FRONT_ENDS]
    made += [FrontEnd("edges", shape) for shape in ((9, 8, 1), (8, 9, 3))]
    assert len({it.digest for it in made}) == len(made)
    # Written down, so that no change of the text goes unnoticed: files and boards keep it.
    assert made[0].digest.startswith("82052b831aed710a")
    assert FrontEnd("octants", (28, 28, 1)).digest.startswith("18c44aa3974afc9c")


@pytest.mark.parametrize("name", list(EDGE_FRONT_ENDS))
def test_no_value_leaves_its_type_or_its_range(name: str) -> None:
    front_end = FrontEnd(name, (9, 8, 1))
    rows = {row.quantity: row for row in front_end_ranges(front_end)}
    assert all(row.fits for row in rows.values())
    sort = {4: parts.four_directions, 8: parts.eight_directions}[front_end.parts.directions]
    rng = np.random.default_rng(5)
    extreme = rng.choice([0, 255], (400, 9, 8, 1))
    # A ramp across: every gradient is as large as it can be over as many pixels as it can be.
    extreme[0, :, :, 0] = np.arange(8) // 2 % 2 * 255
    extreme[1] = np.minimum.outer(np.arange(9), np.arange(8))[..., np.newaxis] // 2 % 2 * 255
    grey = parts.luminance(extreme.astype(np.int64))
    across, down = parts.gradients(grey)
    planes = sort(across, down)
    cells = parts.pooled(planes)
    energy = cells.sum(axis=-1)
    for quantity, values in (
        ("pixel", grey), ("gradient", across), ("gradient", down), ("direction", planes),
        ("cell", cells), ("energy", energy), ("normalised cell", parts.normalised(cells)),
    ):  # fmt: skip
        assert rows[quantity].low <= values.min(), quantity
        assert values.max() <= rows[quantity].high, quantity
    if front_end.parts.second_order:
        orientations = parts.orientations(parts.SQUARE_ROOTS[parts.normalised(cells)])
        changes = parts.changes(orientations)
        cells_of_changes = parts.pooled(changes)
        for quantity, values in (
            ("orientation", orientations), ("change", changes),
            ("cell of changes", cells_of_changes),
            ("energy of changes", cells_of_changes.sum(axis=-1)),
        ):  # fmt: skip
            assert rows[quantity].low <= values.min(), quantity
            assert values.max() <= rows[quantity].high, quantity
        assert rows["change"].high == changes.max()
        assert rows["energy of changes around"].high <= 2**16 - 1
    # The bounds of the first values are reached, so they are no larger than they have to be.
    assert rows["direction"].high == planes.max()
    assert rows["gradient"].low == min(across.min(), down.min())
    assert rows["product"].high == rows["cell"].high * 2048 < 2**31
    assert rows["energy around"].high <= 2**15 - 1


def test_square_roots_are_the_nearest() -> None:
    roots = parts.SQUARE_ROOTS
    assert np.array_equal(roots, np.round(np.sqrt(255.0 * np.arange(256))))
    assert (roots[0], roots[1], roots[255]) == (0, 16, 255)


def test_memory_is_rows_and_no_picture() -> None:
    # 28 values, 2·29 pixels, 3·15·8 sums of 2 bytes, 2·14 energies of 2, 7·8 sums of 2.
    octants = FrontEnd("octants", (28, 28, 1))
    assert front_end_memory(octants).total == 28 + 58 + 720 + 56 + 112 + 2
    assert front_end_memory(FrontEnd("edges", (28, 28, 1))).total == 28 + 58 + 360 + 56 + 2
    assert front_end_memory(FrontEnd("octants", (4096, 28, 1))) == front_end_memory(octants)
    assert front_end_memory(FrontEnd("edges", (5, 5, 3))).total == 15 + 12 + 96 + 12 + 1
    # As octants, then 3·8·8 sums of 2 bytes, 2·7 energies of 2, 3·14·4 orientations, 2·4 zeros,
    # and 80 bytes that say where it is.
    second = front_end_memory(FrontEnd("octants-second-order", (28, 28, 1)))
    assert second.total == front_end_memory(octants).total + 384 + 28 + 168 + 8 + 80


def test_operations_are_counted() -> None:
    assert front_end_operations(FrontEnd("octants", (9, 5, 3))) == FrontEndOperations(
        values=135,
        rows=9,
        pixels=45,
        changes=0,
        cells=15,
        products=120,
        merged=120,
        second_orders=0,
    )
    assert front_end_operations(FrontEnd("octants-second-order", (9, 5, 3))) == FrontEndOperations(
        values=135,
        rows=9 + 5,
        pixels=45,
        changes=120,
        cells=15 + 6,
        products=120 + 48,
        merged=120,
        second_orders=1,
    )
