"""How long a step may look around: its own time limit covers the looks after it too."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager

from lifecycle.checks.check import Check, unverified
from lifecycle.checks.expect.judge_expect import judge_expect
from lifecycle.checks.judge_promise import not_judged
from lifecycle.command.promise import Promise
from lifecycle.facts.model import Facts
from lifecycle.machine import deadline
from lifecycle.run.outcome import Acted
from lifecycle.run.plan.steps import PlannedStep
from lifecycle.run.session.session import Session

LEAST = 10.0
"""Seconds that looking gets in any case: a command may have needed all of the step's limit."""
_PRINTED = frozenset({"exit", "output", "screen", "took"})
"""What the command itself has told, so that nobody is asked for it."""


def within_limit(planned: PlannedStep, begun: float) -> AbstractContextManager[None]:
    """End all looks at the step's limit, counted from ``begun``, plus its ``within``."""
    now, longer = time.monotonic(), float(planned.step.within or 0)
    least = LEAST if planned.step.kind == "command" else planned.limit + LEAST
    why = f"not seen before the step's limit of {planned.limit:g} s was over"
    return deadline.until(max(begun + planned.limit, now + least) + longer, why)


def unseen(
    session: Session,
    planned: PlannedStep,
    promises: Sequence[Promise],
    acted: Acted | None,
    why: str,
) -> list[Check]:
    """The checks of a step that ran out of time for looks: only what it printed is judged."""
    checks = not_judged(promises, why)
    printed = {k: v for k, v in planned.expect.items() if acted and k in _PRINTED}
    if acted and printed:
        facts = Facts(
            session.world,
            exit_code=acted.exit_code,
            output=acted.output,
            lost=acted.lost,
            screen=acted.screen,
            seconds=acted.seconds,
        )
        checks += judge_expect(printed, facts, None)
    rest = {k: v for k, v in planned.expect.items() if k not in printed}
    return checks + [unverified(key.replace("_", " "), want, why) for key, want in rest.items()]
