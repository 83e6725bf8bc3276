"""The files of a broker, its server and its sites."""

import re
from pathlib import Path

import pytest
from cryptography import x509
from typer.testing import CliRunner

from tifed.cli import app
from tifed.errors import UsageError
from tifed.nodes.keys.authority import CERTIFICATE, hosts_of
from tifed.nodes.mqtt import topics
from tifed.nodes.mqtt.connection import Broker
from tifed.nodes.mqtt.keys import add_sites, make_keys, renew, site_file
from tifed.nodes.mqtt.node import SiteNode
from tifed.nodes.mqtt.rights import access_list
from tifed.nodes.mqtt.transport import MqttTransport


def rights(text: str) -> dict[str, set[str]]:
    """By user the lines with its topics."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if line.startswith("user "):
            lines = found.setdefault(line.removeprefix("user "), set())
        elif line.startswith("topic "):
            lines.add(line)
    return found


def test_a_site_has_rights_in_its_own_folder_alone() -> None:
    found = rights(access_list(["north", "south"]))
    assert found.keys() == {"server", "north", "south"}
    assert found["south"] == {
        "topic read tifed/shared/#",
        "topic read tifed/site/south/work",
        "topic write tifed/site/south/answer",
        "topic readwrite tifed/site/south/here",
    }
    assert not any("write tifed/site/+/answer" in line for line in found["server"])


def test_private_files_are_private_and_names_are_in_them(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    paths = make_keys(folder, ("alpha", "127.0.0.1"), ["north", "south"])
    assert {path.name for path in paths} == {
        "ca.key", "ca.crt", "broker.key", "broker.crt", "server.pem", "north.pem", "south.pem",
        "acl", "mosquitto.conf",
    }  # fmt: skip
    for path in paths:
        assert bool(path.stat().st_mode & 0o077) == (path.suffix in (".crt", ".conf")), path
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in ("server", "north"):
        assert Broker("alpha:8883", site_file(folder, name)).name == name
    assert hosts_of((folder / "broker.crt").read_bytes()) == ("alpha", "127.0.0.1")
    text = (folder / "mosquitto.conf").read_text()
    for line in ("require_certificate true", "use_identity_as_username true",
                 "use_username_as_clientid true", "allow_anonymous false",
                 f"acl_file {folder}/acl", "tls_version tlsv1.3"):  # fmt: skip
        assert line in text.splitlines()


def test_more_sites_and_new_certificates(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    make_keys(folder, ("alpha",), ["north"])
    add_sites(folder, ["south"])
    assert rights((folder / "acl").read_text()).keys() == {"server", "north", "south"}
    with pytest.raises(UsageError, match="south has a file in"):
        add_sites(folder, ["south"])
    before = {path: path.read_bytes() for path in folder.iterdir()}
    renew(folder)
    changed = {path.name for path, content in before.items() if path.read_bytes() != content}
    assert changed == {"broker.crt", "broker.key", "server.pem", "north.pem", "south.pem"}
    authority = x509.load_pem_x509_certificate((folder / CERTIFICATE).read_bytes())
    text = (folder / "south.pem").read_text()
    own = text[text.index("-----BEGIN CERTIFICATE") :].encode()
    x509.load_pem_x509_certificate(own).verify_directly_issued_by(authority)


def test_more_sites_change_nothing_for_those_there_are(tmp_path: Path) -> None:
    """North is shut out, and the file of south has been taken there."""
    folder = tmp_path / "keys"
    make_keys(folder, ("alpha",), ["north", "south"])
    acl = folder / "acl"
    acl.write_text(access_list(["south"]))
    (folder / "south.pem").unlink()
    add_sites(folder, ["west"])
    assert rights(acl.read_text()) == rights(access_list(["south", "west"]))
    assert acl.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError, match="south has rights in"):
        add_sites(folder, ["south"])
    acl.unlink()
    with pytest.raises(UsageError, match="acl: cannot be read"):
        add_sites(folder, ["east"])
    assert not (folder / "east.pem").exists()


@pytest.mark.parametrize(
    "name", ["", "a/b", "+", "#", "a b", "-a", ".", "a\nuser server", "x" * 65]
)
def test_what_is_no_name_of_a_site(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no name of a site"):
        make_keys(tmp_path / "keys", ("alpha",), [name])
    assert not (tmp_path / "keys").exists()


def test_a_node_does_not_come_as_the_server(tmp_path: Path) -> None:
    """It would end the server's connection."""
    make_keys(tmp_path / "keys", ("alpha",), ["north"])
    broker = Broker("alpha:8883", site_file(tmp_path / "keys", "server"))
    with pytest.raises(UsageError, match="is of the server, not of a site"):
        SiteNode(broker, lambda request: request.content)


def test_names_that_are_taken(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="server is the server's name"):
        make_keys(tmp_path / "keys", ("alpha",), ["server"])
    with pytest.raises(UsageError, match="north is there twice"):
        make_keys(tmp_path / "keys", ("alpha",), ["north", "north"])


def test_keys_are_not_written_over_others(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    make_keys(folder, ("alpha",), ["north"])
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(UsageError, match=f"{folder}: is not empty"):
        make_keys(folder, ("alpha",), ["north"])
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_site_is_no_server(tmp_path: Path) -> None:
    make_keys(tmp_path / "keys", ("alpha",), ["north"])
    broker = Broker("alpha:8883", site_file(tmp_path / "keys", "north"))
    with pytest.raises(UsageError, match=r"north\.pem is of north, not of the server"):
        MqttTransport(broker, "", 60.0, lambda line: None)


def test_topics_are_taken_apart_as_they_are_made() -> None:
    for leaf, topic in (("work", topics.work), ("answer", topics.answer), ("here", topics.here)):
        assert topics.site_and_leaf(topic("node-0")) == ("node-0", leaf)
    assert topics.slot_of(topics.shared("plan", 3)) == "plan"
    for other in ("tifed/site/a/b/work", "tifed/shared/other/0", "tifed/shared/plan/x", ""):
        assert topics.site_and_leaf(other) is None
        assert topics.slot_of(other) is None


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["keys", "KEYS", "--host", "alpha"], "name the sites"),
        (["keys", "KEYS", "--nodes", "1"], "name the broker as server and nodes reach it"),
        *(
            (["keys", "KEYS", "--nodes", "1", "--host", "alpha", "--host", host], "--host: ")
            for host in ("", "a\nb", "é.example", "a" * 65, "a b", "::x")
        ),
        (["keys", "KEYS", "--renew", "--nodes", "1"], "--renew: goes without"),
        (["keys", "KEYS", "--add", "--nodes", "1"], "renewed with ca.key"),
        (["node", "--broker", "alpha", "--tls", "x"], "partition-id is missing"),
        (
            ["node", "--broker", "alpha", "--tls", "x", "--set", "first-device=0"],
            "is not HOST:PORT",
        ),
        (["node", "--broker", "a:1", "--tls", "missing", "--set", "first-device=0"], "missing"),
        (["node", "--broker", "a:1", "--tls", "x", "--set", "frist=0"], "there is no 'frist'"),
        (["node", "none.toml", "--broker", "a:1", "--tls", "x"], "none.toml: cannot be read"),
        (["serve", "--broker", "a:1", "--tls", "missing", "--set", "devices=2"], "missing"),
    ],
)
def test_errors_name_what_is_wrong(arguments: list[str], why: str, tmp_path: Path) -> None:
    given = [str(tmp_path / "keys") if word == "KEYS" else word for word in arguments]
    result = CliRunner().invoke(app, ["mqtt", *given])
    assert isinstance(result.exception, UsageError), result.output
    assert re.search(why, str(result.exception)), result.exception
