"""A screen as it looked: its text, and beside it which parts of it had which style.

Styles hold no text. Whatever is hidden or made harmless in the text is so everywhere, and a line
that was changed loses its styles, since they no longer fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyte.screens import Char

Styled = tuple[int, int, int, str]
"""A line's number, the part ``[start, end)`` of its text, and the words of its style.

An end beyond the text is a coloured blank. The words: ``bold``, ``italic``, ``underline``,
``strike``, ``reverse``, and ``fg:`` or ``bg:`` with one of the sixteen colours (``fg:9``) or any
(``fg:a1b2c3``).
"""

MOST_STYLED = 2000
"""Styled parts of one screen; above that the topmost lines are plain."""

_NAMES = ("black", "red", "green", "brown", "blue", "magenta", "cyan", "white")
_SIXTEEN = {name: str(n) for n, name in enumerate((*_NAMES, *(f"bright{n}" for n in _NAMES)))}
_SIXTEEN["bfightmagenta"] = _SIXTEEN["brightmagenta"]  # pyte's own spelling of one of them
_ON_BLANKS = ("bg:", "reverse", "underline", "strike")
"""What is seen also where there is no text."""


@dataclass(frozen=True)
class Picture:
    """The text of a screen, its styles, and how many bytes printed before it are not in it."""

    text: str
    styles: tuple[Styled, ...] = ()
    lost: int = 0


def row_text(line: Mapping[int, Char]) -> str:
    """A line's text without its blank end; the cell after a wide character is an empty one."""
    return "".join(line[x].data for x in range(max(line, default=-1) + 1)).rstrip()


def picture(lines: Sequence[Mapping[int, Char]], lost: int) -> Picture:
    """The lines as a person sees them, without the blank ends of lines and of the screen."""
    texts = "\n".join(row_text(line) for line in lines).rstrip().split("\n")
    styles = [
        (number, start, end, style)
        for number, text in enumerate(texts)
        for start, end, style in _row_styles(lines[number], len(text))
    ]
    return Picture("\n".join(texts), tuple(styles[-MOST_STYLED:]), lost)


def still_true(
    styles: Sequence[Sequence[object]], before: str, after: str
) -> list[Sequence[object]]:
    """The styles of the lines that a change of the text has left as they were."""
    if before == after:
        return [*styles]
    old, new = before.split("\n"), after.split("\n")
    if len(old) != len(new):
        return []
    same = {n for n, (was, now) in enumerate(zip(old, new, strict=True)) if was == now}
    return [styled for styled in styles if styled[0] in same]


def _row_styles(line: Mapping[int, Char], length: int) -> Iterator[tuple[int, int, str]]:
    cells = [line[x] for x in range(max(line, default=-1) + 1)]
    at = 0
    for style, part in groupby(cells, key=_style):
        start, at = at, at + sum(len(cell.data) for cell in part)
        end = at if any(word in style for word in _ON_BLANKS) else min(at, length)
        if style and start < end:
            yield start, end, style


def _style(cell: Char) -> str:
    if cell[1:] == _PLAIN:
        return ""
    words = {
        "bold": cell.bold,
        "italic": cell.italics,
        "underline": cell.underscore,
        "strike": cell.strikethrough,
        "reverse": cell.reverse,
        f"fg:{_SIXTEEN.get(cell.fg, cell.fg)}": cell.fg != "default",
        f"bg:{_SIXTEEN.get(cell.bg, cell.bg)}": cell.bg != "default",
    }
    return " ".join(word for word, on in words.items() if on)


_PLAIN = ("default", "default", *(6 * [False]))
"""Of a cell without a style, both colours and what else pyte knows of it."""
