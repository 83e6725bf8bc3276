"""The paper's experiments, run again: ours beside the published figures.

from pathlib import Path
from tifed.reproduce import carry_out, study

reproduction = carry_out(study("fashion-mnist"), Path("runs/again"), runs=3, jobs=2)
"""

from tifed.reproduce.play import Run, play
from tifed.reproduce.published import Published, published
from tifed.reproduce.reproduction import Progress, Reproduction, carry_out
from tifed.reproduce.schedule import Schedule
from tifed.reproduce.studies import names, study
from tifed.reproduce.study import Setting, Study
from tifed.reproduce.table import Row, Table, csv_text, table
from tifed.reproduce.write import write_reproduction

__all__ = [
    "Progress",
    "Published",
    "Reproduction",
    "Row",
    "Run",
    "Schedule",
    "Setting",
    "Study",
    "Table",
    "carry_out",
    "csv_text",
    "names",
    "play",
    "published",
    "study",
    "table",
    "write_reproduction",
]
