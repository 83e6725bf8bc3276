"""What the firmware takes on each processor is what the tables say, to the byte and instruction."""

import re
from pathlib import Path

import pytest

from benchmarks import footprint
from tifed.board import Measured, load_measured
from tifed.board.firmware import EMULATED_PROCESSORS
from tifed.plan.measure import compiler_version, measure

pytestmark = pytest.mark.slow(15)

SMALLEST_STACK, LARGEST_STACK = 64, 512
"""Bytes. Raised only for a reason."""

# Most instructions per multiply-accumulate of `tuned`.
PER_MAC = {
    "cortex-m0, 64-32-10": 12.0,
    "cortex-m3, 64-32-10": 6.5,
    "cortex-m4, 64-32-10": 4.5,
    "cortex-m7, 64-32-10": 4.5,
    "riscv32, 64-32-10": 6.5,
    "cortex-m3, 784-32-10": 6.5,
    "cortex-m4, 784-32-10": 3.0,
    "cortex-m7, 784-32-10": 3.0,
    "riscv32, 784-32-10": 6.5,
}
PAGE = footprint.PAGE.read_text(encoding="utf-8")


def of(processor: str, table: footprint.Table) -> footprint.Table:
    """The processor's rows."""
    return {row: table[row] for row in table if row.startswith(f"{processor}, ")}


@pytest.mark.parametrize("processor", EMULATED_PROCESSORS)
def test_the_page_is_what_the_code_gives(processor: str) -> None:
    now = footprint.measure((processor,))
    changes = list(footprint.changes(of(processor, footprint.read(PAGE)), now))
    if changes:
        pytest.fail(
            "this change costs or saves something on a board; look at it, then run "
            "`make footprint` and commit docs/footprint.md:\n" + "\n".join(changes),
            pytrace=False,
        )
    for row, figures in now.items():
        assert SMALLEST_STACK < figures["stack"] <= LARGEST_STACK, row
        # Less than one for each multiply-accumulate there cannot be.
        assert footprint.per_mac(row, figures) > 1, row
        where, _, recipe = row.rpartition(", ")
        if recipe == "tuned":
            assert footprint.per_mac(row, figures) <= PER_MAC[where], row


@pytest.mark.parametrize("processor", EMULATED_PROCESSORS)
def test_the_tables_of_tifed_plan_are_what_the_code_gives(processor: str) -> None:
    changes = list(
        footprint.changes(
            of(processor, figures_of(load_measured())), figures_of(measure((processor,)))
        )
    )
    if changes:
        pytest.fail(
            "`tifed plan` shows other figures than this code has: run "
            "`python -m tifed.plan.measure` and commit src/tifed/board/*.csv:\n"
            + "\n".join(changes),
            pytrace=False,
        )


def figures_of(measured: Measured) -> footprint.Table:
    images = {
        f"{one.core}, image": {"code": one.code, "static": one.static, "stack": one.stack}
        for one in measured.images
    }
    rounds = {
        f"{one.core}, {one.recipe} {one.shape}, layers {one.layers}": {
            "instructions": one.instructions
        }
        for one in measured.rounds
    }
    assert len(rounds) == len(measured.rounds)
    return images | rounds


def test_the_page_names_the_compiler_that_is_installed() -> None:
    assert f"with {compiler_version('zig')} and runs" in PAGE, "pyproject.toml pins ziglang"
    assert {image.compiler for image in load_measured().images} == {compiler_version("zig")}


def test_the_page_is_written_as_it_is_read() -> None:
    table = footprint.read(PAGE)
    assert {row.rpartition(", ")[0] for row in table} == set(PER_MAC)
    assert len(table) == 2 * len(PER_MAC)
    assert footprint.text(table) == PAGE
    with pytest.raises(ValueError, match=r"zip|shorter|invalid literal"):
        footprint.read(re.sub(r"\| tuned \| [\d,]+ \|", "| tuned |", PAGE, count=1))


def test_a_difference_is_shown_as_old_and_new() -> None:
    old = {"a": {"flash": 10_000, "stack": 400}, "gone": {"flash": 1}}
    new = {"a": {"flash": 10_150, "stack": 400, "instructions": 7}, "more": {"flash": 2}}
    assert list(footprint.changes(old, new)) == [
        "a: flash 10,000 -> 10,150 (+150, +1.50%)",
        "a: instructions is new: 7",
        "gone: is gone",
        "more: is new",
    ]
    assert list(footprint.changes(old, old)) == []
    assert list(footprint.changes({"a": {"stack": 412}}, {"a": {"stack": 400}})) == [
        "a: stack 412 -> 400 (-12, -2.91%)"
    ]


def test_a_page_that_is_not_true_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "footprint.md"
    first = next(iter(footprint.read(PAGE).values()))["flash"]
    other = PAGE.replace(f"| {first:,} |", f"| {first - 2:,} |", 1)
    path.write_text(other, encoding="utf-8")
    monkeypatch.setattr(footprint, "PAGE", path)
    monkeypatch.setattr(footprint, "measure", lambda: footprint.read(PAGE))
    monkeypatch.setattr("sys.argv", ["footprint", "--check"])
    with pytest.raises(SystemExit, match=r"footprint\.md is not what the code gives"):
        footprint.main()
    assert capsys.readouterr().out == (
        f"cortex-m0, 64-32-10, tuned: flash {first - 2:,} -> {first:,} (+2, +0.02%)\n"
    )
    monkeypatch.setattr("sys.argv", ["footprint"])
    footprint.main()
    assert path.read_text(encoding="utf-8") == PAGE
