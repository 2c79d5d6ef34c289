"""Until when what is going on may go on: one limit over all the questions that a step asks.

Each question has a limit of its own. A hundred of them, each just below it, would take an hour:
so whoever looks for a step says when all looking ends, and every wait takes what is left of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


class TimeIsUpError(Exception):
    """All looking is over; the message says whose limit it was."""


@dataclass(frozen=True)
class _Deadline:
    at: float
    why: str


_NOW: ContextVar[_Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def until(at: float, why: str) -> Iterator[None]:
    """Within it, by the monotonic clock, no wait goes on beyond ``at``; an outer limit holds on."""
    outer = _NOW.get()
    token = _NOW.set(outer if outer is not None and outer.at < at else _Deadline(at, why))
    try:
        yield
    finally:
        _NOW.reset(token)


def left(limit: float) -> float:
    """How long a wait with this limit may take now; TimeIsUpError when all looking is over."""
    deadline = _NOW.get()
    if deadline is None:
        return limit
    rest = deadline.at - time.monotonic()
    if rest <= 0:
        raise TimeIsUpError(deadline.why)
    return min(limit, rest)


def rest(limit: float) -> float:
    """The same, for a wait that may find nothing: 0 when all looking is over."""
    try:
        return left(limit)
    except TimeIsUpError:
        return 0.0
