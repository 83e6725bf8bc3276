"""The report is made from a run's files, whole, and refuses damaged ones by name."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from tifed.errors import UsageError
from tifed.experiment.report import write_report

WriteRun = Callable[..., Path]


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory: pytest.TempPathFactory, write_run: WriteRun) -> Path:
    """A folder with a run and its report."""
    folder = write_run(tmp_path_factory.mktemp("ordinary"))
    write_report(folder)
    return folder


def test_a_run_gets_a_picture_and_a_page(ordinary: Path) -> None:
    html = (ordinary / "report.html").read_text(encoding="utf-8")
    svg = (ordinary / "accuracy.svg").read_text(encoding="utf-8")
    picture = fromstring(svg)  # noqa: S314 (our own file)
    assert picture.attrib["aria-label"].endswith(": 80.00% in round 6")
    for expected in (
        "81.25%", "0123456789abcdef" * 4, "full-network", "partition.alpha", "0.5", "135 kB",
        "33.7 million",
        "tifed run experiment.toml --seed 7", "training</em> samples", "6 rounds",
    ):  # fmt: skip
        assert expected in html
    assert html.count("<figure>") == 5


def test_the_page_asks_nobody_for_anything(ordinary: Path) -> None:
    html = (ordinary / "report.html").read_text(encoding="utf-8")
    addresses = re.findall(r"""(?:src|srcset|href|action|poster)\s*=\s*["']([^"']*)["']""", html)
    assert addresses == ["data:,"]  # of the empty icon
    assert html.count('<svg class="picture"') == 5
    assert not re.search(r"https?:|@import|url\(|<script|<link rel=.stylesheet", html)


@pytest.mark.slow
def test_the_same_files_give_the_same_picture_and_page(
    tmp_path: Path, write_run: WriteRun, ordinary: Path
) -> None:
    write_report(write_run(tmp_path))
    for name in ("accuracy.svg", "report.html"):
        assert (tmp_path / name).read_bytes() == (ordinary / name).read_bytes()


@pytest.mark.slow
def test_text_of_a_user_is_text(tmp_path: Path, write_run: WriteRun) -> None:
    evil = "<script>alert(1)</script>"
    write_run(
        tmp_path,
        class_names=(evil, r"$\undefined$", "100%_^"),
        result={"dataset": evil, "command": f"tifed run {evil}"},
        details={"partition_kind": evil},
    )
    with (tmp_path / "experiment.toml").open("a", encoding="utf-8") as file:
        file.write(f'note = "{evil}"\n')
    write_report(tmp_path)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 4


@pytest.mark.slow
def test_a_doubtful_result_says_so_before_anything_else(
    tmp_path: Path, write_run: WriteRun, ordinary: Path
) -> None:
    write_run(tmp_path, result={"warnings": ["no exchange counted", "<b>worse</b> than a guess"]})
    write_report(tmp_path)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<li>no exchange counted</li>" in html
    assert "<li>&lt;b&gt;worse&lt;/b&gt; than a guess</li>" in html
    assert html.index("This result is doubtful") < html.index("<figure>")
    html = (ordinary / "report.html").read_text(encoding="utf-8")
    assert "doubtful" not in html
    assert "Balanced accuracy 78.75%" in html
    assert "commonest class would reach\n    37.50%" in html


@pytest.mark.slow
def test_a_folder_of_an_older_release_has_a_report(tmp_path: Path, write_run: WriteRun) -> None:
    path = write_run(tmp_path) / "result.json"
    result = json.loads(path.read_text(encoding="utf-8"))
    for name in ("balanced_accuracy", "commonest_class_share", "warnings"):
        del result[name]
    path.write_text(json.dumps(result), encoding="utf-8")
    write_report(tmp_path)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "81.25%" in html
    assert "doubtful" not in html
    assert "Balanced accuracy" not in html


@pytest.mark.slow(8)
@pytest.mark.parametrize(
    ("devices", "class_names", "rounds"),
    [
        (1000, ("no", "yes"), 150),
        (1, ("no", "yes"), 1),
        (13, tuple(f"class number {n}" for n in range(50)), 2),
    ],
)
def test_any_size_has_a_report(
    tmp_path: Path, write_run: WriteRun, devices: int, class_names: tuple[str, ...], rounds: int
) -> None:
    write_run(tmp_path, devices=devices, class_names=class_names, rounds=rounds)
    write_report(tmp_path)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"{devices:,} device" in html
    assert f"after {rounds} round" in html


@pytest.mark.slow
def test_what_was_not_measured_is_left_out(tmp_path: Path, write_run: WriteRun) -> None:
    write_run(
        tmp_path,
        evaluated_every=7,  # of six rounds: never
        details={"confusion": [], "device_scores": [], "partition": []},
        result={"held_out": "validation"},
    )
    write_report(tmp_path)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert html.count("<figure>") == 2
    assert "the test split was not touched" in html


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (name, content)
        for name in ("experiment.toml", "metrics.csv", "result.json", "details.json")
        for content in (None, b"", b"{", b"\xff\xfe", b'{"a": [}')
        if (name, content) != ("experiment.toml", b"")  # an empty TOML file is a valid one
    ],
)
def test_a_missing_or_damaged_file_is_named(
    tmp_path: Path, write_run: WriteRun, name: str, content: bytes | None
) -> None:
    write_run(tmp_path)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=re.escape(str(tmp_path / name))):
        write_report(tmp_path)
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("name", "before", "after", "message"),
    [
        ("metrics.csv", "macs_per_device", "macs", "macs_per_device"),
        ("metrics.csv", "0.300000", "1.300000", "accuracy"),
        ("metrics.csv", ",4820.5,", ",", "metrics.csv"),
        ("metrics.csv", "\n2,", "\n3,", "line 3: is of round '3' where that of 2 is due"),
        ("result.json", '"held_out": "test"', '"held_out": "train"', "held_out"),
        ("result.json", '"digest"', '"digits"', "digest"),
        ("result.json", "{", "[{", "result.json"),
        ("details.json", '"class_names": ["zero", ', '"class_names": [', "confusion"),
        ("details.json", '"device": 0, "correct": ', '"device": 0, "correct": 9', "samples"),
    ],
)
def test_a_wrong_field_is_named(
    tmp_path: Path, write_run: WriteRun, name: str, before: str, after: str, message: str
) -> None:
    path = write_run(tmp_path) / name
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(UsageError, match=rf"(?s){re.escape(name)}.*") as caught:
        write_report(tmp_path)
    assert message in str(caught.value)


def test_a_last_row_that_is_torn_is_said(tmp_path: Path, write_run: WriteRun) -> None:
    path = write_run(tmp_path) / "metrics.csv"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UsageError, match=r"metrics\.csv: has 5 rounds of 6"):
        write_report(tmp_path)
