"""A gateway at a TCP address: certificates on both sides, of one authority and the right names."""

import socket
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("unicorn", reason="needs pip install 'tifed[emulator]'")
pytest.importorskip("flwr", reason="needs Flower: pip install 'tifed[flower]'")

from flwr.app import Context, RecordDict
from flwr.common.config import parse_config_args
from typer.testing import CliRunner

import tifed
from tifed.cli import app
from tifed.errors import RunError, UsageError
from tifed.experiment import load_experiment, to_toml
from tifed.experiment.identity import identity
from tifed.nodes.context import DeviceSelection
from tifed.nodes.flower.client import reply
from tifed.nodes.flower.deployment import Deployment
from tifed.nodes.flower.format import pack, unpack
from tifed.nodes.gateway import relay
from tifed.nodes.gateway.tls import gateway_context, node_context
from tifed.nodes.messages.content import Content, MessageError, message
from tifed.nodes.serving.settings import Settings

pytestmark = pytest.mark.slow(30)

EXPERIMENT = load_experiment(overrides=["devices=1"])
PRIVATE = 0o600


def keys(folder: Path, *more: str) -> Path:
    done = CliRunner().invoke(app, ["flower", "keys", str(folder), *more])
    assert done.exit_code == 0, done.output
    return folder


def made(folder: Path) -> Path:
    places = [word for _ in range(2) for word in ("--gateway", "127.0.0.1")]
    return keys(folder, "--host", "alpha", "--nodes", "2", *places)


def asked(address: str, tls: Path | None, patience: float = 0.1) -> Content:
    hello = message("hello", identity(EXPERIMENT), {})
    return relay.ask(
        address, to_toml(EXPERIMENT), DeviceSelection(first=0), hello, 300.0, patience, tls
    )


@pytest.fixture
def address(service: Any, boards: Any, tmp_path: Path) -> str:
    """Of a gateway for node 0, with the certificates in ``keys``."""
    made(tmp_path / "keys")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"tcp:127.0.0.1:{free.getsockname()[1]}"
    one = service(
        "gateway", "--devices", boards(1)[0], "--listen", address, "--tls",
        str(tmp_path / "keys" / "gateway-0.pem"), "--peer", "node-0",
    )  # fmt: skip
    one.says("gateway of 1 boards at ")
    return address


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_no_older_version_than_tls_1_3_is_spoken(tmp_path: Path, newest: ssl.TLSVersion) -> None:
    folder = made(tmp_path / "keys")
    ours = gateway_context(folder / "gateway-0.pem", "--tls")
    theirs = node_context(folder / "node-0.pem", "tls")
    theirs.minimum_version = ssl.TLSVersion.TLSv1_2
    theirs.maximum_version = newest
    to_us, to_them = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = theirs.wrap_bio(to_them, to_us, server_hostname="127.0.0.1")
    server = ours.wrap_bio(to_us, to_them, server_side=True)
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    if newest is ssl.TLSVersion.TLSv1_2:
        with pytest.raises(ssl.SSLError, match="UNSUPPORTED_PROTOCOL"):
            server.do_handshake()
    else:
        with pytest.raises(ssl.SSLWantReadError):
            server.do_handshake()


def test_only_the_node_that_is_expected_gets_in(tmp_path: Path, address: str) -> None:
    folder = tmp_path / "keys"
    assert asked(address, folder / "node-0.pem").arrays["devices"].tolist() == [[0, 1]]
    with pytest.raises(MessageError, match="this gateway has no --peer node-1"):
        asked(address, folder / "node-1.pem")
    # A gateway's certificate is none of a node, even if it has the authority's name on it.
    with pytest.raises(RunError):
        asked(address, folder / "gateway-1.pem")
    other = made(tmp_path / "other")
    with pytest.raises(RunError, match="cannot be reached by TLS .*CERTIFICATE_VERIFY_FAILED"):
        asked(address, other / "node-0.pem")
    # Whoever does not care about the gateway's certificate still has to show one.
    host, _, port = address.removeprefix("tcp:").partition(":")
    careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    careless.check_hostname = False
    careless.verify_mode = ssl.CERT_NONE
    for certificate in (None, other / "node-0.pem"):
        if certificate is not None:
            careless.load_cert_chain(certificate)
        with (
            socket.create_connection((host, int(port)), 300) as plain,
            careless.wrap_socket(plain) as secure,
            pytest.raises(ssl.SSLError),
        ):
            secure.recv(1)
    with socket.create_connection((host, int(port)), 300) as plain:
        plain.sendall(b"TFGW" + bytes(12))
        answer = b""
        with suppress(ConnectionResetError):
            answer = plain.recv(100)
        assert b"TFGW" not in answer
    assert asked(address, folder / "node-0.pem").kind == "hello"


def test_a_run_goes_over_tls_as_it_does_without(tmp_path: Path, address: str, behind: Any) -> None:
    experiment = load_experiment(overrides=["devices=1", "rounds=2"])
    fleet = behind(experiment, address, tls=tmp_path / "keys" / "node-0.pem")
    assert tifed.run(experiment, fleet=fleet).digest == tifed.run(experiment).digest


def test_the_nodes_of_one_command_are_given_their_private_file(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ``tifed flower up --gateway-tls`` gives a SuperNode, as Flower reads it."""
    configs: list[str] = []
    monkeypatch.setattr(
        Deployment, "_node_program", lambda self, program, name, config, *_: configs.append(config)
    )
    private = tmp_path / "keys" / "node-0.pem"
    deployment = Deployment(1, tmp_path, gateways=[address], gateway_tls=private, secure=False)
    deployment._start_node(0, 0)
    (config,) = configs
    context = Context(1, 1, parse_config_args([config]), RecordDict(), {})
    hello = pack(message("hello", identity(EXPERIMENT), {}))
    records = reply(hello, context, Settings(to_toml(EXPERIMENT)))
    answer = unpack(records, "hello", identity(EXPERIMENT))
    assert answer.arrays["devices"].tolist() == [[0, 1]]


def test_a_node_talks_to_the_host_that_it_means_alone(tmp_path: Path, address: str) -> None:
    with pytest.raises(RunError, match="cannot be reached by TLS .*(IP address|Hostname) mismatch"):
        asked(address.replace("127.0.0.1", "localhost"), tmp_path / "keys" / "node-0.pem")
    with pytest.raises(UsageError, match="gateway-tls, the path of this node's private file"):
        asked(address, None)


def test_renewed_certificates_take_the_place_of_old_ones(tmp_path: Path, address: str) -> None:
    folder = tmp_path / "keys"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    keys(folder, "--renew")
    for path in folder.iterdir():
        renewed = path.name.startswith("server") or path.suffix == ".pem"
        assert (path.read_bytes() != before[path.name]) == renewed, path
        if path.suffix in (".key", ".pem", ""):
            assert path.stat().st_mode & 0o777 == PRIVATE
    # The gateway has the old one still; both are of one authority.
    assert asked(address, folder / "node-0.pem").kind == "hello"
    (folder / "ca.key").unlink()
    done = CliRunner().invoke(app, ["flower", "keys", str(folder), "--renew"])
    assert done.exit_code != 0
    assert "ca.key" in str(done.exception)


def test_private_files_and_tcp_addresses_without_them_are_refused(
    tmp_path: Path, service: Any
) -> None:
    folder = made(tmp_path / "keys")
    place = ("--devices", "unix:none", "--listen", "tcp:127.0.0.1:1")
    bare = service("gateway", *place)
    assert bare.process.wait(300) == 2
    assert "it needs --tls FILE and --peer NAME" in bare.text
    (folder / "gateway-0.pem").chmod(0o640)
    open_to_all = service(
        "gateway", *place, "--tls", str(folder / "gateway-0.pem"), "--peer", "node-0"
    )
    assert open_to_all.process.wait(300) == 2
    assert "--tls: others may read" in open_to_all.text
    no_use = service("gateway", *place, "--tls", str(folder / "server.key"), "--peer", "node-0")
    assert no_use.process.wait(300) == 2
    assert "tifed flower keys --gateway makes such files" in no_use.text
