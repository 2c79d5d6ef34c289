"""Image names of requests, as everyone uses them."""

from __future__ import annotations

from lifecycle.command.references import parse_reference
from lifecycle.command.values.basic import ImpossibleError
from lifecycle.run.requests.refusal import Refused


def named(name: str) -> str:
    """A name that is given to an image, as everyone uses it. Raises Refused."""
    return joined(name, "")


def joined(name: str, tag: str) -> str:
    """A name and a tag, or a digest, as one familiar reference. Raises Refused."""
    if tag and "@" in name:
        # The engine goes by the one or the other, as its version likes.
        raise Refused(f"{name} has a digest, and {tag} beside it: say one of them")
    mark = "@" if ":" in tag else ":"
    try:
        # Never an id: what looks like one here is somebody's repository of twelve digits.
        return str(parse_reference(f"{bare(name)}{mark}{tag}" if tag else name))
    except ImpossibleError as error:
        raise Refused(error.message) from None


def bare(name: str) -> str:
    """A name without its tag and its digest."""
    stem = name.partition("@")[0]
    colon = stem.find(":", stem.rfind("/") + 1)
    return stem if colon < 0 else stem[:colon]
