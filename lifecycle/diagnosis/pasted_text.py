"""What a person pasted, or a program printed, made fit to be searched."""

from __future__ import annotations

import re

from lifecycle.text import escapes

_SPELLED_OUT = r"\^\[\[[0-?]*[ -/]*[@-~]"
"""A colour as `cat -v` and some log viewers show it."""
_ESCAPES = re.compile(f"{_SPELLED_OUT}|{escapes.WHOLE}")
_BARE_LINE_ENDS = re.compile(r"\r\n?")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b\u2060\ufeff]")
_LONG_LINE = re.compile(r"(.{2000}).*")
_STRAIGHT = str.maketrans("\u2018\u2019\u201c\u201d\u00b4\u00a0", "''\"\"' ")


HEAD_CHARS, TAIL_CHARS = 1 << 16, 3 << 16
JOINED_CHARS = 4000
"""No message is longer; searching is not linear in a line's length, so it has to end."""


def plain(text: str) -> str:
    """The text without escape sequences, control characters and carriage returns.

    The legacy builder colours standard error in the middle of messages, so that nothing can be
    matched before. Of very long texts the beginning and the end are kept, of long lines the
    beginning.
    """
    if len(text) > HEAD_CHARS + TAIL_CHARS:
        text = f"{text[:HEAD_CHARS]}\n{text[-TAIL_CHARS:]}"
    text = _CONTROLS.sub("", _BARE_LINE_ENDS.sub("\n", _ESCAPES.sub("", text)))
    return _LONG_LINE.sub(r"\1", text)


def variants(text: str) -> tuple[str, ...]:
    """Texts to search, in turn: as it is, with straight quotes, with its lines joined.

    Chats and documents bend quotes, and terminals copy a wrapped line as two.
    """
    straight = text.translate(_STRAIGHT)
    return tuple(dict.fromkeys((text, straight, " ".join(straight[-JOINED_CHARS:].split()))))


def line_at(text: str, start: int, end: int) -> str:
    """The line in which a match began, up to its own end when that lies in the same line."""
    begin = text.rfind("\n", 0, start) + 1
    stop = text.find("\n", max(start, min(end, start + 1)))
    return text[begin : stop if stop >= 0 else len(text)].strip()
