"""The flags of ``docker logs``: which part of a log, and the times that they mean."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lifecycle.command.values.basic import ImpossibleError, nanoseconds
from lifecycle.command.values.promised import Promised
from lifecycle.command.values.structured import Structured

_DURATION = re.compile(r"(?:[0-9.]+(?:ns|us|µs|μs|ms|s|m|h))+")
_UNIX = re.compile(r"[0-9]{1,11}(?:\.[0-9]{1,9})?")
_DATE = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:T(?P<clock>[0-9]{2}(?::[0-9]{2}){0,2})(?:\.(?P<part>[0-9]{1,9}))?)?"
    r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?"
)


@dataclass(frozen=True)
class LogsOptions(Structured):
    """Which part of the log is printed and how: the last ``lines``, None for all of them.

    ``since`` and ``until`` are times as written, empty where there are none.
    """

    lines: int | None
    since: str = ""
    until: str = ""
    timestamps: bool = False
    details: bool = False
    follow: bool = False

    def to_json(self) -> dict[str, Any]:
        """``lines`` as a number or ``all``, and the other options that the line gives."""
        parts = super().to_json()
        number = parts.pop("lines")
        asked = {key: value for key, value in parts.items() if value}
        return {"lines": "all" if number is None else number, **asked}


def lines(text: str) -> int | None:
    """The number of lines of ``--tail``; None for all, which is what other words mean too."""
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else None


def last(number: int | None) -> Iterator[Promised[int]]:
    """``--tail all`` promises nothing of its own."""
    if number is not None:
        yield "", number, ""


def moment(text: str) -> str:
    """A time of ``--since`` or ``--until``; raises ImpossibleError when it is none."""
    between(text, 0.0, 0.0)
    return text


def between(text: str, first: float, later: float) -> tuple[float, float]:
    """The earliest and latest time that a text means, asked some time from ``first`` to ``later``.

    A duration is meant back from then, and most clients pass whole seconds of it on.
    """
    try:
        if _DURATION.fullmatch(text):
            back = nanoseconds(text) / 1e9
            return float(math.floor(first - back)), later - back
        at = float(text) if _UNIX.fullmatch(text) else _date(text)
    except (ValueError, OverflowError):
        at = None
    if at is None:
        raise ImpossibleError("not a time", "write 10m, 2024-01-31T09:00:00Z or seconds since 1970")
    return at, at


def _date(text: str) -> float | None:
    """A date, of this place's time where it names no zone."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    clock = ((match["clock"] or "00") + ":00:00")[:8]
    zone = (match["zone"] or "").replace("Z", "+00:00")
    at = datetime.fromisoformat(f"{match['day']}T{clock}{zone}")
    seconds = int((at if zone else at.astimezone()).timestamp())
    return float(f"{seconds}.{match['part'] or 0}")


def stamp(text: str) -> float | None:
    """The time that stands before a line of a log: RFC 3339 with nanoseconds."""
    match = re.fullmatch(r"([0-9-]{10}T[0-9:]{8})\.([0-9]{9})Z", text)
    if match is None:
        return None
    try:
        at = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
    except ValueError:
        return None
    return float(f"{int(at.timestamp())}.{match[2]}")
