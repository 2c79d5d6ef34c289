"""A screen as it looked, as text and classes: nothing of what was printed becomes markup."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from lifecycle.report.model import Step

Part = tuple[str, str]
"""A piece of text, and the classes it has."""

_COLOUR = re.compile(r"(fg|bg):([0-9a-f]{6}|1[0-5]|[0-9])")
_WORDS = frozenset({"bold", "italic", "underline", "strike"})
_SHORT = 2
"""One of the sixteen colours has a number of at most two digits; the others are written out."""


def parts(step: Step) -> Iterator[Part]:
    """The text of a step's screen, cut where the style changes."""
    lines = step["screen"].split("\n")
    styled = defaultdict(list)
    for number, start, end, style in step.get("styles", ()):
        styled[number].append((start, end, style))
    for number, line in enumerate(lines):
        last = number == len(lines) - 1
        yield from _line(line, styled[number], "" if last else "\n")


def _line(line: str, styled: Iterable[tuple[int, int, str]], ending: str) -> Iterator[Part]:
    at = 0
    for start, end, style in styled:
        shown = line.ljust(end)
        yield shown[at:start], ""
        yield shown[start:end], " ".join(classes(style))
        at = end
    yield line[at:] + ending, ""


def classes(style: str) -> list[str]:
    """The classes for the words of a style; a word that is none of them is dropped."""
    words, colours = style.split(), _colours(style)
    fore, back = colours.get("fg"), colours.get("bg")
    if "reverse" in words:
        fore, back = back or "back", fore or "fore"
    named = [f"f-{fore}"] if fore else []
    named += [f"b-{back}"] if back else []
    return named + [word for word in words if word in _WORDS]


def rules(steps: Iterable[Step]) -> str:
    """The style rules for the colours beyond the sixteen: only those that the steps have."""
    styles = {str(styled[3]) for step in steps for styled in step.get("styles", ())}
    colours = {colour for style in styles for colour in _colours(style).values()}
    return "".join(
        f".f-{colour} {{ color: #{colour}; }}\n.b-{colour} {{ background: #{colour}; }}\n"
        for colour in sorted(colours)
        if len(colour) > _SHORT
    )


def _colours(style: str) -> dict[str, str]:
    """The foreground and the background that a style names."""
    matches = (_COLOUR.fullmatch(word) for word in style.split())
    return {match[1]: match[2] for match in matches if match}
