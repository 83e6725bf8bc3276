"""What the boards of a gateway work on; no board is asked here."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from tifed.cli import app
from tifed.errors import UsageError
from tifed.experiment import Experiment, to_toml
from tifed.fleets.linked import LinkedFleet, LinkSettings
from tifed.nodes.acceptance import acceptance
from tifed.nodes.context import DeviceSelection
from tifed.nodes.gateway.board_pool import BoardPool, BoardTerms, HeldError, Lines

FIRST = DeviceSelection(first=0)
Pool = Callable[[str], BoardPool]


@pytest.fixture
def pool() -> Iterator[Pool]:
    """From what its owner accepts to a gateway with a board that nobody asks."""
    made: list[BoardPool] = []

    def make(accepts: str = "") -> BoardPool:
        made.append(BoardPool(Lines(("tcp:127.0.0.1:1",)), BoardTerms(accepts=accepts)))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_other_settings_of_the_link_are_noticed_though_the_experiment_is_the_same(
    pool: Pool,
) -> None:
    texts = [
        to_toml(Experiment(devices=1, link={"on_reboot": what})) for what in ("repeat", "drop")
    ]
    boards = pool("")
    first, again, other = (boards.context(text, FIRST) for text in (texts[0], texts[0], texts[1]))
    assert first is again
    assert other is not first
    assert other.experiment == first.experiment


@pytest.mark.parametrize("quiet", [False, True])
def test_boards_answer_an_exchange_as_a_whole_if_the_experiment_says_so(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, quiet: bool
) -> None:
    settings, steady = list[LinkSettings](), list[bool]()

    class Fleet(LinkedFleet):
        def __init__(
            self, inputs: Any, clients: Any, link: LinkSettings, *args: Any, **more: Any
        ) -> None:
            settings.append(link)
            steady.extend(client._steady for client in clients)
            super().__init__(inputs, clients, link, *args, **more)

    monkeypatch.setattr("tifed.nodes.gateway.board_pool.LinkedFleet", Fleet)
    short = {"upload": "ternary"}
    pool("").context(
        to_toml(Experiment(devices=1, link={"quiet": quiet}, compression=short)), FIRST
    )
    assert [one.quiet for one in settings] == [quiet]
    assert steady == [quiet]


NOISY = {"noise_multiplier": 1, "clip": 1000, "centre": -64}
NAMES = {"class_names": [str(digit) for digit in range(10)]}


def own(**changes: object) -> Experiment:
    given = {
        "dataset": "on-devices", "own_data": True, "devices": 1, "layers": (64, 4, 10),
        "data": NAMES, "privacy": NOISY,
    }  # fmt: skip
    return Experiment(**(given | changes))


def test_a_server_has_no_say_in_the_privacy_of_boards_with_data_of_their_own(pool: Pool) -> None:
    """Less noise, or none, is another experiment than the one that the owner has accepted."""
    boards = pool(acceptance(own()))
    accepted = boards.context(to_toml(own()), FIRST)
    for privacy in ({}, NOISY | {"noise_multiplier": 0.01}, NOISY | {"clip": 1001}):
        with pytest.raises(UsageError, match="owner has not accepted this experiment") as error:
            boards.context(to_toml(own(privacy=privacy)), FIRST)
        text = acceptance(own(privacy=privacy))
        assert f"start the gateway again with --accepts {text}" in str(error.value)
        # Who is refused does not even make the gateway let go of what it works on.
        assert boards.context(to_toml(own()), FIRST) is accepted
    with pytest.raises(UsageError, match="own_data: this node has data of its own, and takes"):
        boards.context(to_toml(Experiment(devices=1)), FIRST)


def test_boards_with_data_of_their_own_work_for_nobody_who_was_not_accepted(pool: Pool) -> None:
    with pytest.raises(UsageError, match="start the gateway again with --accepts "):
        pool("").context(to_toml(own()), FIRST)
    everybodys = pool("any")
    for experiment in (own(), own(privacy={}), Experiment(devices=1)):
        assert everybodys.context(to_toml(experiment), FIRST).devices == range(1)


def test_noise_that_others_know_has_to_be_meant(pool: Pool) -> None:
    """Its owner sees 64 digits, not that the noise is worthless."""
    seeded = NOISY | {"noise_seed": 5}
    known, sent = own(privacy=seeded), Experiment(devices=1, privacy=seeded)
    for accepts, experiment in (("", sent), ("", known), (acceptance(known), known)):
        with pytest.raises(UsageError, match="privacy.noise_seed: noise from a seed") as error:
            pool(accepts).context(to_toml(experiment), FIRST)
        assert "start the gateway again with --accepts any" in str(error.value)
    pool("any").context(to_toml(known), FIRST)


def test_a_gateway_remembers_its_last_sum_with_noise_whatever_it_does_in_between(
    pool: Pool,
) -> None:
    boards = pool("any")
    first = boards.context(to_toml(own()), FIRST)
    boards.hold(False)
    other = boards.context(to_toml(own(seed=2)), FIRST)
    assert other is not first
    assert boards.context(to_toml(own()), FIRST).last is first.last


def test_boards_are_held_for_an_experiment_until_it_has_been_silent_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr(
        "tifed.nodes.gateway.board_pool.time", SimpleNamespace(monotonic=lambda: now[0])
    )
    boards = BoardPool(Lines(("tcp:127.0.0.1:1",)), BoardTerms(hold=60.0))
    texts = [to_toml(Experiment(devices=1, seed=seed)) for seed in (1, 2)]
    try:
        held = boards.context(texts[0], FIRST)
        boards.hold(True)
        now[0] += 59.9
        with pytest.raises(HeldError, match=f"experiment {held.experiment[:8]}; .* for 60 s"):
            boards.context(texts[1], FIRST)
        # Whoever asks for something in time keeps them.
        boards.hold(True)
        now[0] += 59.9
        assert boards.context(texts[0], FIRST) is held
        with pytest.raises(HeldError):
            boards.context(texts[1], FIRST)
        now[0] += 0.2
        other = boards.context(texts[1], FIRST)
        assert other.experiment != held.experiment
        # And the first one begins anew.
        assert boards.context(texts[0], FIRST) is not held
    finally:
        boards.close()


def test_what_the_command_accepts_is_a_file_a_text_or_everything(tmp_path: Path) -> None:
    without = tmp_path / "without.toml"
    without.write_text('preset = "digits"\n')
    for given, reason in (
        (
            "everything",
            "--accepts: 'everything' is neither 'any', nor a file, nor the text of 64 d",
        ),
        (acceptance(own())[1:], "nor the text of 64 digits that tifed flower bundle shows"),
        (str(without), f"--accepts: {without} has not own_data = true; without it boards have no"),
    ):
        words = ["gateway", "--devices", "unix:none", "--listen", f"unix:{tmp_path}/it"]
        done = CliRunner().invoke(app, [*words, "--accepts", given])
        assert reason in str(done.exception)
