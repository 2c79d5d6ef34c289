"""A whole run in memory: a scenario's own text, its real session, and nothing of this machine's."""

from __future__ import annotations

import os
import pwd
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lifecycle.diagnosis.finding import Finding, Symptom
from lifecycle.engine.daemon import EngineSilent
from lifecycle.run.outcome import StepResult
from lifecycle.run.scenario_run import LiveRun
from lifecycle.run.session.open_terminals import OpenTerminal
from lifecycle.run.session.options import Options
from lifecycle.run.session.session import Session
from lifecycle.scenario.load import loads
from lifecycle.text.json_object import Json
from tests.fakes.cli import FakeCli
from tests.fakes.daemon import FakeDaemon
from tests.fakes.gate import FakeGateProcess, FakeGates

SECRET = "s3cret-word"
BASE = "debian:bookworm"


class FakeWorld:
    """An engine with a base image, a docker that asks it, and runs that think nothing of it."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        # A socket's path may not be long, as a test's folder may.
        self.folder = folder
        self.daemon = FakeDaemon()
        self.cli = FakeCli(self.daemon, folder)
        self.gates = self._opened(self.daemon.address)
        self.said: list[str] = []
        self.symptoms: list[Symptom] = []
        self.finds: Callable[[Symptom], list[Finding]] = lambda _: []
        self.environ = {
            "DOCKER_HOST": self.daemon.address,
            "PATH": self.cli.path,
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "TERM": "dumb",
            "LIFECYCLE_SECRET_PASSWORD": SECRET,
        }
        self.lab = folder / "lab.toml"
        self.lab.write_text(f'base_image = "{BASE}"\n')
        self.daemon.make_image(BASE)
        self.runs: list[LiveRun] = []
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.setattr(tempfile, "tempdir", str(folder))
        patch.setattr("lifecycle.run.session.open.connect", lambda *_: self.daemon)
        patch.setattr("lifecycle.run.session.open.Gates", self._opened)
        patch.setattr("lifecycle.gate.ahead.GateProcess", FakeGateProcess)
        patch.setattr("lifecycle.run.steps.findings._diagnosed", self._diagnose)
        patch.setattr("lifecycle.run.observing.step_facts.EVENT_LIMIT", 0.2)

    def _opened(self, engine: str, _process: FakeGateProcess | None = None) -> FakeGates:
        """The gates of the next run."""
        self.gates = self.cli.gates = FakeGates(engine, self.cli.address)
        return self.gates

    def share_the_machine(self) -> None:
        """The engine is on this machine from now on, though none of its processes are."""
        here = os.uname()
        mine = {"KernelVersion": here.release, "Name": here.nodename}
        self.daemon.info = {**self.daemon.info, **mine}

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Meanwhile the engine takes no new callers."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.daemon, "away", lambda: EngineSilent("it gives no answer"))
            yield

    @property
    def options(self) -> dict[str, Any]:
        """Who runs the tests does the steps; root must say so."""
        me = pwd.getpwuid(os.geteuid()).pw_name
        return {"user": me, "lab": str(self.lab), "gpu": "off"}

    def run(self, text: str, **options: Any) -> LiveRun:
        """A run of a scenario of these steps, or of this whole text; not yet opened."""
        head = "" if text.lstrip().startswith("scenario:") else "scenario: s\nsteps:\n"
        scenario = loads(head + text, str(self.folder / "a.yaml"))
        live = LiveRun(
            scenario,
            Options(**{**self.options, **options}),
            self.said.append,
            self.environ,
        )
        self.runs.append(live)
        # What a test has put there was there long ago: the engine tells of the whole last second.
        self.daemon.told.clear()
        return live

    def steps(self, text: str, **options: Any) -> list[StepResult]:
        """What came of each step, while the run is not yet over."""
        live = self.run(text, **options)
        return [live.step(n) for n in range(len(live.steps))]

    def step(self, text: str, **options: Any) -> StepResult:
        """What came of the last one."""
        return self.steps(text, **options)[-1]

    @property
    def live(self) -> LiveRun:
        """The run that was begun last."""
        return self.runs[-1]

    @property
    def session(self) -> Session:
        """What it holds open."""
        session = self.live._session
        assert session is not None, "it could not begin"
        return session

    def real(self, name: str) -> str:
        """How a thing is really called; an image by its repository."""
        return f"{name}-{self.live.id}"

    def container(self, name: str) -> Json:
        """A container of the run, by its written name."""
        seen = self.daemon.container(self.real(name))
        assert seen is not None, f"there is no {name}"
        return seen

    def _diagnose(self, symptom: Symptom, *_: object) -> list[Finding]:
        self.symptoms.append(symptom)
        return self.finds(symptom)


@contextmanager
def fake_world(patch: pytest.MonkeyPatch) -> Iterator[FakeWorld]:
    """One whose runs are closed at the end."""
    with tempfile.TemporaryDirectory(prefix="lw-") as name:
        world = FakeWorld(Path(name), patch)
        with world.cli.served():
            try:
                yield world
            finally:
                for live in world.runs:
                    live.close()


def broken(result: StepResult) -> list[tuple[str, object, object]]:
    """The broken checks of a step: what about, what was expected, what was found."""
    return [(c.about, c.expected, c.actual) for c in result.checks if c.status == "broken"]


def kept(result: StepResult) -> set[str]:
    """What the kept checks of a step are about."""
    return {c.about for c in result.checks if c.status == "kept"}


def reasons(result: StepResult) -> dict[str, str]:
    """Why each unverified check of a step is that."""
    return {c.about: c.source for c in result.checks if c.status == "unverified"}


def open_terminal(world: FakeWorld, name: str) -> OpenTerminal:
    """A terminal that a step has left open."""
    opened = world.session.terminals.get(name)
    assert opened is not None, f"terminal {name} is not open"
    return opened
