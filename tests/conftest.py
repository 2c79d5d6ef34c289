"""What every test shares: engine tests fail, rather than skip, where an engine was promised."""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
REQUIRED = "LIFECYCLE_REQUIRE_ENGINE"
ENGINE_ANSWERS_WITHIN_S = 10
executed_engine_tests: list[str] = []


@pytest.fixture
def passable() -> Iterator[Path]:
    """A temporary folder that other people may pass through, as they may not through tmp_path."""
    with tempfile.TemporaryDirectory(prefix="lifecycle-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@functools.cache
def engine_missing() -> str:
    """Say why no engine answers the docker CLI; empty when one does."""
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=ENGINE_ANSWERS_WITHIN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return answer.stderr.strip() if answer.returncode else ""


def engine_is_required() -> bool:
    """Tell whether the person or CI that runs the tests promised an engine."""
    return bool(os.environ.get("CI") or os.environ.get(REQUIRED))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip an engine test where there is no engine; fail it where one was promised."""
    if item.get_closest_marker("engine") and (reason := engine_missing()):
        give_up = pytest.fail if engine_is_required() else pytest.skip
        give_up(f"no Docker engine: {reason}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Mark an engine test's report; the mark crosses xdist with it."""
    report = yield
    vars(report)["on_engine"] = item.get_closest_marker("engine") is not None
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count the engine tests that ran to a verdict."""
    if report.when == "call" and not report.skipped and vars(report).get("on_engine"):
        executed_engine_tests.append(report.nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a session that was to test an engine and tested none."""
    is_worker = hasattr(session.config, "workerinput")
    if os.environ.get(REQUIRED) and not executed_engine_tests and not is_worker:
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many engine tests ran, so that their absence is seen."""
    terminalreporter.write_line(f"engine tests executed: {len(executed_engine_tests)}")
    if os.environ.get(REQUIRED) and not executed_engine_tests:
        terminalreporter.write_line(f"{REQUIRED} is set, so a run without any fails")
