"""A wheel has all that an installed package needs, and the version is stated once."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

import tifed

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
COMMAND = """\
#!{python}
from tifed.cli import main

main()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel without its extension, whose compilation is what takes long."""
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--no-build-isolation", "--config-settings", "wheel.cmake=false",
         "--config-settings", f"build-dir={folder}/build", "--wheel-dir", folder, ROOT],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


@pytest.mark.slow(10)
def test_an_installed_package_trains_and_exports(wheel: Path, tmp_path: Path) -> None:
    """In an environment of its own, with the wheel's files and this machine's extension."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "fresh"], check=True)
    python = tmp_path / "fresh" / "bin" / "python"
    packages = next((tmp_path / "fresh").glob("lib/python*/site-packages"))
    with zipfile.ZipFile(wheel) as file:
        file.extractall(packages)
    compiled = importlib.util.find_spec("tifed.native._native")
    assert compiled is not None
    assert compiled.origin is not None
    shutil.copy(compiled.origin, packages / "tifed" / "native")
    # What the package depends on; editable installations are not found this way.
    others = [place for place in sys.path if "site-packages" in place]
    (packages / "others.pth").write_text("\n".join(others) + "\n")
    command = python.parent / "tifed"
    command.write_text(COMMAND.format(python=python))
    command.chmod(0o755)
    # A PYTHONPATH of who runs the tests would come before what is installed.
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    where = subprocess.run(
        [python, "-c", "import tifed; print(tifed.__file__)"],
        capture_output=True, text=True, check=True, cwd=tmp_path, env=clean,
    ).stdout  # fmt: skip
    assert Path(where.strip()) == packages / "tifed" / "__init__.py"
    done = subprocess.run(
        [python, ROOT / "scripts" / "check_installed.py"],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=clean,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "trains to the digest of every machine, and exports" in done.stdout


@pytest.mark.slow
def test_what_firmware_is_made_of_is_there_and_the_hosts_sources_are_not(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    package = ROOT / "src" / "tifed"
    sources = {
        f"tifed/{path.relative_to(package).as_posix()}"
        for path in package.rglob("*")
        if path.suffix in (".c", ".h", ".cpp", ".hpp", ".ld")
    }
    left_out = {name for name in sources if "/host/" in name or "/native/" in name}
    assert left_out
    assert not left_out & names
    assert sources - left_out <= names
    data = (".csv", ".toml", ".html", ".css", ".safetensors", ".json")
    assert {
        f"tifed/{path.relative_to(package).as_posix()}"
        for path in package.rglob("*")
        if path.suffix in data
    } <= names
    assert "tifed/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_version_is_the_same_wherever_it_is_said() -> None:
    version = PROJECT["project"]["version"]
    assert tifed.__version__ == version
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["version"] == version
    head = f"\n## {version} ({cited['date-released']})\n"
    assert head in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_forge_runs_what_exists() -> None:
    """Workflows name files and targets of this repository, and versions that it claims."""
    texts = {path.name: path.read_text() for path in (ROOT / ".github/workflows").glob("*.yml")}
    makefile = (ROOT / "Makefile").read_text()
    tests = yaml.safe_load(texts["tests.yml"])["jobs"]["tests"]
    assert "run: sudo scripts/system_packages" in texts["tests.yml"]
    assert (ROOT / "scripts" / "system_packages").is_file()
    assert "run: make test\n" in texts["tests.yml"]
    assert "\ntest:" in makefile
    assert "run: make docs" in texts["site.yml"]
    assert "\ndocs:" in makefile
    versions = tests["strategy"]["matrix"]["python"]
    claimed = [line.rpartition(" ")[2] for line in PROJECT["project"]["classifiers"]]
    assert {one for one in claimed if one.startswith("3.")} <= set(versions)
    built = PROJECT["tool"]["cibuildwheel"]["build"]
    assert built == " ".join(f"cp{one.replace('.', '')}-*" for one in versions)
