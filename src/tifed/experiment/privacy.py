"""``[privacy]``: what the server is kept from seeing, and what does not go with it."""

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from pydantic import Field

from tifed.experiment.tables import SettingsTable
from tifed.federation.noise import Noise
from tifed.rule.integer.gaussian import LARGEST_SIGMA
from tifed.rule.learning.clipping import LARGEST_CLIP
from tifed.secure_aggregation.devices import LEAST_DEVICES
from tifed.secure_aggregation.graph import LEAST_SITES

if TYPE_CHECKING:
    from tifed.experiment.schema import Experiment

SITES = 10
"""That devices are dealt to in this process, where an experiment does not say."""

LARGEST_SUM = 1 << 48
"""Noise times buffer times devices; 64 times as much, with 8 bits after the point, is 2**62."""


class PrivacyTable(SettingsTable):
    """``[privacy]``: what the server is kept from seeing, by masks and by noise."""

    secure_aggregation: bool = Field(
        False,
        description="whether sites, that is nodes and gateways, mask their sums, so that the "
        "server sees the sum over all sites alone (docs/secure-aggregation.md)",
    )
    sites: int | None = Field(
        None,
        ge=LEAST_SITES,
        description="secure aggregation without nodes: how many sites the devices are dealt to; "
        "default 10, or as many as there are devices",
    )
    device_masks: bool = Field(
        False,
        description="whether boards mask what they have learnt, so that their host, which is a "
        "gateway or this process, sees the sum over its boards alone; their firmware has to be "
        "built for it, and a simulation does without (docs/secure-aggregation.md)",
    )
    noise_multiplier: float = Field(
        0.0,
        ge=0,
        le=1000,
        allow_inf_nan=False,
        description="standard deviation of the noise that a site adds to the sum of what its "
        "devices have changed, in multiples of `clip`; 0 for no noise",
    )
    noise_sites: int = Field(
        1,
        ge=1,
        description="with secure aggregation: how many sites make that noise together; sums of "
        "fewer sites are not unmasked. With 1, each site's own sum has all of it",
    )
    clip: int = Field(
        0,
        ge=0,
        lt=LARGEST_CLIP,
        description="bound on the L2 norm of what one device changes in an exchange, in units of "
        "its weights; whoever changes more is scaled down to it",
    )
    delta: float = Field(
        1e-5,
        gt=0,
        lt=1,
        description="probability with which the promise that epsilon makes may fail; less than 1 / "
        "`devices`",
    )
    centre: int | None = Field(
        None,
        ge=-128,
        le=127,
        description="what a recipe that centres its input subtracts from every feature, a number "
        "that is not made from the devices' samples; there is no calibration then",
    )
    noise_seed: int | None = Field(
        None,
        ge=0,
        lt=1 << 64,
        description="for tests alone: makes the noise repeatable, and worthless",
    )

    def noise(self) -> Noise | None:
        """The noise that a site adds; None for none."""
        if not self.noise_multiplier:
            return None
        return Noise.of(
            self.clip, self.noise_multiplier, self.noise_sites, self.noise_seed,
            self.secure_aggregation,
        )  # fmt: skip


def simulated_sites(experiment: "Experiment") -> int:
    """How many sites the devices are dealt to where there are no nodes."""
    privacy = experiment.privacy
    return privacy.sites or min(max(SITES, privacy.noise_sites), experiment.devices)


def check_privacy(experiment: "Experiment") -> None:
    """Make sure that ``[privacy]`` goes with the other settings.

    Raises:
        ValueError: naming the one that does not.
    """
    for problem in chain(
        _problems_of_masks(experiment),
        _problems_of_device_masks(experiment),
        _problems_of_noise(experiment),
        _problems_of_both(experiment),
    ):
        raise ValueError(problem)


def doubts_of_privacy(experiment: "Experiment") -> Iterator[str]:
    """What makes the promise of a run with noise doubtful, before it begins."""
    privacy = experiment.privacy
    if privacy.noise() is None:
        return
    if privacy.noise_seed is not None:
        yield (
            "privacy.noise_seed: this run is not private: whoever knows the seed takes the noise "
            "off again; leave it out"
        )
    if privacy.delta * experiment.devices >= 1:
        yield (
            f"privacy.delta: {privacy.delta:g} is not below 1 / {experiment.devices}, one device "
            "of all: publishing one device's data as they are would keep such a promise; choose "
            "less"
        )


def _problems_of_masks(experiment: "Experiment") -> Iterator[str]:
    """What does not go with secure aggregation, the most general first."""
    privacy = experiment.privacy
    if not privacy.secure_aggregation:
        if privacy.sites is not None:
            yield "privacy.sites: goes with privacy.secure_aggregation = true, and only with it"
        return
    if experiment.baseline is not None:
        yield (
            f"privacy.secure_aggregation: the baseline {experiment.baseline!r} has no devices "
            "whose sums could be masked; leave baseline out, or set it to false"
        )
    asked = experiment.devices_per_round or experiment.devices
    if asked < LEAST_SITES:
        field = "devices_per_round" if experiment.devices_per_round else "devices"
        yield (
            f"privacy.secure_aggregation: a sum hides its parts among {LEAST_SITES} sites or more, "
            f"and {field} is {asked}; choose {LEAST_SITES} or more"
        )
    if privacy.sites is not None and privacy.sites > experiment.devices:
        yield (
            f"privacy.sites: {privacy.sites} sites have {experiment.devices} devices; each needs "
            "one, so choose fewer"
        )


def _problems_of_device_masks(experiment: "Experiment") -> Iterator[str]:
    """What does not go with masks of single devices."""
    privacy = experiment.privacy
    if not privacy.device_masks:
        return
    if experiment.baseline is not None:
        yield (
            f"privacy.device_masks: the baseline {experiment.baseline!r} has no devices that could "
            "mask anything; leave baseline out, or set it to false"
        )
    asked = experiment.devices_per_round or experiment.devices
    if asked < LEAST_DEVICES:
        field = "devices_per_round" if experiment.devices_per_round else "devices"
        yield (
            f"privacy.device_masks: a sum hides its parts among {LEAST_DEVICES} devices or more, "
            f"and {field} is {asked}; choose {LEAST_DEVICES} or more"
        )
    if privacy.noise_multiplier:
        yield (
            "privacy.device_masks: noise (privacy.noise_multiplier) hides a device only if its "
            "site holds it to privacy.clip, and under its own masks the site does not see it; "
            "leave one of them out"
        )


def _problems_of_noise(experiment: "Experiment") -> Iterator[str]:
    """What is wrong, the most general first."""
    privacy = experiment.privacy
    if not privacy.noise_multiplier:
        given = privacy.model_dump(exclude_defaults=True)
        for name in ("clip", "delta", "centre", "noise_sites", "noise_seed"):
            if name in given:
                yield f"privacy.{name}: goes with privacy.noise_multiplier, and only with it"
        return
    if not privacy.clip:
        yield (
            "privacy.clip: goes with privacy.noise_multiplier, which needs it; give what a "
            "device usually changes, as runs on data that are nobody's secret show it, or half"
        )
    yield from _problems_of_shared_noise(experiment)
    sigma = privacy.noise_multiplier * privacy.clip
    if sigma > LARGEST_SIGMA or sigma * experiment.buffer * experiment.devices > LARGEST_SUM:
        yield (
            f"privacy.noise_multiplier: {privacy.noise_multiplier:g} times clip is noise of "
            f"{sigma:,.0f}; 64-bit sums have room for {LARGEST_SIGMA:,}, and for {LARGEST_SUM:,} "
            "times buffer and devices; choose less"
        )
    if experiment.baseline is not None:
        yield (
            f"privacy.noise_multiplier: baseline = {experiment.baseline!r} has no noise; leave one "
            "of them out"
        )
    if experiment.at_end != "restart":
        yield (
            "at_end: with noise every device counts the same, and the last buffer before a stop "
            "may be smaller; leave at_end = 'restart'"
        )
    if experiment.personal.rounds:
        yield (
            "personal.rounds: their scores tell without noise what training did to a device; set "
            "personal.rounds = 0, or leave privacy.noise_multiplier out"
        )
    calibrates = experiment.build_recipe().calibration_samples > 0
    if calibrates and privacy.centre is None:
        yield (
            f"privacy.centre: recipe = {experiment.recipe!r} takes the centre of the input from "
            "sums of the devices' samples, which would leave them without noise; give a number "
            "that stands for the mean of every feature and is not made from these samples, such "
            "as privacy.centre = 0"
        )
    if privacy.centre is not None and not calibrates:
        yield (
            f"privacy.centre: recipe = {experiment.recipe!r} does not centre its input; leave it "
            "out"
        )


def _problems_of_shared_noise(experiment: "Experiment") -> Iterator[str]:
    """What is wrong where sites make the noise together."""
    privacy = experiment.privacy
    if privacy.noise_sites == 1:
        return
    if not privacy.secure_aggregation:
        yield (
            "privacy.noise_sites: a site's sum has a part of the noise alone then, so nobody may "
            "see it; set privacy.secure_aggregation = true, or leave noise_sites at 1"
        )
    if experiment.mode != "full-network":
        yield (
            f"privacy.noise_sites: goes with mode = 'full-network', in which all sites' sums have "
            f"noise in all layers, and mode is {experiment.mode!r}; leave noise_sites at 1"
        )
    asked = experiment.devices_per_round or experiment.devices
    for field, most in (
        ("devices_per_round" if experiment.devices_per_round else "devices", asked),
        ("privacy.sites", privacy.sites or asked),
    ):
        if privacy.noise_sites > most:
            yield (
                f"privacy.noise_sites: no sum is of {privacy.noise_sites} sites, for {field} is "
                f"{most}; choose {most} or less, and less than all sites, some of which drop out"
            )


def _problems_of_both(experiment: "Experiment") -> Iterator[str]:
    """What masks and noise alike keep the server from doing."""
    privacy, robust = experiment.privacy, experiment.robust
    if privacy.secure_aggregation or privacy.device_masks:
        field = "secure_aggregation" if privacy.secure_aggregation else "device_masks"
        reason = f"under masks (privacy.{field}) the server sees no single device's update"
    elif privacy.noise_multiplier:
        reason = "with noise (privacy.noise_multiplier) no device's norm or update leaves its site"
    else:
        return
    if robust.aggregate != "mean":
        yield f"robust.aggregate: {reason}; leave it at 'mean', or leave the other out"
    if robust.clip:
        yield f"robust.clip: {reason}, from which its bound follows; leave one of them out"
