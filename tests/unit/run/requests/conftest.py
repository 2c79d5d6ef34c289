"""A run that is asked by requests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.run.requests.fakes import RUN, Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


@pytest.fixture
def shared(run: Run) -> Run:
    """An engine with a container, a network and a volume of ours, and such of others."""
    run.engine.add("container", "theirs", "b")
    run.engine.add("network", "theirs", "b")
    run.engine.add("volume", "theirs")
    for kind in ("container", "network"):
        run.make(kind, f"mine-{RUN}", "a")
    run.make("volume", f"mine-{RUN}")
    return run


@pytest.fixture
def tagged(run: Run) -> Run:
    """An engine with a colleague's tag, an image to make tags of, and a container of ours."""
    run.engine.tag("b", "theirs:latest")
    run.engine.tag("c", "me/x:latest")
    run.make("container", f"box-{RUN}", "a")
    return run
