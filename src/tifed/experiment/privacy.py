"""``[privacy]``: what the server is kept from seeing."""

from typing import TYPE_CHECKING

from pydantic import Field

from tifed.experiment.tables import SettingsTable
from tifed.secure_aggregation.graph import LEAST_SITES

if TYPE_CHECKING:
    from tifed.experiment.schema import Experiment

SITES = 10
"""That devices are dealt to in this process, where an experiment does not say."""


class PrivacyTable(SettingsTable):
    """``[privacy]``: what the server is kept from seeing."""

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


def simulated_sites(experiment: "Experiment") -> int:
    """How many sites the devices are dealt to where there are no nodes."""
    return experiment.privacy.sites or min(SITES, experiment.devices)


def check_privacy(experiment: "Experiment") -> None:
    """Make sure that ``[privacy]`` goes with the other settings.

    Raises:
        ValueError: naming the one that does not.
    """
    privacy = experiment.privacy
    if not privacy.secure_aggregation:
        if privacy.sites is not None:
            raise ValueError(
                "privacy.sites: goes with privacy.secure_aggregation = true, and only with it"
            )
        return
    if experiment.baseline is not None:
        raise ValueError(
            f"privacy.secure_aggregation: the baseline {experiment.baseline!r} has no devices "
            "whose sums could be masked; leave baseline out, or set it to false"
        )
    asked = experiment.devices_per_round or experiment.devices
    if asked < LEAST_SITES:
        field = "devices_per_round" if experiment.devices_per_round else "devices"
        raise ValueError(
            f"privacy.secure_aggregation: a sum hides its parts among {LEAST_SITES} sites or more, "
            f"and {field} is {asked}; choose {LEAST_SITES} or more"
        )
    if privacy.sites is not None and privacy.sites > experiment.devices:
        raise ValueError(
            f"privacy.sites: {privacy.sites} sites have {experiment.devices} devices; each needs "
            "one, so choose fewer"
        )
