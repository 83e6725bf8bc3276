"""Fleets: who does the local work, and where."""

from tifed.fleets.faulty import Fails, FaultyFleet, failing
from tifed.fleets.inputs import FleetInputs
from tifed.fleets.noisy import NoisyFleet
from tifed.fleets.simulated import SimulatedFleet

__all__ = ["Fails", "FaultyFleet", "FleetInputs", "NoisyFleet", "SimulatedFleet", "failing"]
