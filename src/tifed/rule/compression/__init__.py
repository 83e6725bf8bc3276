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

__all__ = ["Change", "Changes", "quantised", "rebuilt", "rounding_key", "sent_down", "shortened"]
