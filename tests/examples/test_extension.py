"""A package, and a script, that add to TIFeD from outside; docs/extending.md."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow(40)

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.S | re.M)
COMMAND = [sys.executable, "-c", "from tifed.cli import main; main()"]
SETTINGS = [
    "recipe=patient", "recipe_settings.last_percent=50", "partition.kind=blocks",
    "partition.gap=3", "fleet=recorded", "rounds=4",
]  # fmt: skip
NAMED = [word for pair in SETTINGS for word in ("--set", pair)]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package in it, as pip puts it there."""
    source, target = (tmp_path_factory.mktemp(name) for name in ("source", "installed"))
    shutil.copytree(ROOT / "examples/extension", source / "package")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--target", str(target)]
    subprocess.run([*pip, *offline, str(source / "package")], check=True)
    return target


def process(
    command: list[Any], folder: Path, package: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """A process in ``folder``, with or without the package."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    if package is not None:
        environment["PYTHONPATH"] = str(package)
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def tifed(folder: Path, package: Path | None, *arguments: str) -> str:
    """What a command prints that ends well."""
    done = process([*COMMAND, *arguments], folder, package)
    assert done.returncode == 0, done.stderr
    return done.stdout


def unfinished(run: Path, rounds: int) -> None:
    """As if the process had been killed after ``rounds`` rounds."""
    (run / "result.json").unlink()
    for path in (run / "checkpoints").iterdir():
        if int(path.stem.removeprefix("round-")) > rounds:
            path.unlink()


def test_a_run_goes_on_where_the_package_is_and_says_so_where_it_is_not(
    tmp_path: Path, installed: Path
) -> None:
    preset = ["--preset", "digits"]
    run = ["run", *preset, *NAMED, "--out", "run", "--json"]
    digest = json.loads(tifed(tmp_path, installed, *run))["digest"]
    assert (tmp_path / "exchanges.txt").read_text().splitlines()[-1] == "round 4: 8 devices"
    plain = ["run", *preset, *NAMED, "--set", "fleet=simulated", "--json"]
    assert json.loads(tifed(tmp_path, installed, *plain))["digest"] == digest

    unfinished(tmp_path / "run", 2)
    resume = ["run", "--resume", "run", "--json"]
    without = process([*COMMAND, *resume], tmp_path)
    assert without.returncode == 2
    brought = "tifed-example-extension 0.1.0"
    for what in ("recipe 'patient'", "partition 'blocks'", "fleet 'recorded'"):
        assert re.search(
            rf"there is no {what} here; {brought} brought it when this\s+was written: install "
            rf"{brought}",
            " ".join(without.stderr.split()),
        ), without.stderr
    assert json.loads(tifed(tmp_path, installed, *resume))["digest"] == digest
    new = process([*COMMAND, "run", *NAMED], tmp_path)
    assert new.returncode == 2
    assert "there is no recipe patient" in new.stderr


def test_the_commands_know_its_names(tmp_path: Path, installed: Path) -> None:
    own = ["--preset", "digits", "--set", "recipe=patient"]
    assert "±" in tifed(tmp_path, installed, "ranges", *own)
    assert "cortex" in tifed(tmp_path, installed, "plan", *own, "--json")
    assert "digits" in tifed(tmp_path, installed, "presets")
    slopes = ["ranges", "--set", "front_end=slopes", "--json"]
    assert json.loads(tifed(tmp_path, installed, *slopes))[1]["quantity"] == "slope"
    blocks = ["partition", "--set", "partition.kind=blocks", "--json"]
    assert json.loads(tifed(tmp_path, installed, *blocks))["kind"] == "blocks"
    (tmp_path / "mine.gestures").write_text("tap = 1 2\nwave = 7 9\n" * 30)
    data = ["--set", "data.separator==", "--set", "devices=2", "--set", "rounds=2"]
    for dataset in ("mine.gestures", "two-moons"):
        options = data if dataset == "mine.gestures" else data[2:]
        tifed(
            tmp_path,
            installed,
            "run",
            "--set",
            f"dataset={dataset}",
            *options,
            "--out",
            f"run-{dataset}",
        )
        written = (tmp_path / f"run-{dataset}/experiment.toml").read_text()
        assert "tifed-example-extension 0.1.0" in written
    wrong = process([*COMMAND, "run", *own, "--set", "recipe=patent"], tmp_path, installed)
    assert "there is no recipe patent (did you mean 'patient'?)" in " ".join(wrong.stderr.split())


def test_a_board_is_reached_through_a_program(
    tmp_path: Path, installed: Path, service: Callable[..., Any]
) -> None:
    bridge = tmp_path / "bridge.py"
    bridge.write_text(
        "import os, select, socket, sys\n"
        "board = socket.socket(socket.AF_UNIX)\n"
        "board.connect(sys.argv[1])\n"
        "while True:\n"
        "    for end in select.select([0, board], [], [])[0]:\n"
        "        data = os.read(0, 4096) if end == 0 else board.recv(4096)\n"
        "        if not data:\n"
        "            sys.exit()\n"
        "        os.write(1, data) if end is board else board.sendall(data)\n"
    )
    small = ["devices=1", "rounds=2", "layers=[64, 4, 10]"]
    pairs = [word for pair in small for word in ("--set", pair)]
    service("emulate", "--listen", f"unix:{tmp_path}/board", *pairs).says(" is at ")
    line = f"exec:{sys.executable} {bridge} {tmp_path}/board"
    linked = ["--set", "fleet=linked", "--set", f'link.devices=["{line}"]']
    here = json.loads(tifed(tmp_path, None, "run", *pairs, "--json"))
    there = json.loads(tifed(tmp_path, installed, "run", *pairs, *linked, "--json"))
    assert there["digest"] == here["digest"]
    unknown = process([*COMMAND, "run", *pairs, *linked], tmp_path)
    assert "is not serial:/dev/…, tcp:host:port or unix:path" in " ".join(unknown.stderr.split())


def test_a_package_that_is_broken_is_named_where_it_is_used(
    tmp_path: Path, installed: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(installed, broken)
    (broken / "tifed_example/recipe.py").write_text("import no_such_module\n")
    used = process([*COMMAND, "ranges", "--set", "recipe=patient"], tmp_path, broken)
    assert used.returncode == 2
    assert (
        "recipe: the recipe 'patient' of tifed-example-extension 0.1.0 cannot be imported "
        "(ModuleNotFoundError: No module named 'no_such_module')"
    ) in " ".join(used.stderr.split())
    tifed(tmp_path, broken, "partition", "--preset", "digits", "--set", "partition.kind=blocks")


def test_the_page_is_a_script_that_runs(tmp_path: Path) -> None:
    (tmp_path / "page.py").write_text("\n".join(BLOCKS))
    done = process([sys.executable, "page.py"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "round 2: 8 devices" in done.stdout


def test_the_page_shows_the_package_as_it_is() -> None:
    sources = [path.read_text() for path in (ROOT / "examples/extension").rglob("*.py")]
    shown = [block for block in BLOCKS if "tifed.register_" not in block]
    assert len(shown) == 7
    for block in shown:
        assert any(block in source for source in sources), block
    (entries,) = re.findall(r"^```toml\n(\[project\.entry-points.*?)^```$", PAGE, re.S | re.M)
    assert entries in (ROOT / "examples/extension/pyproject.toml").read_text()


def test_a_run_of_a_script_goes_on_by_the_script(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        f"{BLOCKS[0]}\n"
        "import sys\n"
        "import tifed\n"
        "if len(sys.argv) > 1:\n"
        "    tifed.register_recipe('patient', Patient)\n"
        "if sys.argv[1:] == ['begin']:\n"
        "    experiment = tifed.load_experiment(overrides=['recipe=patient', 'rounds=3'])\n"
        "    print(tifed.run(experiment, out='run').digest)\n"
        "else:\n"
        "    print(tifed.resume('run').digest)\n"
    )
    begun = process([sys.executable, "mine.py", "begin"], tmp_path)
    assert begun.returncode == 0, begun.stderr
    assert '"recipe patient" = "a script"' in (tmp_path / "run/experiment.toml").read_text()
    unfinished(tmp_path / "run", 1)
    without = process([sys.executable, "mine.py"], tmp_path)
    assert (
        "there is no recipe 'patient' here; a script brought it when this was written: go on with "
        "it by that script, which registers it first"
    ) in without.stderr
    again = process([sys.executable, "mine.py", "go on"], tmp_path)
    assert again.stdout == begun.stdout != ""
