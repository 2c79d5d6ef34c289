"""What a command wrote and printed, and what the engine has to hold beside it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress

from lifecycle.command.promise import Promise
from lifecycle.engine.daemon import EngineError
from lifecycle.facts.log import ask_log
from lifecycle.facts.model import Facts, LogFacts
from lifecycle.machine import file_actions
from lifecycle.machine.as_subject import call
from lifecycle.run.plan.steps import PlannedStep
from lifecycle.run.session.session import Session

_LONGEST_ID = 4096
_ID_FILES = frozenset({"container.id_file", "image.id_file"})
_IN_HISTORY = ("image.stage", "image.build_arg.")


def ask_beside(
    session: Session,
    planned: PlannedStep,
    promises: Sequence[Promise],
    begun: float,
    facts: Facts,
) -> None:
    """Read the files of ids, the histories of images and the log that the promises are about."""
    facts.environ = session.env
    facts.texts = dict(_texts(session, promises))
    facts.histories = dict(_histories(session, promises))
    # On a terminal lines are changed, and following has no end to compare at.
    if planned.line and planned.line.verb == "logs" and not planned.on_terminal:
        facts.log = _log(session, planned, begun, facts.output)


def _texts(session: Session, promises: Iterable[Promise]) -> Iterable[tuple[str, str]]:
    for path in {str(p.expected) for p in promises if p.field in _ID_FILES}:
        with suppress(OSError):
            full = str(session.folder / path)
            text = call(session.world.subject, file_actions.beginning, full, _LONGEST_ID)
            yield path, text.decode("utf-8", "replace")


def _histories(
    session: Session, promises: Iterable[Promise]
) -> Iterable[tuple[str, tuple[str, ...]]]:
    wanted = (p for p in promises if p.field.startswith(_IN_HISTORY) and not p.unverified)
    for name in {p.about.name for p in wanted if p.about}:
        try:
            yield name, session.daemon.history(session.real("image", name))
        except EngineError:
            continue


def _log(session: Session, planned: PlannedStep, begun: float, output: str) -> LogFacts | None:
    if planned.line is None:
        return None
    clock = (
        ""
        if session.world.shares_machine
        else "it said more meanwhile, and the engine's clock is another's"
    )
    times = LogFacts((), begun, time.time(), clock=clock)
    until = planned.line.last("--until") or ""
    real = session.real("container", planned.container)
    try:
        return ask_log(session.daemon, real, output, until, times)
    except EngineError:
        return None
