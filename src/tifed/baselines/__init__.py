"""Baselines, for comparison only: nothing here is meant for a device."""

from tifed.baselines.baseline import BASELINES, Baseline

__all__ = ["BASELINES", "Baseline"]
