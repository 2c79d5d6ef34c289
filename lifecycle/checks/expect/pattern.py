"""A regular expression that an author expects in a text."""

from __future__ import annotations

from lifecycle.checks.check import Check, CheckStatus, unverified
from lifecycle.facts.inside import (
    MOST_TEXT,
)
from lifecycle.facts.inside_output import is_long
from lifecycle.machine.patterns import PatternError, find


def pattern(about: str, wanted: str, text: str, source: str, *, lost: int = 0) -> Check:
    """A regular expression that must be found; what a part does not hold, the whole may.

    ``lost`` bytes were cut out of the text's middle.
    """
    try:
        match, long = find(wanted, text, multiline=True), is_long(text)
    except PatternError as error:
        return unverified(about, wanted, str(error))
    matches = match is not None and not (long and match.end() == len(text))
    if long and not matches:
        return unverified(about, wanted, f"not in what is kept of a long text ({MOST_TEXT} bytes)")
    if lost and not matches:
        return unverified(about, wanted, f"not in what was kept of it: {lost} bytes were not")
    shown = text if len(text) <= 400 else f"...{text[-400:]}"  # noqa: PLR2004 - for people
    return Check(about, wanted, wanted if matches else shown.strip(), verdict(matches), source)


def verdict(ok: bool) -> CheckStatus:  # noqa: FBT001 - a truth value is all there is to say
    """Kept or broken."""
    return "kept" if ok else "broken"
