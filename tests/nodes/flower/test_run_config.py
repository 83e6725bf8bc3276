"""Settings as keys that ``flwr run --run-config`` can change, and apps that are not the usual."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flwr", reason="needs Flower: pip install 'tifed[flower]'")

from flwr.app import Array, ArrayRecord, Context, Message, RecordDict
from flwr.clientapp.mod import fixedclipping_mod, message_size_mod
from flwr.common.config import flatten_dict, fuse_dicts, parse_config_args
from flwr.common.constant import ErrorCode
from flwr.supercore.task_identity import TaskIdentity

from tifed.errors import UsageError
from tifed.experiment import load_experiment, to_toml
from tifed.experiment.identity import identity
from tifed.experiment.load import preset_names
from tifed.nodes.flower.client import client_app
from tifed.nodes.flower.format import pack, unpack
from tifed.nodes.flower.settings import from_run_config, to_run_config
from tifed.nodes.messages import message
from tifed.nodes.serving.settings import Settings
from tifed.nodes.terms import NodeTerms


def given(text: str, *overrides: str, preset: str = "digits") -> Settings:
    """Settings after ``flwr run --run-config TEXT``, by Flower's own functions."""
    experiment = load_experiment(preset=preset, overrides=overrides)
    app = flatten_dict(to_run_config(Settings(to_toml(experiment), grace=7)))
    return from_run_config(fuse_dicts(app, parse_config_args([text])))


@pytest.mark.parametrize("preset", preset_names())
def test_an_app_has_every_setting_of_its_experiment(preset: str) -> None:
    settings = given("", preset=preset)
    assert settings == Settings(to_toml(load_experiment(preset=preset)), grace=7)


@pytest.mark.parametrize(
    ("text", "overrides"),
    [
        ("rounds=5", ["rounds=5"]),
        ("rounds=5 seed=3", ["rounds=5", "seed=3"]),
        ('layers="[64, 20, 10]" recipe="paper"', ["layers=[64, 20, 10]", "recipe=paper"]),
        ("privacy.secure_aggregation=true", ["privacy.secure_aggregation=true"]),
        ('class_weights="balanced"', ["class_weights=balanced"]),
        ('class_weights="[1, 2, 1, 1, 1, 1, 1, 1, 1, 1]"',
         ["class_weights=[1, 2, 1, 1, 1, 1, 1, 1, 1, 1]"]),
        ('recipe_settings="server_momentum = 0"', ["recipe_settings.server_momentum=0"]),
        ("devices_per_round=4", ["devices_per_round=4"]),
    ],
)  # fmt: skip
def test_flwr_run_changes_what_set_changes(text: str, overrides: list[str]) -> None:
    assert given(text).experiment == given("", *overrides).experiment


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("rounds=0", "run configuration: rounds"),
        ('layers="[64"', "run configuration: layers"),
        ('layers="wide"', "run configuration: layers"),
        ('devices="many"', "run configuration: devices"),
        ('recipe_settings="halvings"', "run configuration: recipe_settings"),
        ('timeout="long"', "run configuration: timeout is 'long'"),
    ],
)
def test_what_cannot_be_is_named(text: str, error: str) -> None:
    with pytest.raises(UsageError, match=error):
        given(text)


def test_an_app_without_a_setting_is_not_given_the_usual_one() -> None:
    app = flatten_dict(to_run_config(Settings(to_toml(load_experiment()))))
    del app["layers"]
    with pytest.raises(UsageError, match="layers is missing; make the app by tifed flower bundle"):
        from_run_config(app)


EXPERIMENT = load_experiment(overrides=["rounds=2"])


@pytest.fixture
def in_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flower makes messages in a run only."""
    for name in ("_run_id", "_node_id", "_task_id"):
        monkeypatch.setattr(TaskIdentity, name, 1)


def asked(records: RecordDict, mods: Any = ()) -> Message:
    """The reply to a message of a server."""
    context = Context(1, 2, {"partition-id": 0, "num-partitions": 2}, RecordDict(), {})
    app = client_app(Settings(to_toml(EXPERIMENT)), NodeTerms.open(), mods)
    sent = Message(records, 2, "query")
    sent.metadata.__dict__["_src_node_id"] = 1
    return app(sent, context)


@pytest.mark.usefixtures("in_a_run")
def test_a_message_of_a_flower_strategy_is_answered_with_an_error_that_explains() -> None:
    weights = ArrayRecord({"0": Array(np.zeros(3, np.float32))})
    reason = asked(RecordDict({"arrays": weights})).error.reason
    assert reason is not None
    assert reason.startswith("the message is not a message of TIFeD, but one with arrays as Fl")
    assert "sums of integers" in reason


@pytest.mark.usefixtures("in_a_run")
def test_mods_see_messages_and_replies() -> None:
    seen: list[str] = []

    def named(name: str) -> Callable[..., Message]:
        def mod(message: Message, context: Context, further: Callable[..., Message]) -> Message:
            seen.append(name)
            reply: Message = further(message, context)
            seen.append(f"{name} has {len(reply.content)}")
            return reply

        return mod

    hello = pack(message("hello", identity(EXPERIMENT), {}))
    reply = asked(hello, [named("outer"), message_size_mod, named("inner")])
    assert seen == ["outer", "inner", "inner has 1", "outer has 1"]
    content = unpack(reply.content, "hello", identity(EXPERIMENT))
    assert content.array("devices", np.int64, (1, 2)).tolist() == [[0, 4]]
    # One that wants the arrays of a strategy ends the exchange of its node, and says so.
    error = asked(hello, [fixedclipping_mod]).error
    assert error.code == ErrorCode.MOD_FAILED_PRECONDITION
