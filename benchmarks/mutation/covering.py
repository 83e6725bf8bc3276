"""Which tests run which lines: ``python -m benchmarks.mutation.covering RESULT SOURCES TESTS``."""

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest
from benchmarks.mutation.running import run


class Watch:
    """Tells coverage which test is running, and how long each takes."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self._measured = measured
        self.seconds: dict[str, float] = defaultdict(float)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """One test, with its fixtures."""
        self._measured.switch_context(item.nodeid)
        result = yield
        self._measured.switch_context("")
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up a test's parts."""
        self.seconds[report.nodeid] += report.duration


def main() -> None:
    """Run all tests once and write what they reach."""
    result, sources, tests = Path(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3])
    here = Path.cwd()
    measured = coverage.Coverage(
        data_file=None, config_file=False, include=[str(here / file) for file in sources]
    )
    watch = Watch(measured)
    measured.start()
    code = run(tests, watch)
    measured.stop()
    data = measured.get_data()
    lines = {
        file: data.contexts_by_lineno(str(here / file))
        for file in sources
        if str(here / file) in data.measured_files()
    }
    result.write_text(json.dumps({"seconds": watch.seconds, "lines": lines}))
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
