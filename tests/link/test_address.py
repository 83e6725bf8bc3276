"""Which addresses are the same line, and who refuses one that is named twice."""

import sys
from pathlib import Path

import pytest

from tifed.cli import main
from tifed.errors import UsageError
from tifed.experiment.load import load_experiment
from tifed.link.address import check_address, check_socket_address, host_and_port, repeated_line
from tifed.link.listening import listening
from tifed.nodes.gateway.board_pool import BoardPool, Lines


@pytest.fixture
def twice(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """Two addresses; ``@`` stands for a folder with a file, and a link to it."""
    (tmp_path / "port").touch()
    (tmp_path / "by-id").symlink_to(tmp_path / "port")
    return [address.replace("@", str(tmp_path)) for address in request.param]


@pytest.mark.parametrize(
    "twice",
    [
        ["tcp:host:5000", "tcp:host:5000"],
        ["tcp:localhost:5000", "tcp:LOCALHOST:5000"],
        ["tcp:localhost:5000", "tcp:127.0.0.1:05000"],
        ["tcp:[::1]:5000", "tcp:0:0::1:5000"],
        ["tcp:board.example.:5000", "tcp:Board.Example:5000"],
        ["serial:@/port", "serial:@/by-id"],
        ["serial:@/port", "serial:@/./port"],
        ["unix:@/port", "unix:@/by-id"],
    ],
    indirect=True,
)
def test_a_line_that_is_named_twice_is_refused(twice: list[str]) -> None:
    overrides = ["fleet=linked", "devices=3", f"link.devices={['tcp:other:1', *twice]}"]
    with pytest.raises(UsageError, match=r"link\.devices: .*(twice|same line); name each"):
        load_experiment(overrides=overrides)
    with pytest.raises(UsageError, match=r"--devices: .*(twice|same line); name each"):
        BoardPool(Lines(("tcp:other:1", *twice)))


@pytest.mark.parametrize(
    "addresses",
    [
        ["tcp:host:5000", "tcp:host:5001"],
        ["tcp:host:5000", "tcp:hosts:5000"],
        ["serial:/dev/a", "unix:/dev/a"],
        ["nonsense:1", "tcp:host", "tcp:host:", "unix:"],
        [],
    ],
)
def test_other_lines_are_not_the_same(addresses: list[str]) -> None:
    assert repeated_line(addresses) is None


@pytest.mark.parametrize("address", ["tcp:host:99999", f"tcp:host:{'9' * 5000}", "unix:a\0b", "x"])
def test_what_is_no_address_is_named(address: str) -> None:
    with pytest.raises(UsageError, match="the option: .* is not serial:"):
        check_address(address, "the option")


@pytest.mark.parametrize("address", ["serial:/dev/ttyACM0", "tcp::80", "usb:3"])
def test_a_program_listens_at_sockets_alone(address: str) -> None:
    with pytest.raises(UsageError, match=r"--listen: .* is not unix:PATH or tcp:HOST:PORT"):
        check_socket_address(address, "--listen")
    with pytest.raises(UsageError, match="--listen: "), listening(address, "--listen"):
        pass


def test_brackets_are_not_part_of_a_host() -> None:
    assert host_and_port("[::1]:80") == host_and_port("::1:80") == ("::1", 80)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gateway", "--devices", "usb:3"], "--devices: 'usb:3' is not serial:"),
        (["gateway", "--devices", "unix:a,unix:./a"], "--devices: unix:a and unix:./a are"),
        (["emulate", "--listen", "unix:a,serial:/b"], "--listen: 'serial:/b' is not unix:PATH"),
        (["emulate", "--listen", "unix:a,unix:a"], "--listen: unix:a is named twice"),
    ],
)
def test_commands_name_the_option_as_typed(
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["tifed", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert f"error: {message}" in capsys.readouterr().err
