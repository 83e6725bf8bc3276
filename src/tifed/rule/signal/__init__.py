"""Signal front ends: fixed integer maps from a sensor's readings to features."""

from tifed.rule.signal.base import SignalFrontEnd
from tifed.rule.signal.registered import SIGNALS

__all__ = ["SIGNALS", "SignalFrontEnd"]
