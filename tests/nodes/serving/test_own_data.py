"""Runs with own data over nodes in this process."""

from pathlib import Path
from typing import Any

from tests.nodes.direct import Residents

import tifed
from tifed.experiment import Experiment, RunFolder, load_experiment, to_toml
from tifed.nodes.acceptance import acceptance
from tifed.nodes.serving.settings import Settings
from tifed.nodes.terms import NodeTerms

OWN = [
    "own_data=true", "layers=[64,8,10]", "devices=5", "rounds=3", "report_classes=true",
    "personal.rounds=2",
]  # fmt: skip


def run_over(
    experiment: Experiment, folder: Path, *configurations: dict[str, Any]
) -> tuple[tifed.Result, str]:
    """The result, and what was logged of nodes."""
    settings = Settings(to_toml(experiment), out=str(folder), grace=0, attempts=1)
    lines: list[str] = []
    nodes = Residents(settings, list(configurations))
    return nodes.serve(lines.append), "\n".join(lines)


def on_devices(*changes: str) -> Experiment:
    return load_experiment(overrides=[*OWN, "dataset=on-devices", *changes])


def test_nodes_give_the_digest_and_the_scores_of_the_simulator(tmp_path: Path) -> None:
    experiment = load_experiment(overrides=OWN)
    alone = tifed.run(experiment, out=tmp_path / "alone")
    open_terms = NodeTerms.open().to_config()
    over, log = run_over(experiment, tmp_path / "over", open_terms, open_terms)
    assert over.digest == alone.digest
    assert over.accuracy == alone.accuracy
    details = [(tmp_path / name / "details.json").read_text() for name in ("alone", "over")]
    assert details[0] == details[1]
    metrics = [(tmp_path / name / "metrics.csv").read_text() for name in ("alone", "over")]
    assert metrics[0] == metrics[1]
    assert "no answer" not in log


def test_a_server_without_data_gives_the_digest_of_one_that_has_them(tmp_path: Path) -> None:
    alone = tifed.run(load_experiment(overrides=OWN))
    experiment = on_devices()
    own = {"dataset": "digits", "accepts": acceptance(experiment)}
    over, log = run_over(experiment, tmp_path / "over", own, own)
    assert over.digest == alone.digest
    assert over.accuracy == alone.accuracy
    assert "no answer" not in log


def test_nodes_that_cannot_or_may_not_take_part_say_why_and_the_others_go_on(
    tmp_path: Path,
) -> None:
    experiment = on_devices("devices=4")
    accepts = acceptance(experiment)
    result, log = run_over(
        experiment, tmp_path / "run",
        {"dataset": "digits", "accepts": accepts},
        {"accepts": accepts},
        {"dataset": "digits"},
        {"dataset": "digits", "accepts": accepts, "least-update": 21},
    )  # fmt: skip
    assert "this node has neither boards nor data; add to its configuration gateway" in log
    assert f'start the node again with accepts="{accepts}" in its configuration' in log
    assert "will not train device 3 on 20 samples alone: its owner asks for at least 21" in log
    answered = [row["answered"] for row in RunFolder(tmp_path / "run").read_metrics(3)]
    assert answered == ["1", "1", "1"]
    assert result.rounds == 3


def test_devices_with_too_few_samples_are_left_out_by_name(tmp_path: Path) -> None:
    experiment = load_experiment(
        overrides=[*OWN, "devices=4", "partition.kind=dirichlet", "partition.alpha=0.1"]
    )
    sizes = [len(stream) for stream in tifed.experiment.build(experiment).inputs.streams]
    (few,) = [device for device, size in enumerate(sizes) if size == min(sizes)]
    terms = {**NodeTerms.open().to_config(), "least-update": 1 + min(sizes)}
    if min(sizes) >= experiment.buffer:
        experiment = experiment.model_copy(update={"buffer": 1 + min(sizes)})
    _, log = run_over(experiment, tmp_path / "run", terms, terms)
    reason = f"has {min(sizes)} training samples, and {1 + min(sizes)} are asked for"
    assert f"round 1, exchange 0: no answer of device {few}: {reason}" in log
    assert f"personal rounds: no answer of device {few}: {reason}" in log
    (row, *_) = RunFolder(tmp_path / "run").read_health(3)
    assert (row["device"], row["event"], row["reason"]) == (str(few), "lost", reason)
