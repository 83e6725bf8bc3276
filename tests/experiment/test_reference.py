from pathlib import Path

from tifed.experiment.reference import markdown


def test_the_documentation_lists_every_field_as_it_is() -> None:
    """To mend: python -c 'from tifed.experiment.reference import markdown; print(markdown())'."""
    page = Path(__file__).parents[2] / "docs/experiments.md"
    assert page.read_text(encoding="utf-8").endswith(markdown())
