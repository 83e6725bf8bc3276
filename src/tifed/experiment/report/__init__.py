"""What a run leaves behind for people: a picture, and a page that needs nothing but a browser."""

from tifed.experiment.report.comparison import comparison_picture
from tifed.experiment.report.write import write_report

__all__ = ["comparison_picture", "write_report"]
