"""What is expected of a file: of one inside a container, or of this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.expect.pattern import pattern
from lifecycle.facts.inside import (
    MOST_TEXT,
    FileFact,
)
from lifecycle.facts.inside_output import is_long

Expect = Mapping[str, Any]
"""Rendered expectations by their keys: plain dicts, lists and text."""
TEXTS = frozenset({"contains", "text"})


def octal(digits: str) -> str:
    """A mode as ``stat`` writes it, without zeros before it."""
    return digits.lstrip("0") or "0"


def out_of_sight(fact: FileFact, text: str | None) -> set[str]:
    """What a look from outside leaves open of a file that is there."""
    if not fact.exists:
        return set()
    owner = {"owner", "group"} if fact.owner is None else set()
    return {"writable"} | owner | ({"contains", "text"} if text is None else set())


def judge_file(
    about: str, want: Expect, fact: FileFact, text: str | None, source: str
) -> Iterator[Check]:
    """A check for each key; one that a file is there when the author takes that for granted."""
    if "exists" not in want and not fact.exists:
        yield compare(f"{about} exists", expected=True, actual=False, source=source)
        return
    for key, wanted in want.items():
        match key:
            case "owner" | "group" | "mode" if fact.exists and fact.owner is None:
                reason = "the image has no stat to ask"
                yield unverified(f"{about} {key}", as_text(wanted), reason)
            case "exists" | "writable":
                value = getattr(fact, key)
                yield compare(f"{about} {key}", as_text(wanted), as_text(value), source)
            case "owner" | "group":
                number, name = getattr(fact, key), getattr(fact, f"{key}_name")
                actual = str(number) if as_text(wanted).isdigit() else name
                yield compare(f"{about} {key}", as_text(wanted), actual, source)
            case "mode":
                yield compare(f"{about} mode", octal(as_text(wanted)), fact.mode, source)
            case "contains":
                yield pattern(f"{about} contains", as_text(wanted), text or "", source)
            case "text":
                content = text.rstrip("\n") if text is not None else None
                content = (
                    f"more than {MOST_TEXT} bytes" if content and is_long(content) else content
                )
                yield compare(f"{about} text", as_text(wanted).rstrip("\n"), content, source)


def as_text(value: Any) -> str:
    """Numbers and names are compared as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
