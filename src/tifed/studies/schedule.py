"""How the workers' work becomes one model: by real averaging, or as the published code did it."""

from enum import StrEnum

from tifed.fleets.published import LABEL


class Schedule(StrEnum):
    """Which of the two a reproduction follows."""

    FEDERATED = "federated"
    PUBLISHED = "published"

    @property
    def label(self) -> str:
        """What it is, in words; every output says it."""
        if self is Schedule.PUBLISHED:
            return LABEL
        return "federated averaging: every device trains a copy of its own, the server averages"
