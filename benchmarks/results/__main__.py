"""``python -m benchmarks.results``: run what is missing, write the pages."""

import argparse
from pathlib import Path

from benchmarks.results import pages, pictures
from benchmarks.results.carry_out import carry_out
from benchmarks.results.groups import GROUPS, all_rows

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "results"


def main() -> None:
    """Everything, or only the runs of some groups."""
    parser = argparse.ArgumentParser(description="The runs behind docs/results.md, and the page.")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--data-dir", type=Path, help="your folder of data sets")
    parser.add_argument("--group", action="append", choices=GROUPS, help="run these rows alone")
    parser.add_argument("--again", action="store_true", help="also what was run before")
    parser.add_argument("--only-cached", action="store_true", help="run nothing, write the page")
    options = parser.parse_args()
    names = [] if options.only_cached else options.group or list(GROUPS)
    wanted = [row for name in names for row in GROUPS[name]()]
    rows = all_rows()
    done = carry_out(rows, FOLDER, options.jobs, options.data_dir, wanted, options.again)
    pictures.write_pictures(FOLDER, done)
    pages.write_pages(ROOT, rows, done)
    print(ROOT / "docs" / "results.md")


if __name__ == "__main__":
    main()
