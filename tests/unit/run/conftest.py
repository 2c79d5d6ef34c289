"""A scenario from text, and the plan of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lifecycle.run.plan.build import plan
from lifecycle.run.plan.steps import Plan, PlannedStep
from lifecycle.run.plan.variables import Place, RunValues, variables
from lifecycle.run.secrets.secrets import Secrets
from lifecycle.scenario.errors import ScenarioError
from lifecycle.scenario.lab import Lab
from lifecycle.scenario.load import load
from tests.fakes.world import FakeWorld, fake_world
from tests.unit.checks.samples import ME

RUN = "r1f2e3d4c"
Planner = Callable[..., Plan]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeWorld]:
    """An engine in memory, and runs on it."""
    with fake_world(monkeypatch) as made:
        yield made


@pytest.fixture
def planned(tmp_path: Path) -> Planner:
    """Plans a scenario file of these steps, or of this whole text."""

    def make(text: str, *, as_written: bool = False, **files: str) -> Plan:
        folder = tmp_path / "scenario"
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            (folder / f"{name}.j2").write_text(content)
        file = folder / "a.yaml"
        head = "" if text.lstrip().startswith("scenario:") else "scenario: s\nsteps:\n"
        file.write_text(head + text)
        work = tmp_path / "work"
        work.mkdir(exist_ok=True)
        values = RunValues(
            id=RUN, folder=str(work), shared=str(work), choose_port=lambda port: port + 1
        )
        lab = Lab(base_image="debian:bookworm", nas_home="/nas/kim").model_dump()
        secret = Secrets({"LIFECYCLE_SECRET_PASSWORD": "s3cret-word"})
        names = variables(ME.as_template_values(), lab, values, secret)
        places = {"": Place(names, str(work))}
        return plan(load(file), places, RUN, as_written=as_written)

    return make


@pytest.fixture
def first(planned: Planner) -> Callable[..., PlannedStep]:
    """The first step of a plan."""

    def make(text: str, **files: str) -> PlannedStep:
        return planned(text, **files).steps[0]

    return make


@pytest.fixture
def wrong(planned: Planner) -> Callable[..., tuple[str, str]]:
    """Plans what must be refused; gives the error's line:col and what it says."""

    def make(text: str, **files: str) -> tuple[str, str]:
        with pytest.raises(ScenarioError) as caught:
            planned(text, **files)
        error: Any = caught.value
        return f"{error.mark.line}:{error.mark.col}", str(error).partition(": ")[2]

    return make
