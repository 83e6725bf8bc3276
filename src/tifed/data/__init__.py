"""Where samples come from: named data sets and a user's own files, as int8 features and labels."""

from tifed.data.catalogue import load, names, options
from tifed.data.quantisation.calibration import calibrate, choose
from tifed.data.quantisation.quantisation import Quantisation
from tifed.data.quantisation.quantisation_file import load_quantisation
from tifed.data.samples import Dataset, Samples

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
