"""A step's limit counts for what is looked at after it, and what was not seen says so."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lifecycle.engine.daemon import Daemon
from lifecycle.facts.inside import Probe
from lifecycle.facts.look_inside import look_inside
from lifecycle.machine import deadline
from lifecycle.machine.deadline import TimeIsUpError
from lifecycle.run.outcome import Acted
from lifecycle.run.plan.steps import PlannedStep
from lifecycle.run.steps.time_limit import LEAST, unseen, within_limit
from lifecycle.scenario.load import loads
from tests.fake_engine import FakeEngine, fake_engine

WHY = "not seen before the step's limit of 2 s was over"
SOON = 15.0


def planned(step: str, **expect: Any) -> PlannedStep:
    scenario = loads(f"scenario: s\nsteps:\n  - {step}\n", "a.yaml")
    return PlannedStep(0, "steps", scenario.steps[0], "s", expect=expect)


def silent(link: socket.socket) -> None:
    with suppress(OSError):
        link.recv(1)


def until() -> float:
    with suppress(TimeIsUpError):
        return deadline.left(1e9)
    return 0.0


@pytest.mark.parametrize(
    ("step", "begun", "rest"),
    [
        ("{command: ls, timeout: 60s}", 20.0, 40.0),
        ("{command: ls, timeout: 2s}", 2.0, LEAST),
        ("{command: ls, timeout: 2s, within: 30s}", 2.0, LEAST + 30),
        ("{check: {container: {state: running}}, on: c, timeout: 2s}", 0.0, 2 + LEAST),
        ("{check: {container: {state: running}}, on: c, within: 5m}", 0.0, 60 + LEAST + 300),
    ],
)
def test_looking_ends_with_the_step_and_has_a_moment_in_any_case(
    step: str, begun: float, rest: float
) -> None:
    with within_limit(planned(step), time.monotonic() - begun):
        assert rest - 1 < until() <= rest
    assert until() == 1e9


def test_a_question_in_flight_ends_too_and_the_engine_is_not_blamed(tmp_path: Path) -> None:
    with fake_engine(tmp_path) as engine:
        daemon = Daemon(engine.address, {})
        assert daemon.container("web")
        engine.serve = lambda link, _: silent(link)
        begun = time.monotonic()
        with deadline.until(begun + 0.3, WHY), pytest.raises(TimeIsUpError, match="limit of 2 s"):
            daemon.container("web")
        assert time.monotonic() - begun < SOON
        assert daemon.limit == daemon.usual_limit
        daemon.close()


def test_what_comes_after_it_is_not_asked_at_all(tmp_path: Path) -> None:
    with fake_engine(tmp_path) as engine:
        daemon = Daemon(engine.address, {})
        with deadline.until(time.monotonic(), WHY), pytest.raises(TimeIsUpError):
            daemon.container("web")
        assert engine.asked == []


def test_an_outer_limit_holds_on() -> None:
    now = time.monotonic()
    with deadline.until(now + 1, "outer"), deadline.until(now + 100, "inner"):
        assert deadline.left(50) <= 1


def hanging(engine: FakeEngine, link: socket.socket, path: str) -> None:
    if path.endswith("/start"):
        link.sendall(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
        silent(link)
    else:
        engine.reply(link, path)


def test_a_look_inside_that_hangs_is_unseen_and_says_why(tmp_path: Path) -> None:
    with fake_engine(tmp_path) as engine:
        engine.serve = lambda link, path: hanging(engine, link, path)
        begun = time.monotonic()
        with deadline.until(begun + 0.5, WHY):
            seen = look_inside(Daemon(engine.address, {}), "web", Probe())
        assert WHY in seen.unseen
        assert time.monotonic() - begun < SOON


def test_what_the_command_itself_told_is_judged_and_the_rest_is_unverified() -> None:
    session = cast("Any", SimpleNamespace(world=None))
    step = replace(
        planned("{command: ls, timeout: 2s}"),
        expect={"exit": "3", "output": "^a$", "container": {"state": "running"}},
    )
    checks = unseen(session, step, (), Acted(3, "a", "a"), WHY)
    assert [(c.about, c.status) for c in checks] == [
        ("exit code", "kept"),
        ("output", "kept"),
        ("container", "unverified"),
    ]
    assert checks[-1].source == WHY
