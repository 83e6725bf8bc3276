"""Names of things: TIFeD's own, those of installed packages, those of a script."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tifed.errors import UsageError
from tifed.registry import BUILT_IN, SCRIPT, Registry, _all_installed, _installed, subclass_of

GROUP = "tifed.tests"


def lengths(word: str) -> int:
    return len(word)


def shouts(word: str) -> str:
    return word.upper()


def registry() -> Registry[Callable[[str], object]]:
    return Registry("greeting", GROUP, {"plain": "builtins:repr"}, callable, "a function")


def forget_packages() -> None:
    _all_installed.cache_clear()
    _installed.cache_clear()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Installs packages that are nothing but entry points."""
    monkeypatch.syspath_prepend(tmp_path)
    forget_packages()

    def install(name: str, **points: str) -> None:
        folder = tmp_path / f"{name}-1.2.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        lines = [f"{key} = {place}" for key, place in points.items()]
        (folder / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines, ""]))

    return install


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    yield
    forget_packages()


def test_its_own_and_a_packages_are_found_in_the_same_way(package: Callable[..., None]) -> None:
    package("loud", shout="builtins:ascii")
    known = registry()
    assert list(known) == ["plain", "shout"]
    assert known["plain"] is repr
    assert known["shout"] is ascii
    assert (known.provider("plain"), known.provider("shout")) == (BUILT_IN, "loud 1.2")
    assert "shout" in known
    assert "whisper" not in known
    assert known.built_in == ("plain",)


def test_a_package_that_cannot_be_imported_breaks_no_other_name(
    package: Callable[..., None],
) -> None:
    package("broken", lost="no.such.module:thing")
    package("odd", number="sys:maxsize")
    package("loud", shout="builtins:ascii")
    known = registry()
    assert set(known) == {"plain", "lost", "number", "shout"}
    assert known["shout"] is ascii
    message = r"greeting 'lost' of broken 1\.2 cannot be imported \(ModuleNotFoundError: No module"
    with pytest.raises(UsageError, match=message):
        known["lost"]
    with pytest.raises(UsageError, match=r"'number' of odd 1\.2 is not a function, but 9223372036"):
        known["number"]


def test_a_name_is_one_providers(package: Callable[..., None]) -> None:
    package("loud", shout="builtins:ascii", plain="builtins:ascii")
    package("louder", shout="builtins:repr")
    known = registry()
    with pytest.raises(UsageError, match=r"'shout' is registered by loud\S* 1\.2 and loud\S* 1\.2"):
        known["shout"]
    with pytest.raises(UsageError, match=r"'plain' is registered by TIFeD itself and loud 1\.2"):
        known["plain"]
    with pytest.raises(UsageError, match=r"'shout': loud\S* 1\.2 has registered this name already"):
        known.register("shout", shouts)


def test_a_script_registers_by_a_call() -> None:
    known = registry()
    known.register("long", lengths)
    assert known["long"] is lengths
    assert known.provider("long") == SCRIPT
    known.register("long", lengths)  # the same cell of a notebook, run again
    with pytest.raises(UsageError, match="greeting 'long': a script has registered this name"):
        known.register("long", shouts)
    with pytest.raises(UsageError, match="greeting 'plain': TIFeD itself has registered this name"):
        known.register("plain", lengths)
    with pytest.raises(UsageError, match="greeting 'six' of a script is not a function, but 6"):
        known.register("six", 6)  # type: ignore[arg-type]
    assert "six" not in known


def test_what_is_unknown_is_named_with_what_there_is() -> None:
    known = registry()
    with pytest.raises(UsageError, match=r"no greeting plane \(did you mean 'plain'\?\); choose"):
        known["plane"]
    with pytest.raises(UsageError, match="there is no greeting x; choose from plain"):
        known.provider("x")
    assert len(known.unknown("x" * 1000)) < 200


@pytest.mark.parametrize("name", ["", " ", "two\nlines", None, 5, ["list"]])
def test_a_name_is_printable_text(name: object) -> None:
    with pytest.raises(UsageError, match="is not a name; use printable text"):
        registry().register(name, lengths)  # type: ignore[arg-type]


def test_two_lambdas_are_two_things() -> None:
    known = registry()
    first = lambda word: 1  # noqa: E731
    known.register("first", first)
    known.register("first", first)
    with pytest.raises(UsageError, match="registered this name already"):
        known.register("first", lambda word: 2)
    assert known["first"] is first


def test_a_module_that_ends_the_program_cannot_be_imported(
    package: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "ends_the_program.py").write_text("raise SystemExit('bye')\n")
    package("ends", leave="ends_the_program:it")
    with pytest.raises(UsageError, match=r"of ends 1\.2 cannot be imported \(SystemExit: bye\)"):
        registry()["leave"]


def test_what_leaves_out_a_method_is_refused_with_its_name() -> None:
    class Base(ABC):
        @abstractmethod
        def deal(self) -> None: ...

    class Lacking(Base):
        pass

    known: Registry[type[Base]] = Registry("dealer", GROUP, {}, subclass_of(Base), "a dealer")
    with pytest.raises(UsageError, match="lacks deal, which every dealer has to define"):
        known.register("lacking", Lacking)  # type: ignore[type-abstract]
