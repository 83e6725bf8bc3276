"""The Compose file in deploy/flower says what the programs take."""

import shlex
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flwr", reason="needs Flower: pip install 'tifed[flower]'")

import yaml
from flwr.common.config import parse_config_args
from flwr.superlink.cli.flower_superlink import _parse_args_run_superlink
from flwr.supernode.cli.flower_supernode import _parse_args_run_supernode
from typer.testing import CliRunner

from tifed.cli import app
from tifed.errors import UsageError
from tifed.nodes.flower import ENVIRONMENT
from tifed.nodes.node import Node

FILE = Path(__file__).parents[3] / "deploy" / "flower" / "compose.yaml"
SERVICES: dict[str, Any] = yaml.safe_load(FILE.read_text())["services"]
NODES = ["tifed", "flower", "supernode", "--installed-only"]


def test_the_superlink_and_the_nodes_take_their_options() -> None:
    commands = {name: shlex.split(one["command"]) for name, one in SERVICES.items()}
    link = commands.pop("superlink")
    assert link[0] == "flower-superlink"
    chosen = _parse_args_run_superlink().parse_args(link[1:])
    assert chosen.enable_supernode_auth
    assert len(commands) == 2
    for number, command in enumerate(commands.values()):
        assert command[:4] == NODES
        node = _parse_args_run_supernode().parse_args(command[4:])
        assert node.superlink == "superlink:8000"
        config: Any = parse_config_args([node.node_config])
        assert Node.from_config(config).selection.partition == (number, 2)


def test_containers_get_what_keys_writes_but_not_the_key_that_signs(tmp_path: Path) -> None:
    made = CliRunner().invoke(
        app, ["flower", "keys", str(tmp_path / "keys"), "--host", "superlink", "--nodes", "2"]
    )
    assert made.exit_code == 0, made.output
    mounted = [volume.split(":") for one in SERVICES.values() for volume in one["volumes"]]
    files = [(tmp_path / source, inside) for source, inside, *_ in mounted if source != "./runs"]
    assert len(files) == 7
    for source, inside in files:
        assert source.is_file()
        assert inside == f"/keys/{source.name}"
        assert source.name != "ca.key"


def test_flower_calls_nobody_else() -> None:
    for service in SERVICES.values():
        for name in ("FLWR_TELEMETRY_ENABLED", "FLWR_DISABLE_UPDATE_CHECK"):
            assert service["environment"][name] == ENVIRONMENT[name]


def test_the_compose_file_is_one() -> None:
    """As the Compose specification has it."""
    schema = pytest.importorskip("check_jsonschema.builtin_schemas")
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(
        yaml.safe_load(FILE.read_text()), schema.get_builtin_schema("vendor.compose-spec")
    )


@pytest.mark.parametrize("option", ["--host", "--gateway"])
def test_what_is_no_host_gets_no_certificate(option: str, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    words = ["flower", "keys", str(folder), "--host", "alpha", option, "é.example"]
    result = CliRunner().invoke(app, words)
    assert isinstance(result.exception, UsageError)
    assert str(result.exception).startswith(f"{option}: 'é.example' is no address")
    assert not folder.exists()
