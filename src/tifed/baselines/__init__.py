"""Floating-point baselines, for comparison only: nothing here is meant for a device."""

from tifed.baselines.float_network import FloatParameters, predict
from tifed.baselines.float_server import FloatState
from tifed.baselines.float_training import FloatTraining

__all__ = ["FloatParameters", "FloatState", "FloatTraining", "predict"]
