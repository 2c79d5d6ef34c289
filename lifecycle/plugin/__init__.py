"""The pytest plugin: scenario files are collected, a file owns a run, an item reports a step."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from lifecycle.machine.garbage import all_is_loaded, spare_what_is_loaded
from lifecycle.run.session.option_rows import ROWS
from lifecycle.scenario.recognise import is_scenario

_SUFFIXES = {".yaml", ".yml"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of ``lifecycle run``, under names that no other plugin has."""
    group = parser.getgroup("lifecycle", "Docker lifecycle scenarios")
    for row in ROWS:
        group.addoption(f"--lifecycle-{row.name}", **row.argument())
    group.addoption(
        "--lifecycle-progress", action="store_true", help="our own lines in place of pytest's"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; keep one scenario on one worker; report from the controller."""
    config.addinivalue_line("markers", "gpu: a step that needs a GPU")
    if config.option.lifecycle_progress and hasattr(config, "workerinput"):
        spare_what_is_loaded()
    if _has_workers(config):
        # A scenario's steps share one run: they stay on one worker, and a dead worker's file
        # must not be begun again in its middle.
        config.option.dist = "loadfile"
        config.option.maxworkerrestart = "0"


def pytest_sessionstart(session: pytest.Session) -> None:
    """Now every other plugin is there: ours that must come last."""
    from lifecycle.plugin.late_hooks import Late

    session.config.pluginmanager.register(Late(session.config), "lifecycle-late")
    if session.config.option.lifecycle_progress and _has_workers(session.config):
        all_is_loaded()  # who has workers collects nothing


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A YAML file with a top-level ``scenario:`` is one of ours."""
    if file_path.suffix not in _SUFFIXES or not is_scenario(file_path):
        return None
    from lifecycle.plugin.items import ScenarioFile, SeveralPeople

    several = len(set(parent.config.option.lifecycle_user)) > 1
    return (SeveralPeople if several else ScenarioFile).from_parent(parent, path=file_path)


def pytest_report_teststatus(
    report: pytest.TestReport, config: pytest.Config
) -> tuple[str, str, str] | None:
    """With our own progress lines pytest prints no letters."""
    if not config.option.lifecycle_progress or report.when != "call":
        return None
    return report.outcome, "", ""


def _has_workers(config: pytest.Config) -> bool:
    return getattr(config.option, "dist", "no") != "no"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put a step's result on its report, which crosses to the controller."""
    report = yield
    payload = getattr(item, "payload", None)
    if payload is not None and call.when == "call":
        report.lifecycle = payload()  # type: ignore[attr-defined]
        if report.skipped and isinstance(report.longrepr, tuple):
            path, line, name = item.reportinfo()
            reason = f"Skipped: {item.printable(item.result.reason)}"  # type: ignore[attr-defined]
            report.longrepr = (os.fspath(path), (line or 0) + 1, reason)
            _ = name
    return report
