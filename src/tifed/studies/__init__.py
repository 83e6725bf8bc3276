"""The paper's experiments, run again: ours beside the published figures.

from pathlib import Path
from tifed.studies import carry_out, study

reproduction = carry_out(study("fashion-mnist"), Path("runs/again"), runs=3, jobs=2)
"""

from tifed.studies.cited import Published, published
from tifed.studies.outcome import Outcome
from tifed.studies.reproduction import Reproduction, carry_out
from tifed.studies.setting import Schedule, Setting, Study
from tifed.studies.studies import names, study
from tifed.studies.summary import SummaryRow, SummaryTable, csv_text, table
from tifed.studies.trials import SweepProgress, Trial, sweep
from tifed.studies.write import write_reproduction

__all__ = [
    "Outcome",
    "Published",
    "Reproduction",
    "Schedule",
    "Setting",
    "Study",
    "SummaryRow",
    "SummaryTable",
    "SweepProgress",
    "Trial",
    "carry_out",
    "csv_text",
    "names",
    "published",
    "study",
    "sweep",
    "table",
    "write_reproduction",
]
