"""Fleets: who does the local work, and where."""

from tifed.fleets.faulty import FaultyFleet
from tifed.fleets.simulated import SimulatedFleet

__all__ = ["FaultyFleet", "SimulatedFleet"]
