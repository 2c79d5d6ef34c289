"""Text on one line, and the known word that a misspelled one is near."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

SHOWN = 300
"""Characters of a text that one line shows."""


def one_line(text: str, limit: int = SHOWN) -> str:
    """The text without line breaks, control characters or a tail that would flood a terminal."""
    flat = " ".join(text.split())
    safe = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in flat)
    return safe if len(safe) <= limit else f"{safe[: limit - 3]}..."


def nearest(word: str, known: Iterable[str], least: float = 0.6) -> str:
    """The known name that a misspelled one most likely means; empty when none is near.

    ``least`` is how alike two names must be, from 0 to 1.
    """
    close = difflib.get_close_matches(word[:100], list(known), 1, least)
    return close[0] if close else ""
