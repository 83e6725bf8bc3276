"""Floating-point baselines, for comparison only: nothing here is meant for a device."""

from tifed.baselines.float_fedavg import FloatFedAvg, FloatRound
from tifed.baselines.float_network import Algorithm, FloatParameters, predict

__all__ = ["Algorithm", "FloatFedAvg", "FloatParameters", "FloatRound", "predict"]
