"""Values that are one line of CSV: ``--mount``, ``--gpus``, ``--network``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lifecycle.command.values.basic import ImpossibleError

_FIELD = re.compile(r'"(?P<quoted>(?:[^"]|"")*)"|(?P<plain>[^",\r\n]*)')


@dataclass(frozen=True)
class Field:
    """One field: ``key=value``, or a lone key; ``at`` is where the value starts in the text."""

    key: str
    value: str | None
    at: int


def fields(text: str) -> tuple[Field, ...]:
    """Split a CSV value as Go's reader does: a quote may only open a field."""
    if not text:
        raise ImpossibleError("the value is empty")
    all_fields = []
    at = 0
    while True:
        match = _FIELD.match(text, at)
        end = match.end() if match else at
        if match is None or (end < len(text) and text[end] != ","):
            raise ImpossibleError(
                "a quote stands where none may", "quote a whole field: '\"device=0,2\"'"
            )
        quoted = match["quoted"]
        content = match["plain"] if quoted is None else quoted.replace('""', '"')
        key, equals, value = content.partition("=")
        start = at + (quoted is not None) + len(key) + 1
        all_fields.append(Field(key, value if equals else None, start))
        if end == len(text):
            return tuple(all_fields)
        at = end + 1
