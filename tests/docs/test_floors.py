"""The floors in DESIGN.md are those that ``make lint`` holds the imports to."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_table_of_floors_is_the_contract() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = project["tool"]["importlinter"]["contracts"][0]["layers"]
    _, _, section = (ROOT / "DESIGN.md").read_text(encoding="utf-8").partition("\n## Floors\n")
    rows = re.findall(r"^\| (`.*?) \|", section.partition("\n## ")[0], re.M)
    table = [re.findall(r"`(\w+)`", row) for row in rows]
    assert table.pop() == ["core"]  # C, which imports nothing
    assert table == [layer.split(" | ") for layer in contract]
