"""Runs with noise: what goes with them, what they give away, and what is left when they end."""

import builtins
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("dp_accounting", reason="needs pip install 'tifed[privacy]'")

from typer.testing import CliRunner

from tifed import Experiment, resume, run
from tifed.cli import app
from tifed.errors import UsageError
from tifed.experiment import RunFolder, build
from tifed.experiment.constants import federation_of
from tifed.experiment.privacy_spent import concentrated, epsilon_of
from tifed.experiment.running import secure_fleet
from tifed.federation import begin, total
from tifed.federation.noise import Noise
from tifed.fleets.passing import PassingFleet

NOISE = {"noise_multiplier": 1.5, "clip": 1000, "centre": -64}

SHARED = {"secure_aggregation": True, "noise_sites": 3}


def private(rounds: int = 4, privacy: dict[str, Any] | None = None, **settings: Any) -> Experiment:
    return Experiment(
        **{"rounds": rounds, "devices": 4, "layers": (64, 8, 10), **settings},
        privacy=NOISE | (privacy or {}),
    )


def test_epsilon_of_a_case_by_hand() -> None:
    """Ten sums with noise of twice the bound: rho is 10 / (2 * 2**2)."""
    noise = Noise.of(1000, 2.0)
    assert noise.sigma == 2000
    assert concentrated(noise, 12345) == pytest.approx(1 / 8)
    rho, delta = 10 / 8, 1e-5
    # Canonne, Kamath and Steinke 2020, corollary 13, by a plain search over all orders.
    orders = 1 + np.geomspace(1e-3, 1e4, 200_000)
    by_hand = rho * orders + np.log(1 / delta / orders) / (orders - 1) + np.log1p(-1 / orders)
    found = epsilon_of(noise, 12345, 10, delta)
    assert found == pytest.approx(float(by_hand.min()), rel=2e-3)
    assert found < rho + 2 * math.sqrt(rho * math.log(1 / delta))


def test_epsilon_is_not_below_that_of_one_gaussian() -> None:
    """Which is 4.3772 at 1e-5 for noise as large as the bound (Balle and Wang 2018)."""
    found = epsilon_of(Noise.of(100_000, 1.0), 1, 1, 1e-5)
    assert 4.377 < found < 4.9


def test_nothing_asked_is_nothing_given_away() -> None:
    assert epsilon_of(Noise.of(1000, 1.0), 10, 0, 1e-5) == 0


def test_shared_noise_costs_what_a_sum_of_discrete_gaussians_costs() -> None:
    whole, shared = Noise.of(1000, 1.0), Noise.of(1000, 1.0, sites=100)
    assert shared.sigma == 100
    assert concentrated(shared, 159_010) == pytest.approx(concentrated(whole, 159_010))
    # Where a site's part is hardly wider than 1, the sum is not a discrete Gaussian.
    narrow = Noise(clip=10, sigma=1, sites=100)
    assert concentrated(narrow, 159_010) > 1.01 * concentrated(Noise(10, 10), 159_010)


@pytest.mark.parametrize(
    ("settings", "privacy", "message"),
    [
        ({}, {"clip": 0}, "privacy.clip: goes with privacy.noise_multiplier, which needs it"),
        ({}, {"centre": None}, "privacy.centre: recipe = 'tuned' takes the centre"),
        ({"recipe": "paper"}, {}, "privacy.centre: recipe = 'paper' does not centre its input"),
        ({"at_end": "stop"}, {}, "at_end: with noise every device counts the same"),
        ({"baseline": "float-fedavg"}, {}, "privacy.noise_multiplier: baseline = 'float-fedavg'"),
        ({}, {"noise_multiplier": 1000, "clip": 10**6}, "privacy.noise_multiplier: 1000 times"),
        ({"devices": 10**6}, {"clip": 10**7}, "privacy.noise_multiplier: 1.5 times clip is noise"),
        ({"own_data": True, "personal": {"rounds": 1}}, {}, "personal.rounds: their scores tell"),
        ({}, {"noise_multiplier": 0}, "privacy.clip: goes with privacy.noise_multiplier, and only"),
        ({}, {"noise_multiplier": 0, "clip": 0}, "privacy.centre: goes with privacy.noise"),
        ({}, {"noise_multiplier": float("inf")}, "privacy.noise_multiplier: "),
        ({}, {"delta": 0}, "privacy.delta: "),
        ({}, {"sigma": 3}, "privacy.sigma: unknown key"),
        ({}, {"noise_sites": 2}, "privacy.noise_sites: a site's sum has a part of the noise alone"),
        ({}, SHARED | {"noise_sites": 5}, "privacy.noise_sites: no sum is of 5 sites, for devices"),
        ({"devices": 9, "devices_per_round": 4}, SHARED | {"noise_sites": 5},
         "privacy.noise_sites: no sum is of 5 sites, for devices_per_round is 4; choose 4 or less"),
        ({}, SHARED | {"sites": 3, "noise_sites": 4}, "privacy.noise_sites: .* privacy.sites is 3"),
        ({"mode": "single-layer"}, SHARED, "privacy.noise_sites: goes with mode = 'full-network'"),
        ({}, {"noise_multiplier": 0, "clip": 0, "centre": None, "noise_sites": 2},
         "privacy.noise_sites: goes with privacy.noise_multiplier, and only with it"),
    ],
)  # fmt: skip
def test_what_does_not_go_with_noise_is_refused_by_name(
    settings: dict[str, Any], privacy: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match="(?m)^experiment: " + message):
        private(privacy=privacy, **settings)


def test_a_network_whose_differences_have_no_exact_norm_is_refused() -> None:
    experiment = private()
    inputs = build(experiment).inputs
    wide = tuple(replace(layer, weight_bits=32) for layer in inputs.network.layers)
    orders = [stream.order for stream in inputs.streams]
    with pytest.raises(UsageError, match="clip: the sum of squares of a difference"):
        federation_of(experiment, replace(inputs.network, layers=wide), orders)


def test_a_result_says_what_was_given_away(tmp_path: Path) -> None:
    result = run(private(), out=tmp_path / "run")
    assert result.privacy is not None
    noise = Noise.of(1000, 1.5)
    assert result.privacy.epsilon == epsilon_of(noise, 610, 4, 1e-5)
    assert result.privacy.model_dump() == {
        "epsilon": result.privacy.epsilon, "delta": 1e-5, "exchanges": 4, "clip": 1000,
        "sigma": 1500, "sites": 1, "private": True,
    }  # fmt: skip
    assert RunFolder(tmp_path / "run").read_result() == result
    assert (tmp_path / "run/privacy.csv").read_text().split() == ["round", "1", "2", "3", "4"]
    details = json.loads((tmp_path / "run/details.json").read_text())
    assert details["device_scores"] == []
    rows = RunFolder(tmp_path / "run").read_metrics(4)
    assert {row["training_error"] for row in rows} == {""}
    assert {row["clipped_deltas"] for row in rows} == {"0"}
    shown = CliRunner().invoke(app, ["show", str(tmp_path / "run")])
    page = (tmp_path / "run/report.html").read_text()
    promise = f"epsilon {result.privacy.epsilon:.3g} at delta 1e-05, after 4 exchanges"
    for text in (shown.output, page):
        assert f"differential privacy of a device: {promise}" in text
        assert "ends with another digest" in text
    assert "Training error" not in page
    assert "reached their bound" not in page


def test_only_a_seed_of_tests_gives_a_digest_again_and_that_is_said() -> None:
    said: list[str] = []
    first, second = (run(private(2, {"noise_seed": 3}), warn=said.append) for _ in range(2))
    assert first.digest == second.digest
    assert first.digest != run(private(2, {"noise_seed": 4})).digest
    assert said[0].startswith("privacy.noise_seed: this run is not private")
    assert first.privacy is not None
    assert not first.privacy.private
    secret = [run(private(2), warn=said.append) for _ in range(2)]
    assert secret[0].digest != secret[1].digest
    assert not any("privacy" in sentence for sentence in secret[0].warnings)


def test_noise_leaves_what_is_without_it_as_it_was() -> None:
    usual = Experiment(rounds=2)
    assert run(usual).privacy is None
    assert "privacy" not in usual.model_dump(exclude_defaults=True)


def test_a_promise_that_one_device_may_break_is_doubtful() -> None:
    said: list[str] = []
    run(private(1, {"delta": 0.25}), warn=said.append)
    assert said[0].startswith("privacy.delta: 0.25 is not below 1 / 4")
    run(private(1, {"delta": 0.24}), warn=said.append)
    assert sum(sentence.startswith("privacy") for sentence in said) == 1


def test_only_the_rounds_of_the_device_that_was_asked_most_count() -> None:
    experiment = private(6, devices_per_round=1, average_every="epoch", local_epochs=2)
    result = run(experiment)
    federation = build(experiment).federation
    asked = np.bincount([int(federation.selected(number)[0]) for number in range(6)], minlength=4)
    assert 1 < asked.max() < 6
    assert result.privacy is not None
    assert result.privacy.exchanges == 2 * asked.max()


class StopHereError(Exception):
    """Ends a run as a crash does."""


Stopped = Callable[..., Path]


@pytest.fixture
def stopped(tmp_path: Path) -> Stopped:
    """Makes a run that was stopped in its fourth round; its last checkpoint is of the second."""

    def begin(**privacy: Any) -> Path:
        def watch(progress: Any) -> None:
            if progress.record.round == 2:
                raise StopHereError

        experiment = private(6, privacy, checkpoint_every=2)
        with pytest.raises(StopHereError):
            run(experiment, out=tmp_path / "run", watch=watch)
        return tmp_path / "run"

    return begin


def test_rounds_that_are_made_again_count_again(stopped: Stopped) -> None:
    folder = stopped()
    # The third was seen by whoever saw the sums, though no checkpoint has it.
    result = resume(folder)
    begun = (folder / "privacy.csv").read_text().split()[1:]
    assert begun == ["1", "2", "3", "3", "4", "5", "6"]
    assert result.privacy is not None
    assert result.privacy.exchanges == 7
    # Going on with a run that has finished asks nobody.
    again = resume(folder)
    assert again.privacy == result.privacy


def test_a_round_is_written_down_before_anything_is_sent(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    seen: list[str] = []

    @dataclass(frozen=True)
    class Watched:
        """Looks at what is on the disk when the sums of an exchange are there."""

        fleet: Any

        def fit(self, plan: Any, parameters: Any) -> Iterator[Any]:
            for update in self.fleet.fit(plan, parameters):
                seen.append((folder / "privacy.csv").read_text())
                yield update

        def __getattr__(self, name: str) -> Any:
            return getattr(self.fleet, name)

    run(private(2), out=folder, fleet=lambda setup: Watched(setup.fleet))
    assert seen == ["round\n1\n", "round\n1\n2\n"]


def test_a_run_that_goes_on_ends_with_the_digest_of_a_seed(stopped: Stopped) -> None:
    whole = run(private(6, {"noise_seed": 3}, checkpoint_every=2))
    assert resume(stopped(noise_seed=3)).digest == whole.digest


def test_part_of_a_row_was_no_round(stopped: Stopped) -> None:
    folder = stopped()
    with (folder / "privacy.csv").open("a") as file:
        file.write("4")
    result = resume(folder)
    assert result.privacy is not None
    assert result.privacy.exchanges == 7
    assert (folder / "privacy.csv").read_text().split()[-4:] == ["3", "4", "5", "6"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not name round 1, which is finished"),
        ("round\n", "does not name round 1, which is finished"),
        ("round\n1\n3\n", "does not name round 2, which is finished"),
        ("round\n1\nx\n3\n", "line 3: round: 'x' is not the number of a round"),
        ("round\n1\n0\n3\n", "line 3: round: '0' is not the number of a round"),
    ],
)
def test_a_run_that_cannot_know_what_it_gave_away_does_not_go_on(
    stopped: Stopped, content: str | None, message: str
) -> None:
    folder = stopped()
    if content is None:
        (folder / "privacy.csv").unlink()
    else:
        (folder / "privacy.csv").write_text(content)
    with pytest.raises(UsageError, match=message):
        resume(folder)


def test_sites_that_share_the_noise_make_it_together_and_no_sum_of_fewer_is_seen() -> None:
    """As much noise as one site alone would add, in a sum of as many sites as make it."""
    pytest.importorskip("cryptography", reason="needs pip install 'tifed[privacy]'")

    def noise_in(sites: int, **privacy: Any) -> Any:
        """What a round's parameters have beside those without noise, in units of a weight."""
        experiment = private(1, SHARED | {"sites": sites} | privacy, devices=8)
        setup = build(experiment)
        fleet = secure_fleet(experiment, setup, print)
        state, _ = begin(setup.federation, fleet, setup.start)
        (plan,) = setup.federation.plans(state)
        update = total(fleet.fit(plan, setup.start))
        noisy: Any = setup.fleet
        plain = total(noisy.fleet.fit(noisy._bounded(plan), setup.start))
        parts = [
            (update.layers[n].weight - plain.layers[n].weight).ravel() // 20
            for n in sorted(plain.layers)
        ]
        return np.concatenate(parts)

    seeded = {"noise_seed": 4}
    for sites, shares, expected in ((4, 4, 1500), (8, 4, 1500 * 2**0.5), (4, 1, 2 * 1500)):
        found = noise_in(sites, noise_sites=shares, **seeded)
        assert len(found) == 64 * 8 + 8 * 10
        # Six standard errors.
        assert abs(found.std() / expected - 1) < 6 / (2 * len(found)) ** 0.5
    few = private(1, SHARED | {"sites": 4, "noise_sites": 4}, devices=8)
    setup = build(few)
    lost = replace(
        secure_fleet(few, setup, print),
        loses=lambda plan: lambda site, step: (site, step) == (0, 3),
    )
    state, _ = begin(setup.federation, lost, setup.start)
    (plan,) = setup.federation.plans(state)
    (update,) = lost.fit(plan, setup.start)
    assert not update.layers
    reasons = set(update.absent.values())
    assert len(reasons) == 1
    assert "3 sites have sent sums with their part of the noise, and it takes 4" in reasons.pop()


class Insistent(PassingFleet):
    """Its first two devices are asked twice in the second round."""

    again: Callable[[int, Any], None]

    def __init__(self, fleet: Any) -> None:
        self.fleet, self.again = fleet, lambda number, devices: None

    def fit(self, plan: Any, parameters: Any) -> Iterator[Any]:
        if plan.round == 1:
            self.again(plan.round, np.array([0, 1, 3]))
            self.again(plan.round, np.array([1]))
        yield from self.fleet.fit(plan, parameters)


def test_what_a_device_is_asked_again_for_counts_again(tmp_path: Path) -> None:
    """By device: the one that was asked most often counts."""
    insistent = run(private(3), out=tmp_path / "run", fleet=lambda setup: Insistent(setup.fleet))
    assert insistent.privacy is not None
    assert insistent.privacy.exchanges == 5
    assert insistent.privacy.epsilon == run(private(5)).privacy.epsilon  # type: ignore[union-attr]
    again = tmp_path / "run/privacy-again.csv"
    assert again.read_text() == "round,first,devices\n2,0,2\n2,3,1\n2,1,1\n"
    (tmp_path / "run/result.json").unlink()
    with again.open("a") as file:
        file.write("2,0")
    assert resume(tmp_path / "run").privacy == insistent.privacy
    for row in ("2,3,2", "2,0,0", "2,0,x", "0,0,1"):
        again.write_text(f"round,first,devices\n{row}\n")
        with pytest.raises(UsageError, match="privacy-again.csv: line 2"):
            resume(tmp_path / "run")


def test_the_accountant_is_named_where_it_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usual = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "dp_accounting":
            raise ModuleNotFoundError(f"No module named {name!r}")
        return usual(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"^privacy.noise_multiplier: .* 'tifed\[privacy\]'"):
        run(private(), out=tmp_path / "run")
    # Before anything was given away.
    assert not (tmp_path / "run/privacy.csv").exists()
    assert run(Experiment(rounds=1)).privacy is None


def test_noise_and_devices_with_data_of_their_own(tmp_path: Path) -> None:
    result = run(private(3, own_data=True), out=tmp_path / "run")
    assert result.own is not None
    assert result.privacy is not None
    assert result.privacy.exchanges == 3
    assert len(json.loads((tmp_path / "run/details.json").read_text())["device_scores"]) == 4
