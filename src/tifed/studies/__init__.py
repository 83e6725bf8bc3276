"""The paper's experiments, run again: ours beside the published figures.

from pathlib import Path
from tifed.studies import carry_out, study

reproduction = carry_out(study("fashion-mnist"), Path("runs/again"), runs=3, jobs=2)
"""

from tifed.studies.cited import Published, published
from tifed.studies.outcome import Run, play
from tifed.studies.reproduction import Progress, Reproduction, carry_out
from tifed.studies.schedule import Schedule
from tifed.studies.setting import Setting, Study
from tifed.studies.studies import names, study
from tifed.studies.summary import Row, Table, csv_text, table
from tifed.studies.write import write_reproduction

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
