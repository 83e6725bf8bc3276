"""Where samples come from: named data sets and a user's own files, as int8 features and labels."""

from tifed.datasets.calibration import calibrate, choose
from tifed.datasets.catalogue import load, names, options
from tifed.datasets.quantisation import Quantisation
from tifed.datasets.quantisation_file import load_quantisation
from tifed.datasets.samples import Dataset, Samples

__all__ = [
    "Dataset",
    "Quantisation",
    "Samples",
    "calibrate",
    "choose",
    "load",
    "load_quantisation",
    "names",
    "options",
]
