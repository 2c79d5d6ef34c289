"""A line of YAML that begins at another column than its neighbours: which columns, in words.

YAML's own reader says what it met, not that a blank is too many.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_LINE = re.compile(r"(?P<blanks> *)(?P<dashes>(?:- +)*)(?P<key>[\w.-]+:(?= |$))?")
FOLDED_ITEM = re.compile(r"(?:\r\n|\n|\r) *(?=- )")
"""A list item that YAML took for more of the text above it."""


@dataclass(frozen=True)
class Misplaced:
    """How many blanks a line begins with, and how many those that it belongs to."""

    found: int
    expected: int

    def __str__(self) -> str:
        found = f"{self.found} space{'' if self.found == 1 else 's'}"
        return f"the line is indented by {found}, where its neighbours have {self.expected}"


def misplaced(lines: Sequence[str], at: int, column: int) -> Misplaced | None:
    """What is wrong with where a line begins; None where the reader met its fault further on.

    ``column`` is where the reader stopped: at the line's beginning, or behind its first key, which
    it can't take there.
    """
    own = _LINE.match(lines[at]) if at < len(lines) else None
    if own is None or column not in {own.end("blanks"), own.end("key") - 1}:
        return None
    found = own.end("blanks")
    columns = list(_columns(lines[:at][::-1], items=bool(own["dashes"])))
    if not columns or found in columns:
        return None
    # Of two that are as near, that of the line just above.
    return Misplaced(found, min(columns, key=lambda c: abs(c - found)))


def _columns(lines: Sequence[str], *, items: bool) -> Iterator[int]:
    """Where the list items of these lines begin, or their keys."""
    for line in lines:
        match = _LINE.match(line)
        if match and items and match["dashes"]:
            yield match.end("blanks")
        elif match and not items and match["key"]:
            yield match.end("dashes")
