"""Key files and pages, and which lines need a key."""

import re
import socket
import stat
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tifed.cli.keys import keys as keys_command
from tifed.errors import RunError, UsageError
from tifed.experiment import Experiment
from tifed.link import TRANSPORTS, Scheme, Transport
from tifed.link.address import exposed_lines
from tifed.link.frame import ANSWER, Frame, FrameReader, Kind, encode
from tifed.link.keys import key_page, keys_for, new_key, read_keys, sending_from, write_keys
from tifed.link.seal import NO_KEY, session_keys
from tifed.nodes.gateway.board_pool import BoardPool, Lines


def test_a_key_file_is_its_owners_and_is_not_overwritten(tmp_path: Path) -> None:
    path, keys = tmp_path / "keys", {device: new_key() for device in range(3)}
    write_keys(path, keys)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_keys(path, "link.keys") == keys
    with pytest.raises(UsageError, match="not overwritten"):
        write_keys(path, keys)
    with pytest.raises(UsageError, match="link.keys: there is no key of device 3"):
        keys_for(str(path), 4, "link.keys")
    path.chmod(0o640)
    with pytest.raises(UsageError, match="chmod 600"):
        read_keys(path, "link.keys")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 " + "a" * 63, "line 1: not a device"),
        ("x " + "a" * 64, "line 1: not a device"),
        ("0 " + "a" * 64 + "\n0 " + "b" * 64, "line 2: device 0 comes twice"),
        ("0 " + "a" * 64 + "\n1 " + "A" * 64, "the same key"),
    ],
)
def test_a_key_file_that_is_wrong_is_refused_and_not_quoted(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "keys"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(UsageError, match=words) as refused:
        read_keys(path, "link.keys")
    assert "aaaa" not in str(refused.value)


def test_the_command_makes_a_file_and_a_page(tmp_path: Path) -> None:
    path, page = tmp_path / "keys", tmp_path / "page"
    command = [sys.executable, "-c", "from tifed.cli import main; main()", "keys", str(path)]
    subprocess.run([*command, "--devices", "2"], check=True)
    subprocess.run([*command, "--page", "1", "--out", str(page)], check=True)
    content = page.read_bytes()
    assert content == key_page(read_keys(path, "keys")[1])
    assert content[-4:] == zlib.crc32(content[:-4]).to_bytes(4, "little")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600


def test_keys_of_a_session_depend_on_all_that_they_are_made_of() -> None:
    made = [
        session_keys(bytes([key] * 32), bytes([host] * 16), bytes([device] * 16))
        for key, host, device in ((1, 2, 3), (2, 2, 3), (1, 3, 3), (1, 2, 2), (1, 3, 2))
    ]
    assert len({key for both in made for key in both}) == 10


def test_a_line_over_a_network_needs_a_key_or_a_word() -> None:
    far, near = "tcp:192.168.0.7:5000", "tcp:127.0.0.1:5000"
    with pytest.raises(UsageError, match=r"192.168.0.7:5000 goes over a network.*link\.unsealed"):
        Experiment(fleet="linked", devices=1, link={"devices": [far]})
    for link in ({"devices": [far], "unsealed": True}, {"devices": [far], "keys": "k"},
                 {"devices": [near]}, {"devices": ["serial:/dev/ttyACM0"]}):  # fmt: skip
        Experiment(fleet="linked", devices=1, link=link)
    with pytest.raises(UsageError, match="--unsealed"):
        BoardPool(Lines((far, near)))
    BoardPool(Lines((far, near), unsealed=True))
    BoardPool(Lines((near,)))


class Radio(Scheme):
    """A kind of line that does not say who can reach it."""

    form = "radio:number"

    def open(self, place: str, baud: int, seconds: float) -> Transport:
        raise AssertionError(place)


def test_so_does_a_radio_and_every_line_that_does_not_say_who_can_reach_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(TRANSPORTS, "_scripts", {})
    TRANSPORTS.register("radio", Radio)
    near = ("serial:/dev/ttyACM0", "unix:a", "tcp:[::1]:5000", "tcp:localhost:1")
    assert exposed_lines(near) is None
    for far in ("radio:1", "serial:/dev/rfcomm0", "tcp:[fe80::1]:5000", "tcp:board:1"):
        words = f"^{re.escape(far)} goes over a network or radio"
        assert re.search(words, exposed_lines([*near, far]) or "")
        with pytest.raises(UsageError, match=r"link\.unsealed"):
            Experiment(fleet="linked", devices=1, link={"devices": [far]})


@pytest.mark.parametrize(
    ("fleet", "link", "words"),
    [
        ("simulated", {"keys": "k"}, "link.keys: goes with fleet = 'linked'"),
        ("emulated", {"unsealed": True}, "link.unsealed: goes with fleet = 'linked'"),
        ("simulated", {"sealed": True}, "link.sealed: goes with fleet = 'emulated'"),
        ("linked", {"sealed": True, "devices": ["unix:a"]}, "link.sealed: goes with"),
    ],
)
def test_settings_go_with_their_fleet(fleet: str, link: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Experiment(fleet=fleet, devices=1, link=link)


app = typer.Typer()
app.command()(keys_command)


class NoKey:
    """Somebody on a line who says that he has no key, and keeps what he is sent."""

    def __init__(self) -> None:
        self.heard, self._reader, self._said = b"", FrameReader(), b""

    def write(self, data: bytes) -> None:
        self.heard += data
        for frame in self._reader.feed(data):
            if frame.kind == Kind.HELLO:
                answer = Frame(Kind.HELLO | ANSWER, frame.session, frame.sequence, bytes([NO_KEY]))
                self._said += encode(answer)

    def read(self, seconds: float) -> bytes:
        said, self._said = self._said, b""
        return said

    def close(self) -> None:
        pass


def test_whoever_says_that_he_has_no_key_is_sent_one_key_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, stranger = tmp_path / "boards.keys", NoKey()
    file = tmp_path / "link.keys"
    file.symlink_to(kept)
    monkeypatch.setattr("tifed.link.giving.open_transport", lambda address, baud: stranger)
    monkeypatch.setattr("tifed.cli.keys._SECONDS", 5.0)
    write_keys(kept, {0: new_key(), 1: new_key()})
    keys = read_keys(file, "keys")
    # A key that was written by hand is the same in capitals.
    kept.write_text(kept.read_text().replace(keys[0].hex(), keys[0].hex().upper()))

    def send(*options: str) -> None:
        command = [str(file), "--page", "0", "--send", "unix:a", *options]
        CliRunner().invoke(app, command, catch_exceptions=False)

    with pytest.raises(RunError, match=r"to try again, give it a new key \(--new\)"):
        send()
    assert keys[0] in stranger.heard  # the first time there is no telling
    stranger.heard = b""
    with pytest.raises(UsageError, match="key of device 0 was sent before, and whoever answers"):
        send()
    assert keys[0] not in stranger.heard
    with pytest.raises(RunError, match="did not get it"):
        send("--new")
    found = read_keys(file, "keys")
    assert found[0] != keys[0] not in stranger.heard
    assert found[0] in stranger.heard
    assert found[1] == keys[1]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    command = [str(file), "--page", "0", "--out", str(tmp_path / "page"), "--new"]
    with pytest.raises(UsageError, match="--new: goes with"):
        CliRunner().invoke(app, command, catch_exceptions=False)


@pytest.mark.slow(4)
def test_two_that_send_from_one_file_do_not_undo_each_other(tmp_path: Path) -> None:
    """One process waits for its board with the file in its hands, and another one is refused."""
    file, line = tmp_path / "boards.keys", tmp_path / "line"
    write_keys(file, {0: new_key(), 1: new_key()})
    before = read_keys(file, "keys")
    program = [sys.executable, "-c", "from tifed.cli import main; main()"]
    command = [*program, "keys", str(file), "--send", f"unix:{line}", "--new"]
    listening = socket.socket(socket.AF_UNIX)
    with listening:
        listening.bind(str(line))
        listening.listen()
        listening.settimeout(300)
        first = subprocess.Popen([*command, "--page", "0"], stderr=subprocess.PIPE, text=True)
        board, _ = listening.accept()
        with board:
            # Only the second process is refused: it holds nothing, and changes nothing.
            second = subprocess.run(
                [*command, "--page", "1"], capture_output=True, text=True, check=False
            )
            said = " ".join(second.stderr.split())
            assert f"keys: process {first.pid} is sending a key of {file}" in said
            assert second.returncode == 2
            assert read_keys(file, "keys") == before
            silent = NoKey()
            while b"TIFK" not in silent.heard:
                heard = board.recv(4096)
                assert heard
                silent.write(heard)
                board.sendall(silent.read(0))
        assert first.communicate()[1]
    found = read_keys(file, "keys")
    assert found[0] != before[0]
    assert found[1] == before[1]
    with sending_from(file, "keys", pytest.fail) as free:  # whoever has ended lets go
        assert free == found
