"""Frozen integer ConvNets: features that a small network on the device learns from."""

from tifed.extractor.extractor import Extractor
from tifed.extractor.extractor_file import load_extractor, save_extractor
from tifed.extractor.layers import Convolution, Dense, FeatureLayer, MaxPool

__all__ = [
    "Convolution",
    "Dense",
    "Extractor",
    "FeatureLayer",
    "MaxPool",
    "load_extractor",
    "save_extractor",
]
