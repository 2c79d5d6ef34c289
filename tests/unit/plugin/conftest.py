"""Pytest within pytest, on an engine in memory."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lifecycle.machine.end_signals import heeded
from lifecycle.text.json_object import Json
from tests.fakes.world import FakeWorld, fake_world


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeWorld]:
    """An engine in memory, which the plugin's runs of this process find too."""
    with fake_world(monkeypatch) as made:
        for name, value in made.environ.items():
            monkeypatch.setenv(name, value)
        for name in ("CI", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "PYTEST_ADDOPTS"):
            monkeypatch.delenv(name, raising=False)
        yield made


class Inner:
    """A pytest of its own in this process, its report and what it printed."""

    def __init__(self, pytester: pytest.Pytester, world: FakeWorld) -> None:
        self.pytester, self.world = pytester, world
        self.report_folder = Path(pytester.path) / "report"

    def write(self, text: str, name: str = "a") -> None:
        head = "" if text.lstrip().startswith("scenario:") else "scenario: s\nsteps:\n"
        (Path(self.pytester.path) / f"{name}.yaml").write_text(head + text)

    def run(self, *words: str) -> Any:
        """Run it; its outcomes."""
        options = self.world.options
        given = [f"--lifecycle-{key}={value}" for key, value in options.items()]
        given += ["-p", "no:hypothesispytest", "-p", "no:cacheprovider", "-p", "no:xdist"]
        self.world.daemon.told.clear()
        known = {number: signal.getsignal(number) for number in heeded()}
        try:
            return self.pytester.inline_run(
                *given, f"--lifecycle-report={self.report_folder}", *words
            )
        finally:
            for number, handler in known.items():
                signal.signal(number, handler)

    @property
    def report(self) -> Json:
        return dict(json.loads((self.report_folder / "report.json").read_text()))

    @property
    def steps(self) -> list[Json]:
        """The steps of the only scenario."""
        (scenario,) = self.report["scenarios"]
        return list(scenario["steps"])


@pytest.fixture
def inner(pytester: pytest.Pytester, world: FakeWorld) -> Inner:
    return Inner(pytester, world)
