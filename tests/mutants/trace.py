"""Runs test files and writes down, for each, the lines of lifecycle/ that each test runs.

``python -m tests.mutants.trace TEST_FILE... -- OUTPUT...``; a process of its own, since what is
imported before the tracing begins is not seen.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import coverage
import pytest

_TO = Path.cwd()


class Tracing:
    """Each test, from its set-up to its tear-down, is a context of its own."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self._measured = measured
        self.seconds: dict[str, float] = defaultdict(float)
        self.failed: set[str] = set()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self._measured.switch_context(item.nodeid)
        try:
            return (yield)
        finally:
            self._measured.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration
        if not report.passed:
            self.failed.add(report.nodeid)


def main(words: list[str]) -> None:
    """Run them and write it down; a test that fails or is skipped is left out."""
    middle = words.index("--")
    files, outputs = words[:middle], words[middle + 1 :]
    source = str(_TO / "lifecycle")
    measured = coverage.Coverage(data_file=None, source=[source], config_file=False, messages=False)
    tracing = Tracing(measured)
    measured.start()
    pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", *files], plugins=[tracing])
    measured.stop()
    lines = _lines(measured.get_data())
    for file, output in zip(files, outputs, strict=True):
        mine = {t for t in tracing.seconds if t.partition("::")[0] == file} - tracing.failed
        told = {
            "seconds": {t: round(tracing.seconds[t], 3) for t in mine},
            "lines": {t: lines.get(t, {}) for t in mine},
        }
        Path(output).write_text(json.dumps(told))


def _lines(data: coverage.CoverageData) -> dict[str, dict[str, list[int]]]:
    found: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for file in data.measured_files():
        name = str(Path(file).relative_to(_TO))
        for number, contexts in data.contexts_by_lineno(file).items():
            for context in contexts:
                found[context][name].append(number)
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
