"""Secure aggregation over nodes, in one process: what nodes say, refuse and keep.

Each message is answered as by a program of its own: all that a node has from one to the next is
what it keeps as bytes.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("cryptography", reason="needs pip install 'tifed[privacy]'")

from tests.nodes.direct import Residents

import tifed
from tifed.errors import RunError
from tifed.experiment import Experiment, RunFolder, build, to_toml
from tifed.experiment.identity import identity
from tifed.federation import FeatureSums, Plan, Update, total
from tifed.fleets.secure import SecureFleet
from tifed.nodes.answer import UNSAID
from tifed.nodes.messages.content import (
    Content,
    MessageError,
    fit_message,
    job_runs,
    message,
    refusal,
)
from tifed.nodes.messages.device_ranges import hosted, to_ranges
from tifed.nodes.messages.encoding import content_to_bytes
from tifed.nodes.messages.masked import (
    keys_from,
    keys_message,
    masked_calibrate_message,
    masked_fit_message,
    neighbour_arrays,
    opening_from,
    sealed_arrays,
    sealed_from,
    shares_message,
    survivor_arrays,
    unmask_message,
)
from tifed.nodes.serving import exchange
from tifed.nodes.serving.settings import Settings
from tifed.nodes.site_memory import SiteMemory
from tifed.secure_aggregation.graph import sharing
from tifed.secure_aggregation.keys import PublicKeys
from tifed.secure_aggregation.vectors import CalibrationVectors

STEPS = ("keys", "shares", "masked", "unmask")
SECURE = {"secure_aggregation": True}
Lost = Callable[[int, int, str], bool]
"""From a session's place (0: the calibration), a node's and a kind to whether it is lost."""


def no_loss(session: int, node: int, kind: str) -> bool:
    return False


@dataclass
class Nodes(Residents):
    """Nodes some of which are lost; all that is said is kept."""

    name: str
    lost: Lost
    received: list[Content] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    told: list[tuple[int, str]] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    memories: list[SiteMemory] = field(default_factory=list)

    def answered(self, node: int, content: Content) -> Content:
        place, kind, session = node - 1, content.kind, content.values.get("session")
        self.told.append((place, kind))
        if session is not None and session not in self.sessions:
            self.sessions.append(session)
        if session is not None and self.lost(self.sessions.index(session), place, kind):
            return refusal(self.name, "it is gone")
        said = super().answered(node, content)
        kept = self.nodes[place].kept
        as_bytes = kept.sessions.to_bytes()
        kept.sessions = SiteMemory.from_bytes(as_bytes)
        self.memories.append(SiteMemory.from_bytes(as_bytes))
        self.raw.append(content_to_bytes(said))
        if "refused" not in said.values:
            self.received.append(said)
        return said

    def ask(self, place: int, request: Content, more: dict[str, Any]) -> Content:
        """One message by hand."""
        return self.asked(place + 1, request, more)

    def forget(self, place: int) -> None:
        """As when its program is started anew, and nothing was kept of it."""
        self.nodes[place] = self.started(place)


def nodes_of(
    experiment: Experiment, count: int, lost: Lost = no_loss, attempts: int = 1, **terms: int
) -> Nodes:
    settings = Settings(to_toml(experiment), attempts=attempts, grace=0.0)
    config = {"accepts": "any"} | {name.replace("_", "-"): n for name, n in terms.items()}
    return Nodes(settings, [config] * count, identity(experiment), lost)


def run_over(nodes: Nodes, out: Path | None = None) -> tuple[tifed.Result, list[str]]:
    log: list[str] = []
    nodes.settings = replace(nodes.settings, out=str(out) if out else "")
    return nodes.serve(log.append), log


@pytest.mark.parametrize(
    "settings",
    [{}, {"average_every": "epoch"}, {"mode": "single-layer"}, {"own_data": True},
     {"devices_per_round": 9},
     {"compression": {"upload": "ternary", "download": "4-bit", "rows": 2}}],
)  # fmt: skip
def test_the_digest_is_that_of_the_run_without(settings: dict[str, Any]) -> None:
    settings = {"devices": 12, "rounds": 3, **settings}
    result, _ = run_over(nodes_of(Experiment(**settings, privacy=SECURE), 4))
    assert result.digest == tifed.run(Experiment(**settings)).digest


def three_of_ten(session: int, node: int, kind: str) -> bool:
    """In each exchange another three nodes, each from another step on."""
    if session == 0:
        return False
    random = np.random.default_rng(session)
    at = dict(zip(random.permutation(10)[:3].tolist(), random.integers(0, 4, 3), strict=True))
    place = next(n for n, step in enumerate(STEPS) if kind.startswith(step))
    return node in at and place >= at[node]


def without_the_lost(devices: int) -> Callable[[Any], Any]:
    """The plain run in which the devices of nodes do not answer that lose their masked sums."""

    def make(setup: Any) -> Any:
        class Without:
            calibrate, evaluate, close = (
                setup.fleet.calibrate, setup.fleet.evaluate, setup.fleet.close,
            )  # fmt: skip

            @staticmethod
            def fit(plan: Plan, parameters: Any) -> Any:
                gone = [
                    device
                    for node in range(10)
                    if three_of_ten(plan.exchange + 1, node, "masked")
                    for device in hosted(node, 10, devices)
                ]
                there = ~np.isin(plan.jobs.device, gone)
                return setup.fleet.fit(replace(plan, jobs=plan.jobs.at(there)), parameters)

        return Without

    return make


@pytest.mark.parametrize(
    "more", [{}, {"compression": {"upload": "ternary", "download": "4-bit", "rows": 2}}]
)
def test_with_three_tenths_of_the_nodes_lost_in_each_round(
    tmp_path: Path, more: dict[str, Any]
) -> None:
    settings: dict[str, Any] = {"devices": 20, "rounds": 5, **more}
    nodes = nodes_of(Experiment(**settings, privacy=SECURE), 10, three_of_ten)
    result, log = run_over(nodes, tmp_path / "run")
    plain = tifed.run(Experiment(**settings), fleet=without_the_lost(20))
    assert result.digest == plain.digest != tifed.run(Experiment(**settings)).digest
    assert not [line for line in log if "void" in line]
    assert any("shares: no answer of devices" in line for line in log)
    assert any("unmasking: no answer of devices" in line for line in log)
    for row in RunFolder(tmp_path / "run").read_metrics(9):
        assert 14 <= int(row["answered"]) < 20


def test_after_the_first_session_each_node_is_asked_twice_an_exchange() -> None:
    nodes = nodes_of(Experiment(devices=8, rounds=3, privacy=SECURE), 4)
    run_over(nodes)
    kinds = [kind for _, kind in nodes.told if kind not in ("hello", "evaluate")]
    first, rest = kinds[:16], kinds[16:]
    assert first == [k for k in ("keys", "shares", "masked-calibrate", "unmask") for _ in range(4)]
    assert rest == [k for k in ("masked-fit", "unmask") for _ in range(4)] * 3


def test_after_a_loss_the_lost_node_alone_is_asked_for_its_keys() -> None:
    nodes = nodes_of(
        Experiment(devices=10, rounds=2, privacy=SECURE), 10,
        lambda session, node, kind: session == 1 and node == 3 and kind == "masked-fit",
    )  # fmt: skip
    run_over(nodes)
    asked = [(node, kind) for node, kind in nodes.told if kind in ("keys", "shares")]
    assert asked[20:] == [(3, "keys"), *((node, "shares") for node in range(10))]


def test_a_node_that_is_started_anew_between_two_exchanges_is_lost_in_one(tmp_path: Path) -> None:
    experiment = Experiment(devices=10, rounds=3, privacy=SECURE)

    def forgets(session: int, node: int, kind: str) -> bool:
        if (session, node, kind) == (2, 3, "masked-fit"):
            nodes.forget(3)
        return False

    nodes = nodes_of(experiment, 10, forgets)
    _, log = run_over(nodes, tmp_path / "run")
    rows = RunFolder(tmp_path / "run").read_metrics(9)
    assert [row["answered"] for row in rows] == ["10", "9", "10"]
    assert not [line for line in log if "void" in line]


def test_sampled_rounds_ask_other_nodes_each_time_so_nothing_is_prepared() -> None:
    nodes = nodes_of(Experiment(devices=12, devices_per_round=5, rounds=2, privacy=SECURE), 12)
    run_over(nodes)
    assert sum(kind == "shares" for _, kind in nodes.told) == 12 + 5 + 5


def test_an_exchange_that_loses_more_is_void_and_the_next_has_fresh_keys(tmp_path: Path) -> None:
    nodes = nodes_of(
        Experiment(devices=10, rounds=3, privacy=SECURE), 10,
        lambda session, node, kind: session == 2 and node < 4 and kind == "masked-fit",
    )  # fmt: skip
    _, log = run_over(nodes, tmp_path / "run")
    assert [row["answered"] for row in RunFolder(tmp_path / "run").read_metrics(9)] == [
        "10", "0", "10",
    ]  # fmt: skip
    void = "round 2, exchange 1 is void: 6 of 10 sites have sent masked sums, and it takes 7"
    assert void in log
    keys = [c.arrays["keys"].tobytes() for c in nodes.received if "keys" in c.arrays]
    # Of the calibration, of three rounds, and of the fourth that might have come.
    assert len(keys) == len(set(keys)) == 50
    # Not a single mask of a void exchange is opened.
    assert sum(kind == "unmask" for _, kind in nodes.told) == 30


def test_a_calibration_that_is_void_is_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "PAUSE", 0.0)
    experiment = Experiment(devices=10, rounds=1, privacy=SECURE)

    def first(session: int, node: int, kind: str) -> bool:
        return session == 0 and node < 4 and kind == "masked-calibrate"

    nodes = nodes_of(experiment, 10, first)
    with pytest.raises(RunError, match="calibration: too many nodes were lost"):
        run_over(nodes)
    nodes = nodes_of(experiment, 10, first, attempts=2)
    plain = tifed.run(Experiment(devices=10, rounds=1))
    # The same nodes are asked twice for what they have lost; so the first calibration stays void.
    result, log = run_over(nodes)
    assert any(line.startswith("calibration is void") for line in log)
    assert result.digest == plain.digest


def test_a_calibration_whose_sum_is_none_is_not_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is known by then; a second one over other nodes would tell the difference."""
    nodes = nodes_of(Experiment(devices=10, rounds=1, privacy=SECURE), 10, attempts=3)
    encoded = CalibrationVectors.encoded

    def poisoned(self: CalibrationVectors, sums: FeatureSums) -> Any:
        return encoded(self, replace(sums, total=sums.total + 1_000_000))

    monkeypatch.setattr(CalibrationVectors, "encoded", poisoned)
    with pytest.raises(RunError, match="calibration: the sum .* beyond"):
        run_over(nodes)
    assert sum(kind == "masked-calibrate" for _, kind in nodes.told) == 10


def test_a_calibration_with_few_answers_counts_as_in_the_run_without() -> None:
    """`minimum_devices` is about exchanges; it was held against simulated calibrations alone."""
    settings: dict[str, Any] = {"devices": 10, "minimum_devices": 9, "rounds": 2}

    def few(session: int, node: int, kind: str) -> bool:
        return session == 0 and node < 2 and kind == "masked-calibrate"

    nodes = nodes_of(Experiment(**settings, privacy=SECURE), 10, few)
    over_nodes, _ = run_over(nodes)

    def simulated(secure: bool) -> str:
        def fleet(setup: Any) -> Any:
            answering = replace_calibration(setup.fleet, range(2, 10))
            if not secure:
                return answering
            return SecureFleet(answering, setup.federation, 10)

        return tifed.run(Experiment(**settings), fleet=fleet).digest

    assert over_nodes.digest == simulated(secure=True) == simulated(secure=False)


def replace_calibration(fleet: Any, answering: range) -> Any:
    """The same fleet, of which ``answering`` alone answer the calibration."""

    class Fleet:
        fit, evaluate, close = fleet.fit, fleet.evaluate, fleet.close

        @staticmethod
        def calibrate(devices: Any, samples: int) -> Any:
            return fleet.calibrate([device for device in devices if device in answering], samples)

    return Fleet


def parts_of(experiment: Experiment, nodes: int) -> Iterator[bytes]:
    """What the server must not see: each node's and each device's sums, in every type they take."""
    plain = experiment.model_copy(update={"privacy": Experiment().privacy})
    setup = build(plain)
    fleet = setup.fleet
    sums: list[np.ndarray] = []

    class Listening:
        calibrate, evaluate, close = fleet.calibrate, fleet.evaluate, fleet.close

        @staticmethod
        def fit(plan: Plan, parameters: Any) -> Iterator[Update]:
            several = [hosted(node, nodes, plain.devices) for node in range(nodes)]
            groups = [*several, *(range(d, d + 1) for d in range(plain.devices))]
            for group in groups:
                jobs = plan.jobs.for_devices(np.array(group))
                update = total(fleet.fit(replace(plan, jobs=jobs), parameters))
                for part in update.layers.values():
                    sums.extend((part.weight.ravel(), part.bias))
            yield from fleet.fit(plan, parameters)

    tifed.run(plain, fleet=lambda setup: Listening())
    for group in [
        *(hosted(node, nodes, plain.devices) for node in range(nodes)),
        *(range(d, d + 1) for d in range(plain.devices)),
    ]:
        sums.append(sum(s.total for s in fleet.calibrate(list(group), 50)))  # type: ignore[arg-type]
    for values in sums:
        if np.count_nonzero(values) > 4:
            for kind in ("<i8", "<i4"):
                yield values.astype(kind).tobytes()
            if not (values % plain.buffer).any():  # every device counts with as many samples
                yield (values // plain.buffer).astype("<i4").tobytes()


def found(transcript: list[bytes], secrets: Iterable[bytes]) -> int:
    """How many of ``secrets`` are in what was received, anywhere in it."""
    heap = b"\n".join(transcript)
    return sum(secret in heap for secret in secrets)


def test_nothing_that_the_server_received_is_a_nodes_or_a_devices_update() -> None:
    plain = Experiment(devices=8, rounds=2)
    secure = Experiment(devices=8, rounds=2, privacy=SECURE)
    parts = list(parts_of(secure, 4))
    assert len(parts) > 80
    open_run = nodes_of(plain, 4)
    run_over(open_run)
    assert found(open_run.raw, parts) >= 4 * 2 * 3  # the control: every node's sums are there
    masked_run = nodes_of(secure, 4)
    run_over(masked_run)
    assert found(masked_run.raw, parts) == 0


def test_no_secret_is_told_but_one_of_each_site_and_the_node_keeps_them() -> None:
    def lost(session: int, node: int, kind: str) -> bool:
        return session == 1 and node == 3 and kind == "masked-fit"

    nodes = nodes_of(Experiment(devices=10, rounds=1, privacy=SECURE), 10, lost)
    run_over(nodes)
    sites = [kept.site for memory in nodes.memories for kept in memory.sessions.values()]
    assert len({site.session for site in sites}) == 3
    assert found(nodes.raw, {site.share_key for site in sites}) == 0
    assert found(nodes.raw, {site.key_seed for site in sites}) == 0
    assert found(nodes.raw, {site.self_seed for site in sites}) == 19  # not that of the lost one
    # Shares of the two secrets of one site are never both told, by anybody.
    told: dict[tuple[bytes, int], set[str]] = defaultdict(set)
    heap = b"\n".join(nodes.raw)
    for site in {(s.session, s.number, len(s.shares)): s for s in sites}.values():
        for other, text in site.shares.items():
            for name, share in (("key", text[:16]), ("own", text[16:])):
                if share in heap:
                    told[(site.session, other)].add(name)
    assert set(map(len, told.values())) == {1}
    assert sum(names == {"key"} for names in told.values()) == 1


class Session:
    """A session of four nodes by hand, up to the masked vectors."""

    def __init__(self, settings: dict[str, Any] | None = None) -> None:
        self.experiment = Experiment(devices=8, rounds=2, privacy=SECURE, **(settings or {}))
        self.nodes = nodes_of(self.experiment, 4)
        self.name, self.session = self.nodes.name, bytes(range(16))
        self.setup = build(self.experiment)
        self.numbers = [0, 2, 4, 6]
        state, _ = tifed.federation.begin(self.setup.federation, self.setup.fleet, self.setup.start)
        (self.plan,) = self.setup.federation.plans(state)
        self.parameters = state.parameters
        self.keys: dict[int, PublicKeys] = {}
        self.sealed: dict[int, dict[int, bytes]] = {}

    def begin(self) -> "Session":
        for node, number in enumerate(self.numbers):
            more = {"devices": to_ranges([number, number + 1])}
            request = keys_message(self.name, self.session)
            self.keys[number] = keys_from(self.nodes.ask(node, request, more))
        return self

    def others(self, node: int) -> dict[int, PublicKeys]:
        return {n: k for n, k in self.keys.items() if n != self.numbers[node]}

    def share(self) -> "Session":
        for node, number in enumerate(self.numbers):
            answer = self.nodes.ask(
                node, self.shares_request(), neighbour_arrays(self.others(node))
            )
            self.sealed[number] = sealed_from(answer, list(self.others(node)))
        return self

    def shares_request(self, sites: int = 4, threshold: int = 3) -> Content:
        return shares_message(self.name, self.session, sites, threshold)

    def fit_request(self, **changes: Any) -> Content:
        plan = replace(self.plan, **changes)
        return masked_fit_message(self.name, self.session, plan, self.parameters, (0, 1))

    def fit_arrays(self, node: int) -> dict[str, Any]:
        number = self.numbers[node]
        sealed = {other: own[number] for other, own in self.sealed.items() if other != number}
        jobs = job_runs(self.plan.jobs.for_devices(np.array([number, number + 1])))
        return {"jobs": jobs, **sealed_arrays(sealed)}

    def mask(self) -> "Session":
        for node in range(4):
            self.nodes.ask(node, self.fit_request(), self.fit_arrays(node))
        return self

    def unmask(self, node: int, survivors: list[int]) -> Any:
        request = unmask_message(self.name, self.session)
        return opening_from(self.nodes.ask(node, request, survivor_arrays(survivors)))


def test_a_node_answers_nothing_without_masks() -> None:
    session = Session()
    calibrate = message("calibrate", session.name, {}, samples=50)
    with pytest.raises(MessageError, match="will not answer 'calibrate' without masks"):
        session.nodes.ask(0, calibrate, {"devices": to_ranges([0, 1])})
    fit = fit_message(session.name, session.plan, session.parameters)
    jobs = job_runs(session.plan.jobs.for_devices(np.array([0, 1])))
    with pytest.raises(MessageError, match="will not answer 'fit' without masks"):
        session.nodes.ask(0, fit, {"jobs": jobs})
    plain = nodes_of(Experiment(devices=8, rounds=2), 4)
    with pytest.raises(MessageError, match="'keys' is not something that a node can do"):
        plain.ask(0, keys_message(plain.name, bytes(16)), {"devices": to_ranges([0, 1])})


def test_a_server_cannot_say_that_the_experiment_is_without() -> None:
    """Its name is another, by which owners accept experiments and messages know theirs."""
    session = Session()
    assert identity(Experiment(devices=8, rounds=2)) != session.name


def test_a_repeated_message_gets_the_same_answer_and_another_none() -> None:
    session = Session().begin()
    nodes = session.nodes
    again = nodes.ask(
        0, keys_message(session.name, session.session), {"devices": to_ranges([0, 1])}
    )
    assert keys_from(again) == session.keys[0]
    with pytest.raises(MessageError, match="another message of the kind 'keys'"):
        nodes.ask(0, keys_message(session.name, session.session), {"devices": to_ranges([0])})

    session.share()
    own = neighbour_arrays(session.others(0))
    answer = nodes.ask(0, session.shares_request(), own)
    assert sealed_from(answer, [2, 4, 6]) == session.sealed[0]

    session.mask()
    first, second = (nodes.ask(0, session.fit_request(), session.fit_arrays(0)) for _ in range(2))
    assert np.array_equal(first.arrays["sums"], second.arrays["sums"])
    with pytest.raises(MessageError, match="another message of the kind 'masked-fit'"):
        nodes.ask(0, session.fit_request(extra_shift=1), session.fit_arrays(0))
    fewer = session.fit_arrays(0)
    fewer["jobs"] = job_runs(session.plan.jobs.for_devices(np.array([0])))
    with pytest.raises(MessageError, match="another message of the kind 'masked-fit'"):
        nodes.ask(0, session.fit_request(), fewer)
    calibrate = masked_calibrate_message(session.name, session.session, 50)
    more = {"devices": to_ranges([0, 1]), **sealed_arrays({2: bytes(48), 4: bytes(48)})}
    with pytest.raises(MessageError, match="has said its masked"):
        nodes.ask(0, calibrate, more)

    opening = session.unmask(0, [0, 2, 4])
    assert session.unmask(0, [0, 2, 4]) == opening
    for others in ([0, 2, 4, 6], [0, 2, 6]):
        with pytest.raises(MessageError, match="another message of the kind 'unmask'"):
            session.unmask(0, others)


def test_a_new_session_ends_the_one_before() -> None:
    session = Session().begin().share().mask()
    keys = keys_message(session.name, bytes(16))
    session.nodes.ask(0, keys, {"devices": to_ranges([0, 1])})
    with pytest.raises(MessageError, match="not in this session"):
        session.unmask(0, [0, 2, 4])
    old = keys_message(session.name, session.session)
    new = keys_from(session.nodes.ask(0, old, {"devices": to_ranges([0, 1])}))
    assert new != session.keys[0]


def test_a_node_that_lost_its_memory_is_lost_to_the_session() -> None:
    session = Session().begin().share()
    session.nodes.forget(0)
    with pytest.raises(MessageError, match="it has no keys of it"):
        session.nodes.ask(0, session.fit_request(), session.fit_arrays(0))


@pytest.mark.parametrize(("sites", "threshold"), [(4, 2), (5, 3), (3, 2), (2, 1)])
def test_a_node_refuses_smaller_graphs_than_the_specification_has(
    sites: int, threshold: int
) -> None:
    session = Session().begin()
    assert sharing(4).threshold == 3
    with pytest.raises(MessageError, match="will not"):
        session.nodes.ask(
            0, session.shares_request(sites, threshold), neighbour_arrays(session.others(0))
        )


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("session", "00", "32 hexadecimal digits"),
        ("session", 7, "32 hexadecimal digits"),
        ("next", 7, "next is not a text of 32 hexadecimal digits"),
        ("next", bytes(range(16)).hex(), "next is its own session"),
        ("layers", 1, r"layers are \(0,\), and devices train \(0, 1\)"),
        ("layers", 7, r"layers are \(0, 1, 2\)"),
        ("layers", -1, "not a whole number"),
    ],
)
def test_values_that_make_no_sense_are_named(name: str, value: object, why: str) -> None:
    session = Session().begin().share()
    request = session.fit_request()
    wrong = replace(request, values={**request.values, name: value})
    with pytest.raises(MessageError, match=why):
        session.nodes.ask(0, wrong, session.fit_arrays(0))


def test_sites_named_twice_or_below_zero_are_refused() -> None:
    session = Session().begin().share()
    for senders in ([2, 2, 4], [-2, 2, 4]):
        arrays = session.fit_arrays(0) | {"senders": np.array(senders, np.int64)}
        with pytest.raises(MessageError, match="a site twice, or one below 0"):
            session.nodes.ask(0, session.fit_request(), arrays)


def test_with_own_data_masks_hide_no_other_work() -> None:
    session = Session({"own_data": True}).begin().share()
    with pytest.raises(MessageError, match="will not train with extra_shift"):
        session.nodes.ask(0, session.fit_request(extra_shift=3), session.fit_arrays(0))


def test_why_a_device_is_absent_is_not_told() -> None:
    """With own data it would say how many samples the device has."""
    partition = {"kind": "quantity", "alpha": 0.3, "minimum": 2}
    experiment = Experiment(
        dataset="digits", devices=12, rounds=1, own_data=True, privacy=SECURE, seed=3,
        partition=partition,
    )  # fmt: skip
    nodes = nodes_of(experiment, 4, least_update=20, least_evaluation=20)
    run_over(nodes)
    for kind in ("masked-fit", "evaluate"):
        answers = [content for content in nodes.received if content.kind == kind]
        absent = [content for content in answers if "absent" in content.values]
        reasons = {reason for c in absent for reason in c.values.get("reasons", [])}
        assert absent
        assert reasons <= {UNSAID}, kind
