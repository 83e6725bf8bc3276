"""The command line as a person meets it: exit codes and streams, also of real processes."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tifed.cli import main

COMMAND = [sys.executable, "-c", "from tifed.cli import main; main()"]


def tifed(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False, cwd=cwd
    )


@dataclass
class Here:
    """The command in this process, which spares it the seconds until all is imported."""

    patch: pytest.MonkeyPatch
    streams: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        command = ["tifed", *map(str, arguments)]
        self.patch.chdir(cwd)
        self.patch.setattr(sys, "argv", command)
        self.streams.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = self.streams.readouterr()
        code = ended.value.code or 0
        assert isinstance(code, int)
        return subprocess.CompletedProcess(command, code, said.out, said.err)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    return Here(monkeypatch, capsys)


@pytest.mark.slow(5)
def test_run_prints_one_json_object_and_show_gives_it_again(tmp_path: Path) -> None:
    done = tifed("run", "--preset", "digits", "--set", "rounds=3", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert {
        "accuracy", "digest", "rounds", "mode", "bytes_up_per_device", "bytes_down_per_device",
        "macs_per_device", "seconds", "out",
    } <= result.keys()  # fmt: skip
    assert result["out"] == "runs/digits-tuned-full-network"
    assert "round 3/3" in done.stderr
    folder = tmp_path / result["out"]
    names = {path.name for path in folder.iterdir()}
    assert names >= {
        "experiment.toml", "metrics.csv", "model.safetensors", "checkpoints", "accuracy.svg",
        "report.html", "result.json",
    }  # fmt: skip
    assert result["digest"] in (folder / "report.html").read_text()
    shown = tifed("show", folder, "--json", cwd=tmp_path)
    assert json.loads(shown.stdout) == result
    plain = tifed("show", folder, cwd=tmp_path)
    assert result["digest"] in plain.stdout
    repeated = tifed("run", folder / "experiment.toml", "--json", "--out", "again", cwd=tmp_path)
    assert json.loads(repeated.stdout)["digest"] == result["digest"]


@pytest.mark.slow(4)
def test_board_and_emulator_are_short_for_an_emulated_fleet(tmp_path: Path) -> None:
    small = ["--set", "devices=1", "--set", "rounds=1"]
    arguments = ["run", "--preset", "digits", *small, "--json"]
    plain = tifed(*arguments, cwd=tmp_path)
    emulated = tifed(*arguments, "--board", "cortex-m3", "--emulator", "qemu", cwd=tmp_path)
    assert emulated.returncode == 0, emulated.stderr
    result = json.loads(emulated.stdout)
    assert result["digest"] == json.loads(plain.stdout)["digest"]
    written = (tmp_path / result["out"] / "experiment.toml").read_text()
    for line in ('fleet = "emulated"', 'board = "cortex-m3"', 'emulator = "qemu"'):
        assert line in written


def test_ranges_hold_whatever_energy_the_input_has(
    here: Here, tmp_path: Path, by_energy: str
) -> None:
    def step(shift: int, *more: str) -> int:
        pairs = (f"recipe={by_energy}", f"recipe_settings.shift={shift}", *more)
        words = [word for pair in pairs for word in ("--set", pair)]
        rows = json.loads(here("ranges", *words, "--json", cwd=tmp_path).stdout)
        highs = {(row["layer"], row["quantity"]): row["high"] for row in rows}
        return int(highs[0, "new weight"] - highs[0, "weight"])

    assert step(0) == step(3) == step(-2, "recipe_settings.centred=false")
    assert 4 * step(0) - 4 < step(-2) <= 4 * step(0)
    assert step(-99) == 10 * 128 * 254


@pytest.mark.slow
def test_ranges_and_presets(here: Here, tmp_path: Path) -> None:
    rows = json.loads(here("ranges", "--preset", "mnist-paper", "--json", cwd=tmp_path).stdout)
    bounds = {(row["layer"], row["quantity"]): row["high"] for row in rows}
    assert bounds[0, "weight"] == (2**31 - 1 - 32767) // (784 * 128)
    assert all(row["fits"] for row in rows)
    assert "21,399" in here("ranges", "--preset", "mnist-paper", cwd=tmp_path).stdout
    assert "fashion-mnist-paper" in here("presets", cwd=tmp_path).stdout
    printed = here("presets", "digits", cwd=tmp_path).stdout
    (tmp_path / "mine.toml").write_text(printed)
    assert here("run", "mine.toml", "--set", "rounds=1", cwd=tmp_path).returncode == 0


def test_partition_is_shown_as_a_table_a_picture_and_an_object(here: Here, tmp_path: Path) -> None:
    arguments = ["partition", "--preset", "digits", "--set", "partition.kind=shards"]
    shown = here(*arguments, "--out", "who.png", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert (tmp_path / "who.png").read_bytes().startswith(b"\x89PNG")
    told = json.loads(here(*arguments, "--json", cwd=tmp_path).stdout)
    counts = np.array(told["counts"])
    assert counts.shape == (8, 10)
    assert ((counts > 0).sum(axis=1) <= 2).all()
    assert all(str(total) in shown.stdout for total in counts.sum(axis=1))


def test_help_teaches(here: Here, tmp_path: Path) -> None:
    assert "tifed run --preset digits" in here("--help", cwd=tmp_path).stdout
    text = here("run", "--help", cwd=tmp_path).stdout
    assert "KEY=VALUE" in text
    assert "--resume" in text


USAGE = [
    (
        ["run", "wine.csv"],
        "wine.csv: is a file of samples, not an experiment file; use --set dataset=wine.csv",
    ),
    (["partition", "--data-dir", "missing"], "Invalid value for '--data-dir'"),
    (["run", "--preset", "nonsense"], "preset: 'nonsense' does not exist"),
    (["run", "--set", "nonsense=1"], "nonsense: unknown key"),
    (["run", "--set", "dataset=nonsense"], "'nonsense' is unknown"),
    (["run", "--set", "buffer=0"], "buffer: "),
    (["run", "--set", "mode=single-layer", "--set", "devices=1"], "devices: 1 devices cannot"),
    (["run", "none.toml"], "none.toml: cannot be read"),
    (["run", "broken.toml"], "line 2"),
    (["run", "--resume", "nowhere"], "nowhere: holds no run"),
    (["run", "--resume", ".", "--preset", "digits"], "--resume: takes a run's folder"),
    (["run", "--resume", ".", "--emulator", "qemu"], "--resume: takes a run's folder"),
    (["run", "--emulator", "bochs"], "emulator: Input should be 'unicorn' or 'qemu'"),
    (["run", "--board", "z80"], "board: "),
    (["run", "--out", "broken.toml/run"], "cannot be written"),
    (["show", "nowhere"], "nowhere: holds no run"),
    (["run", "--set", "dataset=nan.csv"], "nan.csv"),
    (["run", "--set", "dataset=far.npz", "--set", "data.quantise=none"], "features"),
    (["run", "--set", "dataset=labels.npz", "--set", "data.classes=2"], "labels"),
    (["run", "--nonsense"], "No such option"),
]


@pytest.fixture(scope="module")
def bad_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    (folder / "broken.toml").write_text('dataset = "digits"\nrounds = = 3\n')
    rows = "".join(f"{i},{i % 5},{i % 2}\n" for i in range(40))
    (folder / "nan.csv").write_text(f"a,b,label\n{rows}nan,3,1\n")
    features = np.arange(400).reshape(100, 4)
    np.savez(folder / "far.npz", features=features, labels=np.arange(100) % 2)
    np.savez(folder / "labels.npz", features=features, labels=np.arange(100) % 3)
    return folder


@pytest.mark.parametrize(("arguments", "message"), USAGE, ids=lambda value: str(value)[:60])
def test_bad_requests_end_with_two_and_say_what_is_wrong(
    here: Here, bad_files: Path, arguments: list[str], message: str
) -> None:
    done = here(*arguments, cwd=bad_files)
    assert done.returncode == 2, done.stderr
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.slow(2)
def test_a_run_without_a_sound_checkpoint_ends_with_one(tmp_path: Path) -> None:
    assert tifed("run", "--set", "rounds=2", "--out", "a", cwd=tmp_path).returncode == 0
    for path in (tmp_path / "a/checkpoints").iterdir():
        path.write_bytes(b"")
    done = tifed("run", "--resume", "a", cwd=tmp_path)
    assert done.returncode == 1
    assert "no sound checkpoint" in done.stderr
