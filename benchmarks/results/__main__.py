"""``python -m benchmarks.results``: run what is missing, write the pages."""

import argparse
from pathlib import Path

from benchmarks.results import ablation, hard, headline, pages, pictures, shapes, upload
from benchmarks.results.carry_out import carry_out

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "results"


def main() -> None:
    """Everything, or only the runs of some sections."""
    parser = argparse.ArgumentParser(description="The runs behind docs/results.md, and the page.")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--data-dir", type=Path, help="your folder of data sets")
    parser.add_argument("--again", action="store_true", help="run everything again")
    parser.add_argument("--only-kept", action="store_true", help="run nothing, write the page")
    options = parser.parse_args()
    sections = (headline, hard, ablation, shapes)
    rows = [row for section in sections for row in section.rows()]
    done = carry_out(rows, FOLDER, options.jobs, options.again, options.data_dir, options.only_kept)
    updates = upload.carry_out(FOLDER, options.again, options.data_dir)
    pictures.write_pictures(FOLDER, done)
    pages.write_pages(ROOT, rows, done, updates)
    print(ROOT / "docs" / "results.md")


if __name__ == "__main__":
    main()
