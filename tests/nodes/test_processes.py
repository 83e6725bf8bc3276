"""Which processes a federation may end."""

import pytest

from tifed.nodes.local.processes import marked


@pytest.mark.parametrize("mark", ["", "FLWR_HOME", "FLWR_HOME=", "=value"])
def test_a_mark_that_others_may_have_is_refused(mark: str) -> None:
    """An empty one is in every environment, and what is found is ended."""
    with pytest.raises(ValueError, match="is not NAME=value"):
        marked(mark)


def test_nobody_has_a_mark_that_was_not_given() -> None:
    assert marked("TIFED_TEST_MARK=nobody's") == []
