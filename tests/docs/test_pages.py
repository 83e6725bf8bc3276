"""What the pages show is what happens: their code runs, and their commands and settings exist."""

import functools
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import typer
from scipy.io import wavfile

import tifed
from tifed.board import load_boards
from tifed.cli import app
from tifed.cli.options import experiment_from
from tifed.data import DATASETS

ROOT = Path(__file__).parents[2]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (*ROOT.glob("*.md"), *sorted(ROOT.glob("docs/**/*.md")))
}
PATH_OF_A_STRANGER = (
    "README.md",
    "docs/tutorials/first-run.md",
    "docs/tutorials/own-data.md",
    "docs/tutorials/own-board.md",
    "docs/own-data.md",
)
WATCHES = "docs/tutorials/watches.md"
needs_watches = pytest.mark.skipif(find_spec("seglearn") is None, reason="pip install seglearn")
NOT_RUN = {
    "docs/extending.md": "adds to its process for good; tests/examples/test_extension.py runs it",
    "docs/features.md": "needs a PyTorch model of the reader's; tests/extractor/test_pytorch.py",
    "docs/reproduce.md": "needs a Dask cluster",
}
"""Pages whose Python is not run, and why."""

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


def blocks(page: str, language: str) -> list[str]:
    return [code for kind, code in _FENCE.findall(PAGES[page]) if kind == language]


def having(language: str) -> list[str]:
    return [page for page in PAGES if blocks(page, language)]


def words(text: str) -> str:
    """Without the width of columns, which is the terminal's."""
    return " ".join(text.split())


@pytest.mark.slow(20)
@pytest.mark.parametrize("page", [*PATH_OF_A_STRANGER, pytest.param(WATCHES, marks=needs_watches)])
def test_the_path_of_a_stranger_leads_where_the_page_says(page: str, tmp_path: Path) -> None:
    """Blocks are run in their order; what a ``text`` block shows was printed by the one before."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "120",
    }
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    printed = ""
    for kind, code in _FENCE.findall(PAGES[page]):
        if kind == "text":
            for line in code.splitlines():
                assert words(line) in words(printed)
        elif kind == "toml":
            (tmp_path / code.split()[1]).write_text(code, encoding="utf-8")
        elif kind in ("sh", "python"):
            # The package that is tested is installed already.
            code = re.sub(r"^pip install .*$", "", code, flags=re.M)
            shell = ["bash", "-euc", code] if kind == "sh" else [sys.executable, "-c", code]
            printed = run(shell, tmp_path, environment)
    assert printed


def test_the_page_shows_the_file_of_the_example() -> None:
    shown, _ = blocks(WATCHES, "toml")
    assert shown == (ROOT / "examples" / "watches" / "watches.toml").read_text(encoding="utf-8")


def run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    """Run a command to its end, and end what it leaves running; all that it printed."""
    log = folder / "printed.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=file, stderr=file, start_new_session=True
        )
        try:
            code = process.wait()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    text = log.read_text(encoding="utf-8")
    assert code == 0, f"{command[-1]}\n{text}"
    return text


@pytest.mark.slow
@pytest.mark.parametrize("page", sorted({*having("python")} - {*PATH_OF_A_STRANGER, *NOT_RUN}))
def test_python_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_samples(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIFED_CACHE", str(tmp_path / "cache"))
    # What a page registers is gone after it.
    monkeypatch.setattr(DATASETS, "_scripts", {})
    names: dict[str, Any] = {}
    for code in blocks(page, "python"):
        exec(compile(code, page, "exec"), names)  # noqa: S102 -- our own page


def test_pages_that_are_left_out_have_something_to_leave_out() -> None:
    assert {*NOT_RUN} <= {*having("python")}


def write_samples(folder: Path) -> None:
    """Files with the names that the pages use."""
    table = "".join(
        f"{i % 9},{i / 8},{('sit', 'stand', 'walk')[i % 3]},{i // 9}\n" for i in range(90)
    )
    for name in ("sensors.csv", "more.csv"):
        (folder / name).write_text("x,y,activity,person\n" + table, encoding="utf-8")
    clothes, tone = folder / "cache" / "fashion-mnist", np.arange(2000, dtype=np.int16)
    clothes.mkdir(parents=True)
    for part in ("train", "t10k"):
        labels = np.arange(40, dtype=np.uint8) % 10
        pixels = np.arange(40 * 784, dtype=np.uint32).astype(np.uint8)
        for kind, shape, array in (
            ("labels-idx1", (40,), labels),
            ("images-idx3", (40, 28, 28), pixels),
        ):
            head = bytes((0, 0, 8, len(shape))) + np.array(shape, ">u4").tobytes()
            (clothes / f"{part}-{kind}-ubyte").write_bytes(head + array.tobytes())
    recordings = folder / "my-data" / "recordings"
    recordings.mkdir(parents=True)
    for digit in range(10):
        for speaker in ("theo", "lucas"):
            wavfile.write(recordings / f"{digit}_{speaker}_7.wav", 8000, tone)


@pytest.mark.parametrize("page", having("toml"))
def test_files_of_settings_are_accepted(page: str, tmp_path: Path) -> None:
    for code in blocks(page, "toml"):
        path = tmp_path / "file.toml"
        path.write_text(code, encoding="utf-8")
        if "[project" in code:
            continue  # of a package, not of an experiment
        if "[boards." in code:
            assert load_boards(path)
        else:
            assert tifed.load_experiment(path)


def commands(page: str) -> Iterator[str]:
    """Every ``tifed`` command that is a line of code; synopses, with brackets, are left out."""
    text = re.sub(r"\\\n\s*", "", PAGES[page])
    for line in re.findall(r"^(?: {4})?(tifed [a-z-]{3}.*)$", text, re.M):
        if "[--" not in line:
            yield re.sub(r" &$", "", re.sub(r"\s+#.*| &&.*", "", line.strip()))
    yield from re.findall(r"`(tifed [a-z]+ --preset [^`]*)`", text)


def test_commands_are_found() -> None:
    assert sum(len([*commands(page)]) for page in PAGES) > 200


@pytest.mark.parametrize("page", [page for page in PAGES if any(commands(page))])
def test_commands_have_the_options_and_settings_that_a_page_gives_them(page: str) -> None:
    for line in commands(page):
        try:
            with suppress(click.exceptions.Exit):  # of --help
                check(line)
        except (click.ClickException, tifed.UsageError) as error:
            pytest.fail(f"{line}\n{error}")


@functools.cache
def whole_command() -> click.Command:
    """Made once: it takes longer than what is asked of it."""
    return typer.main.get_command(app)


def check(line: str) -> None:
    """Read a command as the command line does, without running it."""
    command = whole_command()
    arguments = shlex.split(line)[1:]
    context = command.make_context("tifed", [*arguments])
    while isinstance(command, click.Group):
        name, found, arguments = command.resolve_command(context, arguments)
        assert found is not None
        command = found
        context = command.make_context(name or "", [*arguments], parent=context)
    given = context.params
    files = ("experiment", "resume", "places")
    if "preset" in given and not any(given.get(file) for file in files):
        # As `tifed run` does it.
        also = ["fleet=emulated"] if given.get("board") and command.name == "run" else []
        experiment_from(None, given["preset"], given["settings"], also)
