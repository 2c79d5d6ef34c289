"""The clean-up: the last step of every run, whatever came before it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from lifecycle.checks.check import Check
from lifecycle.gate.gate import GateError
from lifecycle.run.outcome import CLEANUP, Remains, Skip, StepResult
from lifecycle.run.ownership import take_down
from lifecycle.run.session.session import Session

RETURN_LIMIT = 60.0
"""Seconds that an engine which is away gets to come back; what is left then is the next sweep's."""
_WAITING = f"the engine does not answer: waiting up to {RETURN_LIMIT:g} s for it, to clean up"


def clean_up(session: Session) -> tuple[StepResult, Remains]:
    """Close the terminals, remove what the ledger holds, and measure."""
    result = StepResult(CLEANUP, 0, command="cleanup: what this run made", ran=True)
    _close_terminals(session)
    try:
        session.gates.check()
    except GateError as error:
        result.checks.append(Check("the gate", "open", str(error), "broken", "this machine"))
    # What a step left running in the background makes nothing more.
    session.gates.close()
    refusals, _ = session.ownership.settle()
    result.checks += [Check(r.about, "ours", r.sentence, "broken", "the gate") for r in refusals]
    with session.daemon.patience.waiting(RETURN_LIMIT, partial(session.say, _WAITING)):
        checks, remains = take_down.take_down(session.ownership, session.events)
    result.checks += [replace(c, about=session.shown(c.about)) for c in checks]
    return result, remains


def keep_all(session: Session, why: str) -> tuple[StepResult, Remains]:
    """Leave all of it for the person to look at."""
    _close_terminals(session)
    session.gates.close()
    remains = take_down.keep_all(session.ownership, why, session.options.context)
    return StepResult(CLEANUP, 0, skipped=Skip(why, "choice")), remains


def _close_terminals(session: Session) -> None:
    session.terminals.close()
    session.looks.close()
