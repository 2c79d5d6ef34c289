"""Whether the engine was there all the time: what a step that failed may have failed of."""

from __future__ import annotations

import time

from lifecycle.engine.daemon import EngineSilent
from lifecycle.engine.events import Absence
from lifecycle.run.session.session import Session


def observed(session: Session) -> tuple[str, ...]:
    """One sentence for each time that the engine was away since the run began."""
    absences = session.events.absences
    if absences:
        return tuple(map(_sentence, absences))
    away = session.daemon.away()
    if away is None or isinstance(away, EngineSilent):
        return (str(away),) if away else ()
    # One that shuts down keeps the connections that it has until its containers have stopped.
    return (f"the engine takes no new callers at {_clock(time.time())}",)


def lasted_until(session: Session, begun: float) -> bool:
    """Whether the engine was away at some time since ``begun``, in epoch seconds."""
    absences = session.events.absences
    return not absences or (absences[-1].until or begun) >= begun


def _sentence(absence: Absence) -> str:
    went = f"the engine went away at {_clock(absence.since)}"
    if absence.until is None:
        return f"{went} and is not back yet"
    return f"{went} and was back at {_clock(absence.until)}"


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))
