"""Text that remembers where in the file each of its characters stood."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cached_property
from typing import Self

from lifecycle.scenario.errors import Mark

BREAKS = re.compile(r"\r\n|\n|\r")
"""What ends a line in YAML 1.2."""
BREAK = re.compile(rf"[ \t]*(?:{BREAKS.pattern})")
ESCAPE = 12
"""No YAML escape is longer, so a character is looked for no further than this."""


class Text(str):  # noqa: SLOT000 - it caches its places in a __dict__
    """A scalar of a scenario: a ``str`` with the place and the source it was read from.

    ``raw`` is the source of the scalar, indicators and quotes included; ``style`` is YAML's
    (``"'"``, ``'"'``, ``|``, ``>`` or empty for a plain one); ``comment`` is one that
    follows a plain scalar in its line.
    """

    mark: Mark
    raw: str
    style: str
    comment: str

    def __new__(
        cls, value: str, mark: Mark, *, raw: str = "", style: str = "", comment: str = ""
    ) -> Self:
        """Make the text; without ``raw`` the source is taken to be the value itself."""
        text = super().__new__(cls, value)
        text.mark = mark
        text.raw = raw or value
        text.style = style
        text.comment = comment
        return text

    def at(self, offset: int) -> Mark:
        """Where the character at an offset of the value stands in the file."""
        place = self._places[offset] if 0 <= offset < len(self) else len(self.raw.rstrip())
        line = bisect_left(self._breaks, place)
        if not line:
            return Mark(self.mark.file, self.mark.line, self.mark.col + place)
        return Mark(self.mark.file, self.mark.line + line, place - self._breaks[line - 1])

    def ends_line(self, offset: int) -> bool:
        """Whether the source breaks the line after this character, though YAML folded it away."""
        return bool(BREAK.match(self.raw, self._places[offset] + 1))

    @cached_property
    def _breaks(self) -> list[int]:
        """Where ``raw`` breaks its lines."""
        return [match.end() - 1 for match in BREAKS.finditer(self.raw)]

    @cached_property
    def _places(self) -> list[int]:
        """For each character of the value, its index in ``raw``.

        Folding and quoting only change blanks and add escapes, so the characters that are not
        blank are met again in the same order.
        """
        raw = self.raw
        at = raw.find("\n") + 1 if self.style in ("|", ">") else len(self.style)
        places = []
        for char in self:
            if char.isspace():
                places.append(min(at, len(raw)))
                at += raw[at : at + 1] == char
                continue
            while at < len(raw) and raw[at].isspace():
                at += 1
            index = raw.find(char, at, at + ESCAPE)
            places.append(min(at, len(raw)) if index < 0 else index)
            at = at if index < 0 else index + 1
        return places


def after(file: str, before: str) -> Mark:
    """The place in a file that a text leads up to from its beginning."""
    lines = BREAKS.split(before)
    return Mark(file, len(lines), len(lines[-1]) + 1)


def place(text: str, mark: Mark, offset: int) -> Mark:
    """Where a character stands: exactly for text read from a file, else counted from the mark."""
    if isinstance(text, Text):
        return text.at(offset)
    return Mark(mark.file, mark.line, mark.col + offset)


def mark_of(value: object, otherwise: Mark) -> Mark:
    """The mark of a value, or of the first text inside it."""
    if isinstance(value, Text):
        return value.mark
    inner: object = None
    if isinstance(value, dict) and value:
        inner = next(iter(value))
    elif isinstance(value, (list, tuple)) and value:
        inner = value[0]
    return otherwise if inner is None else mark_of(inner, otherwise)
