"""Where samples come from: named data sets and a user's own files, as int8 features and labels."""

from tifed.data.catalogue import DATASETS, default_signal, load, names, options
from tifed.data.folders import Folders
from tifed.data.own_files import READERS
from tifed.data.quantisation.calibration import calibrate, choose
from tifed.data.quantisation.quantisation import Quantisation
from tifed.data.quantisation.quantisation_file import load_quantisation
from tifed.data.sample_format import SampleFormat, sample_format_of
from tifed.data.samples import Dataset, Samples
from tifed.data.table import Table

__all__ = [
    "DATASETS",
    "READERS",
    "Dataset",
    "Folders",
    "Quantisation",
    "SampleFormat",
    "Samples",
    "Table",
    "calibrate",
    "choose",
    "default_signal",
    "load",
    "load_quantisation",
    "names",
    "options",
    "sample_format_of",
]
