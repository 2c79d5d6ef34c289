"""A gate before an engine that does what a test says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.gate.fakes import Engine, Opened
from tests.unit.run.requests.fakes import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path / "engine.sock") as made:
        yield made


@pytest.fixture
def gate(tmp_path: Path, engine: Engine, capfd: pytest.CaptureFixture[str]) -> Iterator[Opened]:
    """A gate of our own; what is asked of its judge is let through unless a test says else.

    Whatever happens, its process says nothing: what it prints would be on a person's terminal.
    """
    with Opened(tmp_path, engine.address) as made:
        yield made
    assert capfd.readouterr().err == ""
