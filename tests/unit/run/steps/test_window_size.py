"""Whether the inside came to have a window's size is said, or why it was not asked."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lifecycle.engine.daemon import EngineError, ExecOutcome
from lifecycle.run.session.open_terminals import OpenTerminal
from lifecycle.run.session.session import Session
from lifecycle.run.steps import window_size
from lifecycle.scenario.values import Size
from tests.unit.run.conftest import Planner

Said = Callable[..., list[tuple[Any, Any, str, str]]]
SMALL = Size(cols=80, rows=24)


@pytest.fixture
def said(planned: Planner, monkeypatch: pytest.MonkeyPatch) -> Said:
    """What is said of an 80x24 window where `stty` answers these, one after the other."""
    monkeypatch.setattr(window_size, "LIMIT", 0.05)

    def said(
        *answers: str,
        code: int = 0,
        here: bool = True,
        command: str = "docker exec -ti -u kim box bash",
    ) -> list[tuple[Any, Any, str, str]]:
        step = planned(f"- {command}\n").steps[0]
        left = list(answers)

        def run_inside(name: str, argv: list[str], *, user: str) -> ExecOutcome:
            assert name == "container box"
            assert (argv[:2], argv[3:]) == (["stty", "-F"], ["size"])
            assert argv[2] == f"/proc/{os.getpid()}/fd/0"
            assert user == ("kim" if "exec" in command else "")
            if not left:
                raise EngineError("container box is paused")
            return ExecOutcome(code, left.pop(0) if len(left) > 1 else left[0])

        daemon = SimpleNamespace(
            exec={"e1": {"Pid": os.getpid()}}.get,
            container={"container box": {"State": {"Pid": os.getpid()}}}.get,
            run_inside=run_inside,
        )
        world = SimpleNamespace(shares_machine=here)
        session = SimpleNamespace(
            daemon=daemon, world=world, real=lambda kind, name: f"{kind} {name}"
        )
        terminal: Any = SimpleNamespace(name="shell", ended=False)
        exec_id = "e1" if "exec" in command else ""
        opened = OpenTerminal(terminal, step.container, step, exec_id)
        checks = window_size.window_inside(cast("Session", session), opened, SMALL)
        return [(c.expected, c.actual, c.status, c.source) for c in checks]

    return said


@pytest.mark.parametrize("command", ["docker exec -ti -u kim box bash", "docker attach box"])
def test_a_size_that_comes_late_is_waited_for(said: Said, command: str) -> None:
    seen = said("40 120\n", "40 120\n", "24 80\n", command=command)
    assert seen == [("80x24", "80x24", "kept", "stty inside")]


def test_a_size_that_does_not_come_is_broken(said: Said) -> None:
    assert said("40 120\n") == [("80x24", "120x40", "broken", "stty inside")]


def test_an_image_without_stty_is_unverified(said: Said) -> None:
    [(_, _, status, why)] = said("exec: stty: not found", code=127)
    assert (status, why) == ("unverified", "the inside was not asked: exec: stty: not found")


def test_a_container_that_does_not_answer_is_unverified(said: Said) -> None:
    [(_, _, status, why)] = said()
    assert (status, why) == ("unverified", "the inside was not asked: container box is paused")


def test_an_engine_elsewhere_is_unverified(said: Said) -> None:
    [(_, _, status, why)] = said("24 80", here=False)
    assert status == "unverified"
    assert why.endswith("the engine is not on this machine")


def test_a_program_that_is_no_container_s_has_its_size_at_once(said: Said) -> None:
    assert said(command="{command: bash, opens: shell}") == []
