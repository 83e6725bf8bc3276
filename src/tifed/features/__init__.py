"""Frozen integer ConvNets: features that a small network on the device learns from."""

from tifed.features.extractor import Extractor
from tifed.features.extractor_file import load_extractor, save_extractor
from tifed.features.layers import Convolution, Dense, FeatureLayer, MaxPool

__all__ = [
    "Convolution",
    "Dense",
    "Extractor",
    "FeatureLayer",
    "MaxPool",
    "load_extractor",
    "save_extractor",
]
