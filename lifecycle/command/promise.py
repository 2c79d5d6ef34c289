"""The value that a docker line is held to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from lifecycle.command.line import Ref

Where = Literal["inspect", "inside", "host"]

ReadFile = Callable[[str], str | None]
"""Gives the text of a file that a line names, or None."""


@dataclass(frozen=True)
class Promise:
    """One thing a line commits the daemon to.

    ``flag`` is what was written (``-v``, or the verb for what the verb itself promises),
    ``field`` a dotted name listed in ``docs/reference/promises.md``, ``expected`` a JSON value,
    ``where`` the place it is observed, ``about`` the thing it is said of, ``unverified`` a
    reason known from the line alone why it can't be observed.
    """

    flag: str
    field: str
    expected: Any
    where: Where
    about: Ref | None = None
    unverified: str = ""


class UnclearError(Exception):
    """The Dockerfile does not say it by itself; the message is the reason."""
