"""Text that other people's programs wrote, made fit to be shown: inert, printable, readable."""

from __future__ import annotations

import json
import re
from typing import Any

from lifecycle.text import escapes

# What nothing ends is dropped as far as its line: it was not meant to be seen.
_ESCAPE_SEQUENCES = re.compile(
    f"{escapes.CSI}|{escapes.OSC}|{escapes.STRING}|{escapes.UNENDED}|{escapes.SHORT}"
)
_LINE_ENDS = re.compile("\r\n|\r|\u0085|\u2028|\u2029")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_UNWRITABLE = re.compile("[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


_CUT_NOTE = re.compile(r"\[\.\.\. \d+ bytes cut here \.\.\.\]")
_NOTE_BYTES = 40


def clean(text: str) -> str:
    """Drop escape sequences and control characters; spell out what would reorder the text.

    What is left is valid in UTF-8, XML and HTML, and prints in a terminal without moving it.
    """
    if "\x1b" in text or "\x9b" in text:
        text = _ESCAPE_SEQUENCES.sub("", text)
    text = _LINE_ENDS.sub("\n", text)
    text = _CONTROLS.sub("", text)
    text = _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    return _BIDI.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


_ESCAPED_IN_JSON = re.compile(
    "[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
    r"|#(?=#\w*\[)|(?<=section_start):(?=\d)|(?<=section_end):(?=\d)"
)


def as_json(value: Any) -> str:
    """A document for programs that nothing on its way alters: not a terminal, not a CI's log.

    What those obey is escaped, so that a program reads the very value.
    """
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return _ESCAPED_IN_JSON.sub(lambda match: f"\\u{ord(match.group()):04x}", text) + "\n"


def one_line(text: str) -> str:
    """The text with every run of blanks and line ends made one space."""
    return " ".join(text.split())


def show(value: Any) -> str:
    """A compared value as people read it: text as it is, nothing as a dash, the rest as JSON."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value or '""'
    return json.dumps(value, ensure_ascii=False)


def cut(text: str, limit: int, already: int = 0) -> tuple[str, int]:
    """The text within ``limit`` bytes, note and all, and how many bytes it lost in total.

    The beginning and, mostly, the end stay (errors are at the end), with a note between them.
    ``already`` is what an earlier cut took, whose note this one then cuts out.
    """
    raw = text.encode("utf-8", "replace")
    if len(raw) <= limit:
        return text, already
    room = max(limit - _NOTE_BYTES, 0)
    head, tail = room // 4, room - room // 4
    start = raw[:head].decode("utf-8", "ignore")
    end = raw[len(raw) - tail :].decode("utf-8", "ignore")
    lost = already + len(raw) - len(start.encode()) - len(end.encode())
    return f"{start}[... {lost} bytes cut here ...]{end}", lost


def was_cut(text: str) -> bool:
    """Whether the text carries the note that ``cut`` leaves."""
    return _CUT_NOTE.search(text) is not None
