"""Exported programs whose line is sealed: the key comes over the line, once, and stays."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tifed.cli.keys import keys as keys_command
from tifed.errors import UsageError
from tifed.experiment import build, load_experiment
from tifed.experiment.setup import network_for
from tifed.export import FRAMEWORKS, Model, export, model_for
from tifed.link import Client, DeviceGoneError, DeviceRefusedError, Frame, FrameReader, Patience
from tifed.link.frame import ANSWER, SEALED, VERSION, Kind
from tifed.link.giving import give_key
from tifed.link.keys import key_for_a_line, new_key, read_keys, write_keys
from tifed.link.opening import address_opener
from tifed.link.transport import Transport

from .test_own_data import OWN, devices, ran, stored

SETTINGS = [*OWN, "layers=[64,12,10]", "devices=2", "personal.rounds=1"]
app = typer.Typer()
app.command()(keys_command)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program for a host with a sealed line."""
    folder = tmp_path_factory.mktemp("program")
    experiment = load_experiment(preset="digits", overrides=SETTINGS)
    export(model_for(experiment, network_for(experiment)), "cmake", folder / "library", sealed=True)
    for command in (f"-S {folder}/library -B {folder}/build",
                    f"--build {folder}/build --target tifed_federated"):  # fmt: skip
        subprocess.run(["cmake", *command.split()], check=True, capture_output=True)
    return folder / "build/tifed_federated"


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A folder for each device, with what the simulator's has."""
    folder = tmp_path_factory.mktemp("places")
    inputs = build(load_experiment(preset="digits", overrides=SETTINGS)).inputs
    return [stored(folder / f"d{number}", one) for number, one in enumerate(inputs.stored)]


@pytest.mark.slow(20)
def test_a_sealed_program_ends_with_the_simulators_digest_and_keeps_its_key(
    program: Path, places: list[Path], tmp_path: Path
) -> None:
    simulated = ran(SETTINGS, tmp_path / "simulated")
    file, two = tmp_path / "boards.keys", CliRunner()
    assert two.invoke(app, [str(file), "--devices", "2"]).exit_code == 0
    with devices(program, places) as lines:
        linked = [*SETTINGS, "dataset=on-devices", "fleet=linked", f"link.devices={lines}"]
        for number, line in enumerate(lines):
            # Until it has a key it obeys nobody, and afterwards nobody without it.
            for _ in range(2):
                with pytest.raises(DeviceRefusedError, match="takes sealed frames alone"):
                    opened(line, None)
                given = two.invoke(app, [str(file), "--page", str(number), "--send", line])
                assert given.exit_code == 0, given.output
        found = ran([*linked, f"link.keys={file}"], tmp_path / "linked")
    assert found.digest == simulated.digest
    assert found.own is not None
    assert simulated.own is not None
    assert found.own.personal == simulated.own.personal
    # The key is in the file of the model: a program that starts again has it, and no nonce twice.
    key, nonces = read_keys(file, "keys")[0], set[bytes]()
    for _ in range(3):
        with devices(program, places[:1]) as lines:
            for _ in range(2):
                nonces.add(opened(lines[0], key))
            with pytest.raises(UsageError, match="does not have this device's key; erase the"):
                give_key(lines[0], new_key(), 115_200, 60.0, never)
            opened(lines[0], key)
    assert len(nonces) == 6


def never() -> None:
    pytest.fail("a key was to be sent")


def opened(line: str, key: bytes | None, silence: float = 60.0) -> bytes:
    """Open a session; the nonce that the device gave for it."""
    tap = Tap(address_opener(line)())
    try:
        Client("board", lambda: tap, Patience(silence=silence), key).open_session()
    finally:
        tap.line.close()
    return [
        frame.payload[-36:-20]
        for frame in tap.heard
        if (frame.kind, frame.version) == (Kind.HELLO | ANSWER, VERSION | SEALED)
    ][-1]


class Tap:
    """A line that remembers what came over it."""

    def __init__(self, line: Transport) -> None:
        self.line, self.heard, self._reader = line, list[Frame](), FrameReader()
        self.write, self.close = line.write, line.close

    def read(self, seconds: float) -> bytes:
        data = self.line.read(seconds)
        self.heard += self._reader.feed(data)
        return data


@pytest.mark.slow(5)
def test_a_page_that_is_spoilt_or_cut_gives_no_key(program: Path, places: list[Path]) -> None:
    (places[0] / "model").unlink(missing_ok=True)
    key = new_key()
    page = key_for_a_line(key)
    with devices(program, places[:1]) as lines:
        line = address_opener(lines[0])()
        for wrong in (page[:-2], page[17:], page[:30] + bytes([page[30] ^ 1]) + page[31:]):
            line.write(b"\0" + wrong + b"\0" * 60)
        line.close()
        with pytest.raises(DeviceGoneError, match="has no key yet"):
            opened(lines[0], key, silence=2.0)
        give_key(lines[0], key, 115_200, 60.0, lambda: None)
        opened(lines[0], key)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_no_key_is_in_an_export_and_monocypher_is_with_its_licence(
    framework: str, tmp_path: Path, make_model: Callable[..., Model]
) -> None:
    model, layout = make_model("layers=[64,12,10]"), FRAMEWORKS[framework]
    written = {}
    for sealed in (False, True):
        export(model, framework, tmp_path / str(sealed), sealed=sealed)
        written[sealed] = {
            str(path.relative_to(tmp_path / str(sealed))): path.read_bytes()
            for path in (tmp_path / str(sealed)).rglob("*") if path.is_file()
        }  # fmt: skip
    more = {
        f"{folder}/tifed_link/{name}.{ending}"
        for name in ("monocypher", "seal_monocypher")
        for folder, ending in ((layout.sources, "c"), (layout.headers, "h"))
    }
    more.add("LICENSE-monocypher.txt")
    assert written[True].keys() - written[False].keys() == more
    assert not written[False].keys() - written[True].keys()
    # Twice the same: there is nothing in it that has to be secret.
    export(model, framework, tmp_path / "again", sealed=True)
    again = tmp_path / "again"
    assert all((again / name).read_bytes() == content for name, content in written[True].items())
    assert all(b"hear(" not in content for content in written[False].values())


def test_a_line_that_is_none_or_may_be_heard_gets_no_key(
    tmp_path: Path, make_model: Callable[..., Model]
) -> None:
    frozen = make_model("layers=[64,12,10]", layers=(1,), parameters=True)
    with pytest.raises(UsageError, match="sealed: a model with layers in flash"):
        export(frozen, "cmake", tmp_path / "library", sealed=True)
    with pytest.raises(UsageError, match="tcp:192.168.0.7:5000 goes over a network"):
        give_key("tcp:192.168.0.7:5000", new_key(), 115_200, 1.0, never)
    file = tmp_path / "keys"
    write_keys(file, {0: new_key()})
    for options in (["--page", "0"], ["--devices", "1", "--send", "unix:a"],
                    ["--page", "0", "--out", "a", "--send", "unix:a"]):  # fmt: skip
        with pytest.raises(UsageError, match=r"--page: needs|--send: goes with"):
            CliRunner().invoke(app, [str(file), *options], catch_exceptions=False)
