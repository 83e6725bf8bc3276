"""Updates and models as short numbers of what changed (SPEC, section 25)."""

from tifed.rule.compression.change import (
    Change,
    Changes,
    quantised,
    rebuilt,
    rounding_key,
    sent_down,
    shortened,
)
from tifed.rule.compression.residual import RESIDUAL_TOP, with_residual

__all__ = [
    "RESIDUAL_TOP",
    "Change",
    "Changes",
    "quantised",
    "rebuilt",
    "rounding_key",
    "sent_down",
    "shortened",
    "with_residual",
]
