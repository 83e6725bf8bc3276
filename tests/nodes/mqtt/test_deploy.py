"""The units and the Compose file in deploy/mqtt say what the programs take."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import typer
import yaml

from tifed.cli import app

FOLDER = Path(__file__).parents[3] / "deploy" / "mqtt"


def commands() -> list[list[str]]:
    """All ``tifed`` commands in the folder, in words."""
    found = []
    for unit in FOLDER.glob("*.service"):
        for line in unit.read_text().splitlines():
            if line.startswith("ExecStart="):
                found.append(shlex.split(line.partition("=")[2])[1:])
    services: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
    for service in services.values():
        words = shlex.split(service["command"])
        if words[0] == "tifed":
            found.append(words[1:])
    return found


def test_there_are_commands() -> None:
    assert sorted(words[1] for words in commands()) == ["node", "node", "node", "serve", "serve"]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_commands_have_these_options(words: list[str]) -> None:
    group: Any = typer.main.get_command(app)
    context = click.Context(group)
    for _ in range(2):
        name, group, words = group.resolve_command(context, words)
    # Whatever it is of whose options one does not exist says so here.
    group.make_context(name, list(words))


def test_the_compose_file_is_one(tmp_path: Path) -> None:
    pytest.importorskip("check_jsonschema")
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "-o", "json", "--builtin-schema",
         "vendor.compose-spec", str(FOLDER / "compose.yaml")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert json.loads(done.stdout)["status"] == "ok", done.stdout


def test_no_container_gets_the_key_that_signs() -> None:
    services = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
    mounted = [volume for one in services.values() for volume in one["volumes"]]
    assert mounted
    assert not [volume for volume in mounted if "ca.key" in volume or volume.startswith("./keys:")]
