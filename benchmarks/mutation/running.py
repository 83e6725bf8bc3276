"""How pytest is run on the copy: the same examples each time, nothing kept on disk."""

import signal
from collections.abc import Collection, Mapping

import pytest
from hypothesis import HealthCheck, Phase, settings

# Examples that fail need not become small, and each mutant gets the same ones.
settings.register_profile(
    "mutation",
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=tuple(HealthCheck),
)


class Chosen:
    """Keeps to some tests, ends the process if one takes too long, notes the first that fails."""

    def __init__(self, seconds: Mapping[str, float]) -> None:
        """Say which tests, and how many seconds each may take."""
        self._seconds = seconds
        self.failed = self.why = ""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave the other tests of the same files out."""
        items[:] = [item for item in items if item.nodeid in self._seconds]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Set the clock; nobody handles its signal, so not even a loop in C goes on."""
        signal.setitimer(signal.ITIMER_REAL, self._seconds[item.nodeid])

    def pytest_sessionfinish(self) -> None:
        """Stop the clock."""
        signal.setitimer(signal.ITIMER_REAL, 0.0)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure."""
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note that a file cannot be imported."""
        self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.failed and not self.failed:
            self.failed, self.why = report.nodeid, report.longreprtext[-2000:]


def run(paths: Collection[str], *plugins: object) -> int:
    """Run the tests in ``paths`` up to the first failure; pytest's exit code."""
    return pytest.main(
        [
            *paths, "-x", "-q", "-p", "no:cacheprovider", "-p", "_hypothesis_pytestplugin",
            "--hypothesis-profile=mutation",
            "-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning",
        ],
        plugins=list(plugins),
    )  # fmt: skip
