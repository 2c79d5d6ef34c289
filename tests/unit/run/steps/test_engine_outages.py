"""What a run says of an engine that was not there all the time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from lifecycle.engine.daemon import EngineAway, EngineError, EngineSilent
from lifecycle.engine.events import Absence
from lifecycle.run.session.session import Session
from lifecycle.run.steps.engine_outages import lasted_until, observed


def session(*absences: Absence, away: EngineError | None = None) -> Session:
    events = SimpleNamespace(absences=list(absences))
    daemon = SimpleNamespace(away=lambda: away)
    return cast("Session", SimpleNamespace(events=events, daemon=daemon))


def test_of_an_engine_that_was_always_there_nothing_is_said() -> None:
    assert observed(session()) == ()


def test_each_absence_is_told_with_its_end() -> None:
    first, second = observed(session(Absence(1000, 1005), Absence(2000)))
    assert first.startswith("the engine went away at ")
    assert " and was back at " in first
    assert second.endswith("is not back yet")


def test_an_engine_that_shuts_down_takes_no_new_callers() -> None:
    [told] = observed(session(away=EngineAway("Connection refused")))
    assert told.startswith("the engine takes no new callers")


def test_an_engine_that_hangs_has_not_gone() -> None:
    assert observed(session(away=EngineSilent("it hangs"))) == ("it hangs",)


def test_only_an_absence_that_reached_into_the_step_is_its_cause() -> None:
    assert lasted_until(session(Absence(1000, 1005)), 1003)
    assert lasted_until(session(Absence(1000)), 1003)
    assert not lasted_until(session(Absence(1000, 1005)), 1006)
