"""What the owner of a node lets be done with the node's own data."""

import pytest

from tifed.errors import UsageError
from tifed.experiment import load_experiment
from tifed.federation import DeviceCounts, Job, Jobs, Plan
from tifed.nodes.acceptance import acceptance
from tifed.nodes.least import LeastSamples
from tifed.nodes.messages.content import MessageError
from tifed.nodes.terms import NodeTerms

OWN = ["own_data=true", "devices=2", "rounds=1"]


def test_terms_come_from_a_node_configuration_and_go_into_one() -> None:
    assert NodeTerms.from_config({"partition-id": 0}) == NodeTerms()
    config: dict[str, str | int] = {
        "accepts": "abc", "dataset": "digits", "dataset-of": "node", "data": "a = 1",
        "least-update": 1, "least-calibration": 2, "least-evaluation": 3,
    }  # fmt: skip
    terms = NodeTerms.from_config(config)
    assert terms == NodeTerms("abc", "digits", "node", "a = 1", LeastSamples(1, 2, 3))
    assert terms.to_config() == config
    assert terms.own_options() == {"a": 1}
    assert NodeTerms.from_config(NodeTerms.open().to_config()) == NodeTerms.open()


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("accepts", 3, "accepts is 3, not a text"),
        ("dataset", True, "dataset is True, not a text"),
        ("dataset-of", "me", "dataset-of is 'me', neither 'federation' nor 'node'"),
        ("least-update", 0, "least-update is 0, not a number of samples, 1 or more"),
        ("least-evaluation", "5", "least-evaluation is '5', not a number of samples"),
        ("least-calibration", True, "least-calibration is True, not a number"),
    ],
)
def test_a_wrong_key_is_named(key: str, value: object, reason: str) -> None:
    with pytest.raises(UsageError) as error:
        NodeTerms.from_config({key: value})
    assert reason in str(error.value)


def test_options_that_are_not_toml_are_refused() -> None:
    with pytest.raises(UsageError, match="node configuration: data is not TOML"):
        NodeTerms(data="a =").own_options()


def test_an_experiment_is_accepted_by_all_that_decides_which_sums_leave() -> None:
    experiment = load_experiment(overrides=OWN)
    name = acceptance(experiment)
    NodeTerms(accepts=name).require(experiment)
    NodeTerms.open().require(experiment)
    same = load_experiment(overrides=[*OWN, "engine=oracle", "evaluate_every=3"])
    NodeTerms(accepts=name).require(same)
    for change in (
        "recipe_settings.calibration=49", "seed=2", "held_out_every=4", "buffer=21",
        "data.large=1",
    ):  # fmt: skip
        other = experiment.model_copy(update={"data": {"large": 1}})
        if not change.startswith("data"):
            other = load_experiment(overrides=[*OWN, change])
        with pytest.raises(UsageError, match="has not accepted this exp") as error:
            NodeTerms(accepts=name).require(other)
        assert f'accepts="{acceptance(other)}"' in str(error.value)
    with pytest.raises(UsageError, match="has not accepted this exp"):
        NodeTerms().require(experiment)


def test_a_node_with_data_of_its_own_takes_no_run_without() -> None:
    sent = load_experiment(overrides=["devices=2"])
    for terms in (NodeTerms(), NodeTerms.open()):
        terms.require(sent)
    for terms in (NodeTerms(dataset="digits"), NodeTerms(accepts=acceptance(sent))):
        with pytest.raises(UsageError, match="own_data: this node has data of its own, and takes"):
            terms.require(sent)


def test_noise_that_others_know_has_to_be_meant() -> None:
    """A text of 64 digits does not show it, whoever has accepted that."""
    noise = ["privacy.noise_multiplier=1", "privacy.clip=9", "privacy.noise_seed=1"]
    known = load_experiment(overrides=["devices=2", "privacy.centre=0", *noise])
    own = known.model_copy(update={"own_data": True})
    NodeTerms.open().require(known)
    NodeTerms.open().require(own)
    for experiment, accepts in ((known, ""), (own, ""), (own, acceptance(own))):
        with pytest.raises(UsageError, match="privacy.noise_seed: noise from a seed") as error:
            NodeTerms(accepts=accepts).require(experiment)
        assert 'start the node again with accepts="any" in its configuration' in str(error.value)


@pytest.mark.parametrize("key", [*NodeTerms.open().to_config(), "dataset", "data", "dataset-of"])
def test_a_node_with_a_gateway_does_not_say_what_the_gateway_decides(key: str) -> None:
    NodeTerms.require_none({"gateway": "unix:it", "first-device": 0, "data-dir": "/data"})
    with pytest.raises(UsageError, match=f"node configuration: {key} goes without gateway"):
        NodeTerms.require_none({"gateway": "unix:it", key: "any"})


def plan_of(samples: int, steps: int) -> Plan:
    return Plan(0, 0, 0, Jobs.of([Job(3, (0,), 0, samples, 0, steps), Job(4, (0,), 0, 50, 0, 9)]))


def test_an_update_is_of_enough_samples() -> None:
    least = LeastSamples(update=10)
    least.check_plan(plan_of(10, 2), 5)
    for samples, steps, batch, count in ((9, 20, 5, 9), (50, 1, 5, 5), (50, 9, 1, 9)):
        with pytest.raises(MessageError, match=f"device 3 on {count} samples alone.*at least 10"):
            least.check_plan(plan_of(samples, steps), batch)


def test_the_short_mini_batch_at_the_end_of_a_buffer_is_counted_as_it_is() -> None:
    """Of 17 samples in mini-batches of 16 the second step is on one."""
    for first, enough in ((0, True), (1, False), (2, True), (3, False)):
        plan = Plan(0, 0, 0, Jobs.of([Job(3, (0,), 0, 17, first, 1)]))
        if enough:
            LeastSamples(update=10).check_plan(plan, 16)
        else:
            with pytest.raises(MessageError, match="device 3 on 1 samples alone"):
                LeastSamples(update=10).check_plan(plan, 16)


def test_a_calibration_is_of_enough_samples() -> None:
    LeastSamples(calibration=20).check_calibration(20)
    with pytest.raises(MessageError, match="will not sum 19 samples of a device.*at least 20"):
        LeastSamples(calibration=20).check_calibration(19)


def test_devices_with_too_few_samples_are_named() -> None:
    counts = {
        device: DeviceCounts(device, training, held_out)
        for device, training, held_out in ((0, 3, 2), (1, 2, 1), (2, 4, 0), (3, 1, 9))
    }
    least = LeastSamples(update=2, calibration=3, evaluation=1)
    few = {kind: least.without(counts, kind) for kind in ("fit", "calibrate", "evaluate")}
    assert list(few["fit"]) == [3]
    assert list(few["calibrate"]) == [1, 3]
    assert few["evaluate"] == {2: "has 0 held-out samples, and 1 are asked for"}
    assert list(least.without(counts, "personalise")) == [2, 3]
    assert least.without(counts, "counts") == {}
    told = least.told(counts[0])
    assert (told.least_training, told.least_calibration, told.least_held_out) == (2, 3, 1)
    # Nobody can work on no sample, whatever is allowed.
    nothing = {0: DeviceCounts(0, 0, 0)}
    assert LeastSamples(0, 0, 0).without(nothing, "fit")
