"""Where something stands in a file, and the one error that reading a scenario raises."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN = 300


@dataclass(frozen=True, order=True)
class Mark:
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    col: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.col}"


class ScenarioError(Exception):
    """What the author wrote can't be used: what was found, what was expected, what to write."""

    def __init__(self, mark: Mark, found: str, expected: str = "", corrected: str = "") -> None:
        self.mark = mark
        self.found = found
        self.expected = expected
        self.corrected = corrected
        super().__init__(str(self))

    def __str__(self) -> str:
        parts = [one_line(self.found)]
        if self.expected:
            parts.append(f"expected {one_line(self.expected)}")
        if self.corrected:
            parts.append(f"write: {one_line(self.corrected)}")
        return f"{one_line(str(self.mark))}: " + "; ".join(parts)


def one_line(text: str, limit: int = SHOWN) -> str:
    """The text without line breaks, control characters or a tail that would flood a terminal."""
    flat = " ".join(text.split())
    safe = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in flat)
    return safe if len(safe) <= limit else f"{safe[: limit - 3]}..."


def nearest(word: str, known: Iterable[str]) -> str:
    """The known name that a misspelled one most likely means; empty when none is near."""
    close = difflib.get_close_matches(word[:100], list(known), 1, 0.6)
    return close[0] if close else ""
