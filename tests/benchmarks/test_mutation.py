"""The mutation run on a toy project: what is found, what is not, and what is kept."""

import hashlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from benchmarks.mutation import breakages, trials
from benchmarks.mutation.carry_out import Result, all_mutants, carry_out, equivalents, kept, sampled
from benchmarks.mutation.mutants import Mutant, mutants
from benchmarks.mutation.report import survivors, table
from benchmarks.mutation.tree import ROOT, Subject

pytestmark = pytest.mark.slow(5)

SOURCE = '''
"""A toy."""

CONSTANT = 5

def limited(value: int, limit: int = 3) -> int:
    """At most ``limit``."""
    if value > limit:
        return limit
    return value

def waited(count: int) -> int:
    """Counts down."""
    while count:
        time.sleep(0.01)
        count -= 1
    return 7

def unseen(count: int) -> int:
    """Has no test."""
    return count + 1
'''
TESTS = """
import toy.sums

def test_what_is_too_large():
    assert toy.sums.limited(9, 4) == 4

def test_a_constant():
    assert toy.sums.CONSTANT == 5

def test_waiting():
    assert toy.sums.waited(1) == 7
"""


@pytest.fixture
def toy(tmp_path: Path) -> Subject:
    root = tmp_path / "toy"
    for name, text in {
        "src/toy/__init__.py": "",
        "src/toy/sums.py": f"import time\n{SOURCE}",
        "tests/test_sums.py": TESTS,
        "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "--import-mode=importlib"\n',
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Subject(root, ("src/toy",), ("tests",))


def changes(source: str) -> list[str]:
    return [f"{it.original} -> {it.mutant}" for it in mutants("x.py", source.encode())]


def find(found: list[Mutant], change: str) -> Mutant:
    (mutant,) = (it for it in found if f"{it.original} -> {it.mutant}" == change)
    return mutant


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", ["a < b -> a <= b", "a < b -> a >= b"]),
        ("a == b", ["a == b -> a != b"]),
        ("a << b", ["a << b -> a >> b"]),
        ("x = -(7 + a)", ["-(7 + a) -> 7 + a", "7 + a -> 7 - a", "7 -> 8", "7 -> 6"]),
        ("x = a and b", ["a and b -> a or b", "a -> not a", "b -> not b"]),
        ("x = min(a)", ["min -> max"]),
        ("x = np.clip(a, b, c)", ["np.clip(a, b, c) -> a"]),
        ("x = Rounding.NEAREST", ["Rounding.NEAREST -> Rounding.FLOOR"]),
        ("if a:\n    raise E(f'{1 + 1}')", ["a -> not a", "raise E(f'{1 + 1}') -> pass"]),
        ("def f(a: int = 1):\n    '''A.'''\n    return a",
         ["1 -> 2", "1 -> 0", "return a -> return None"]),
        ("check(a)", ["check(a) -> pass"]),
        ("class A(Protocol):\n    def f(a: int = 1) -> int: ...", []),
        ("@d(1)\nclass A:\n    a: T[1]\n    b = 'text'", []),
    ],
)  # fmt: skip
def test_the_errors_that_are_put_in(source: str, expected: list[str]) -> None:
    head = "check(a) -> pass", "a < b -> pass", "a == b -> pass", "a << b -> pass"
    found = changes(source)
    assert [it for it in found if it in expected or it not in head] == expected


def test_an_error_stands_where_it_says_and_nowhere_else() -> None:
    source = "# é\ny = (a +\n     b) * 2\ndef f():\n    return 1\n".encode()
    found = mutants("x.py", source)
    applied = [it.applied(source).decode() for it in found]
    assert find(found, "a + b -> a - b").applied(source).decode() == (
        "# é\ny = ((a - b)) * 2\ndef f():\n    return 1\n"
    )
    assert len(set(applied)) == len({it.key for it in found}) == len(found)
    for text in applied:
        compile(text, "x.py", "exec")


def test_tests_that_reach_an_error_find_it_or_do_not(toy: Subject, tmp_path: Path) -> None:
    found = all_mutants(toy)
    lines = {
        "value > limit -> value <= limit": "killed",
        "value > limit -> value >= limit": "survived",
        "return value -> return None": "not reached",
        "return count + 1 -> return None": "not reached",
        "3 -> 4": "survived",
        "5 -> 6": "killed",
    }
    chosen = [find(found, change) for change in lines]
    path = tmp_path / "results.jsonl"
    results = carry_out(toy, chosen, path, 1, again=False)
    assert [results[it.key].outcome for it in chosen] == list(lines.values())
    assert results[chosen[0].key].by == "tests/test_sums.py::test_what_is_too_large"
    assert (toy.root / "src/toy/sums.py").read_text() == f"import time\n{SOURCE}"

    equivalent = {chosen[1].key: "the limit itself is both"}
    assert "| toy | 6 | 2 | 0 | 1 | 2 | 1 | 40.0% |" in table(chosen, results, equivalent)
    named = survivors(chosen, results, equivalent).splitlines()
    assert len(named) == 3
    assert named[0].startswith("src/toy/sums.py:11 (not reached)")

    # Kept: nothing is tried again.
    text = path.read_text()
    assert carry_out(toy, chosen, path, 1, again=False) == results == kept(path)
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("outcome", "source", "again", "tried"),
    [
        ("killed", None, True, False),
        ("survived", None, False, False),
        ("survived", None, True, True),
        ("not reached", None, True, True),
        ("killed", "another", False, True),
    ],
)
def test_what_is_kept_is_tried_again_if_code_or_tests_have_changed(
    outcome: str,
    source: str | None,
    again: bool,
    tried: bool,
    toy: Subject,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("benchmarks.mutation.carry_out.measure", lambda *_: sys.exit("measured"))
    (mutant, *_), path = all_mutants(toy), tmp_path / "results.jsonl"
    digest = hashlib.sha256((toy.root / mutant.file).read_bytes()).hexdigest()[:16]
    result = Result(mutant.key, source or digest, outcome, "")
    path.write_text(json.dumps(asdict(result)))
    if tried:
        with pytest.raises(SystemExit, match="measured"):
            carry_out(toy, [mutant], path, 1, again)
    else:
        assert carry_out(toy, [mutant], path, 1, again) == {mutant.key: result}


def test_an_error_that_never_ends_is_found(
    toy: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "GRACE", 1.0)
    chosen = [find(all_mutants(toy), "count -= 1 -> pass")]
    results = carry_out(toy, chosen, tmp_path / "results.jsonl", 1, again=False)
    assert results[chosen[0].key].outcome == "timed out"


def test_tests_that_fail_by_themselves_say_nothing(toy: Subject, tmp_path: Path) -> None:
    (toy.root / "tests/test_sums.py").write_text("def test_wrong():\n    assert False\n")
    with pytest.raises(SystemExit, match="fail without any mutant"):
        carry_out(toy, all_mutants(toy), tmp_path / "results.jsonl", 1, again=False)


def test_a_sample_depends_on_its_seed_and_on_weights_alone(toy: Subject) -> None:
    found = all_mutants(toy)
    sample = sampled(found, 6, 1, {})
    assert len(sample) == 6
    assert sampled(found[::-1], 6, 1, {})[::-1] == sample
    assert sampled(found, 6, 2, {}) != sample
    assert sampled(found, None, 1, {}) == found
    several = [
        Mutant(f"{n % 2}/a.py", "", n, str(n), "", "", 0, (0, 0), (1, 1)) for n in range(1000)
    ]
    share = sum(it.file == "1/a.py" for it in sampled(several, 300, 1, {"1/": 3.0}))
    assert 200 < share < 250


def test_a_list_of_equivalent_mutants_must_be_up_to_date(toy: Subject, tmp_path: Path) -> None:
    found, path = all_mutants(toy), tmp_path / "equivalent.toml"
    entry = "[[equivalent]]\nmutant = '{}'\nreason = 'both give the limit'\n"
    path.write_text(entry.format(found[0].key))
    assert equivalents(path, found) == {found[0].key: "both give the limit"}
    path.write_text(entry.format("src/toy/gone.py | f | x | a -> b"))
    with pytest.raises(SystemExit, match=r"no mutants any more:\nsrc/toy/gone\.py"):
        equivalents(path, found)


def test_breakages_are_noticed_or_not(toy: Subject) -> None:
    listed = [
        breakages.Breakage("no limit", "src/toy/sums.py", "value > limit", "False", ("tests",)),
        breakages.Breakage("no sleep", "src/toy/sums.py", "time.sleep(0.01)", "0", ("tests",)),
    ]
    assert breakages.carry_out(toy, listed) == {
        "no limit": "tests/test_sums.py::test_what_is_too_large",
        "no sleep": "",
    }
    gone = breakages.Breakage("gone", "src/toy/sums.py", "not there", "", ("tests",))
    with pytest.raises(SystemExit, match=r"gone: src/toy/sums\.py has 0 times 'not there'"):
        breakages.carry_out(toy, [*listed, gone])
    for test in ("gone.py::it", "gone", "tests/test_sums.py::test_what_is[3]"):
        untested = breakages.Breakage("no test", "src/toy/sums.py", "time.sleep", "", (test,))
        assert breakages.out_of_date(toy.root, [*listed, untested]) == [
            f"no test: there is no {test}; bring the list up to date"
        ]
    parameter = breakages.Breakage(
        "it", "src/toy/sums.py", "time.sleep", "", ("tests/test_sums.py::test_waiting[3]",)
    )
    assert breakages.out_of_date(toy.root, [parameter]) == []


@pytest.mark.parametrize("name", ["breakages.toml", "checks.toml"])
def test_the_lists_are_of_the_code_as_it_is(name: str) -> None:
    listed = breakages.breakages(ROOT / "benchmarks/mutation" / name)
    assert breakages.out_of_date(ROOT, listed) == []
    assert len({breakage.name for breakage in listed}) == len(listed)


def test_a_result_says_whether_the_mutant_lives() -> None:
    outcomes = ("killed", "timed out", "survived", "not reached")
    assert [Result("", "", outcome, "").alive for outcome in outcomes] == [False, False, True, True]
