"""Carrying a study out: cached runs, parallel runs, and what every output says."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from joblib import parallel_config, register_parallel_backend
from joblib.parallel import ThreadingBackend

import tifed
from tifed.errors import UsageError
from tifed.fleets.published_schedule import LABEL
from tifed.rule.recipes import Tuned
from tifed.studies import (
    Outcome,
    Reproduction,
    Schedule,
    Study,
    SweepProgress,
    carry_out,
    csv_text,
    reproduction,
    table,
    write_reproduction,
)
from tifed.studies.summary import BEST


def digests(done: Reproduction) -> list[str | None]:
    return [run.digest for _, runs in done.runs for run in runs]


def test_a_run_is_that_of_the_experiment_with_the_seed(tiny: Study, tmp_path: Path) -> None:
    done = carry_out(tiny, tmp_path, runs=2)
    (setting, runs), *_ = done.runs
    assert [run.seed for run in runs] == [1, 2]
    for run in runs:
        alone = tifed.run(setting.experiment.model_copy(update={"seed": run.seed}))
        assert (run.digest, run.accuracy) == (alone.digest, alone.accuracy)
        assert run.dataset_digest == alone.dataset_digest
        assert len(run.correct) == 3
        assert run.best >= run.accuracy
    assert runs[0].digest != runs[1].digest
    floats = done.runs[3][1]
    assert [run.digest for run in floats] == [None, None]
    assert floats[0].engine == "float32"


def test_a_stopped_reproduction_goes_on_and_recomputes_nothing(
    tiny: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[SweepProgress[Outcome]] = []

    def stop_after_three(progress: SweepProgress[Outcome]) -> None:
        seen.append(progress)
        if progress.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out(tiny, tmp_path, runs=2, watch=stop_after_three)
    assert [one.done for one in seen] == [0, 1, 2, 3]
    files = sorted((tmp_path / "finished").iterdir())
    assert len(files) == 3

    seen.clear()
    whole = carry_out(tiny, tmp_path, runs=2, watch=seen.append)
    assert (seen[0].done, seen[0].cached, seen[0].total) == (3, 3, 8)
    assert len(seen) == 6  # before the first, and after each of the five that were left

    def never(*_: object) -> Outcome:
        raise AssertionError("a finished run was made again")

    monkeypatch.setattr(reproduction, "run_setting", never)
    again = carry_out(tiny, tmp_path, runs=2)
    assert again == whole
    fewer = carry_out(tiny, tmp_path, runs=1)
    assert digests(fewer) == digests(whole)[::2]


def test_other_settings_data_or_damage_are_not_taken_for_a_cached_run(
    tiny: Study, tmp_path: Path
) -> None:
    only = ["tuned full-network"]
    carry_out(tiny, tmp_path, runs=1, containing=only)
    (file,) = (tmp_path / "finished").iterdir()
    sound = file.read_text()
    file.write_text(sound[:-20])
    seen: list[SweepProgress[Outcome]] = []
    carry_out(tiny, tmp_path, runs=1, containing=only, watch=seen.append)
    assert [one.cached for one in seen] == [0, 0]
    assert json.loads(file.read_text())["digest"] == json.loads(sound)["digest"]
    changed = tiny.settings[2].changed(rounds=2)
    other = Study("other", "", (changed,), ("tuned",), ())
    carry_out(other, tmp_path, runs=1)
    assert len(list((tmp_path / "finished").iterdir())) == 2


def test_a_recipe_whose_rules_have_changed_is_run_again(
    tiny: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = ["tuned"]
    before = carry_out(tiny, tmp_path, runs=1, containing=only)
    monkeypatch.setattr(Tuned, "extra_shift", lambda self, number, rounds, mode: 1)
    seen: list[SweepProgress[Outcome]] = []
    after = carry_out(tiny, tmp_path, runs=1, containing=only, watch=seen.append)
    assert seen[0].cached == 0
    assert digests(after) != digests(before)


def test_a_cached_run_of_one_engine_does_not_stand_for_another(tiny: Study, tmp_path: Path) -> None:
    """Their digests are equal, which is what somebody who asks for the oracle wants to see."""
    seen: list[SweepProgress[Outcome]] = []
    done = [
        carry_out(tiny, tmp_path, runs=1, containing=["tuned"], engine=engine, watch=seen.append)
        for engine in ("native", "oracle")
    ]
    assert [one.cached for one in seen] == [0, 0, 0, 0]
    assert [one.runs[0][1][0].engine for one in done] == ["native", "oracle"]
    assert digests(done[0]) == digests(done[1])


@pytest.mark.slow(3)
def test_digests_do_not_depend_on_the_number_of_jobs(tiny: Study, tmp_path: Path) -> None:
    only = ["full-network"]
    methods = ["paper", "tuned"]
    one, two = (
        carry_out(tiny, tmp_path / str(jobs), runs=2, jobs=jobs, containing=only, methods=methods)
        for jobs in (1, 2)
    )
    assert digests(one) == digests(two)
    assert len(set(digests(one))) == 4
    assert [run.correct for _, runs in one.runs for run in runs] == [
        run.correct for _, runs in two.runs for run in runs
    ]


class AllAtOnce(ThreadingBackend):  # type: ignore[misc]
    """Gives no outcome before the last, as Ray's backend does."""

    supports_return_generator = False


def test_a_backend_that_gives_outcomes_all_at_once_will_do(tiny: Study, tmp_path: Path) -> None:
    seen: list[SweepProgress[Outcome]] = []
    register_parallel_backend("all-at-once", AllAtOnce)
    with parallel_config(backend="all-at-once", n_jobs=3):
        done = carry_out(tiny, tmp_path / "a", runs=2, methods=["paper"], watch=seen.append)
    assert [one.done for one in seen] == [0, 1, 2, 3, 4]
    assert digests(done) == digests(carry_out(tiny, tmp_path / "b", runs=2, methods=["paper"]))


def test_the_published_schedule_differs_and_says_what_it_is(tiny: Study, tmp_path: Path) -> None:
    accident = carry_out(tiny, tmp_path, runs=1, schedule=Schedule.PUBLISHED)
    averaged = carry_out(tiny, tmp_path, runs=1, methods=["paper"])
    assert [setting.name for setting, _ in accident.runs] == [
        "paper full-network 1/2048",
        "paper single-layer 1/2048",
    ]
    for ours, real in zip(digests(accident), digests(averaged), strict=True):
        assert ours != real
    for _, (run,) in accident.runs:
        assert (run.what, run.engine) == (LABEL, "wide")
    write_reproduction(tmp_path, accident, table(accident, "tifed reproduce tiny"))
    page = (tmp_path / "report.html").read_text()
    assert LABEL.capitalize() in page
    assert json.loads((tmp_path / "table.json").read_text())["what"] == LABEL
    rows = list(csv.DictReader((tmp_path / "results.csv").read_text().splitlines()))
    assert {row["what_it_is"] for row in rows} == {LABEL}
    assert LABEL not in csv_text(averaged)


def test_the_oracle_gives_the_published_schedule_the_same_digests(
    tiny: Study, tmp_path: Path
) -> None:
    fast = carry_out(tiny, tmp_path, runs=1, schedule=Schedule.PUBLISHED)
    slow = carry_out(tiny, tmp_path, runs=1, schedule=Schedule.PUBLISHED, engine="oracle")
    assert digests(fast) == digests(slow)
    assert [run.engine for _, runs in slow.runs for run in runs] == ["oracle", "oracle"]


@pytest.mark.slow(4)
def test_the_table_and_the_csv_agree_with_the_runs(tiny: Study, tmp_path: Path) -> None:
    done = carry_out(tiny, tmp_path, runs=2)
    whole = table(done, "tifed reproduce tiny --runs 2")
    write_reproduction(tmp_path, done, whole)
    printed = json.loads((tmp_path / "table.json").read_text())
    assert printed["best_over_rounds_is"] == BEST
    paper, plotted, tuned, floats = printed["rows"]
    first, second = done.runs[0][1]
    assert paper["final_round"]["mean"] == pytest.approx(
        (first.accuracy + second.accuracy) / 2, abs=1e-6
    )
    assert paper["final_round"]["std"] == pytest.approx(
        abs(first.accuracy - second.accuracy) / 2**0.5, abs=1e-6
    )
    assert paper["best_over_rounds"]["max"] == pytest.approx(max(first.best, second.best), abs=1e-6)
    assert paper["published_final_round"] == {"mean": 0.8417, "std": 0.0027}
    assert paper["published_best_over_rounds"] == {"mean": 0.8435, "std": 0.0021}
    assert paper["difference_final"] == pytest.approx(
        paper["final_round"]["mean"] - 0.8417, abs=2e-6
    )
    assert paper["digests"][1]["digest"] == second.digest
    assert len(paper["curve"]) == 3
    assert len(paper["published_curve"]) == 150
    assert plotted["difference_plotted"] == pytest.approx(
        plotted["final_round"]["mean"] - 0.5, abs=2e-6
    )
    assert tuned["published_final_round"] is None
    assert floats["digests"][0]["digest"] is None

    rows = list(csv.DictReader((tmp_path / "results.csv").read_text().splitlines()))
    assert len(rows) == 8
    assert rows[1]["digest"] == second.digest
    assert float(rows[1]["final_accuracy"]) == pytest.approx(second.accuracy, abs=1e-6)
    best = int(rows[1]["best_round"])
    assert second.accuracies[best - 1] == second.best
    page = (tmp_path / "report.html").read_text()
    assert "http" not in page.replace("https://", "http://").split("</style>")[1]
    assert page.count("data:image/png;base64,") == 4  # curves and boxes, by day and by night
    assert BEST in page
    assert second.digest is not None
    assert second.digest in page


@pytest.mark.parametrize(("arguments", "named"), [({"runs": 0}, "runs"), ({"jobs": 0}, "jobs")])
def test_impossible_numbers_are_refused(
    tiny: Study, tmp_path: Path, arguments: dict[str, Any], named: str
) -> None:
    with pytest.raises(UsageError, match=f"^{named}: 0"):
        carry_out(tiny, tmp_path, **arguments)
