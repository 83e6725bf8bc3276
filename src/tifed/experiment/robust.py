"""``[robust]`` of an experiment file: what keeps single devices from moving the model at will."""

from pydantic import Field

from tifed.experiment.tables import SettingsTable
from tifed.federation.robust import Aggregate, Robust


class RobustTable(SettingsTable):
    """``[robust]``: what keeps single devices from moving the model at will."""

    clip: float = Field(
        0.0,
        ge=0,
        le=1000,
        description="how many times as far as is usual one device may move a layer in an "
        "exchange, in steps of a hundredth; its update is scaled down to that; 2 is a good choice "
        "(docs/robust-aggregation.md); 0 for any distance",
    )
    aggregate: Aggregate = Field(
        "mean",
        description="how devices' updates become one: their mean by samples, or of each "
        "parameter the median or the trimmed mean, where the server sees each device's update",
    )
    trim: float = Field(
        0.2,
        ge=0,
        lt=0.5,
        description="trimmed mean: share of the devices that is left out at either end",
    )

    @property
    def on(self) -> bool:
        """Whether anything is asked for."""
        return self.build().on

    def build(self) -> Robust:
        """The same in whole numbers."""
        return Robust(round(self.clip * 100), self.aggregate, round(self.trim * 1_000_000))
