"""Names of ours by which the engine would give ours to somebody who asks for theirs."""

from __future__ import annotations

from typing import Literal

from lifecycle.run.ownership.ownership import Ownership
from lifecycle.run.ownership.refusing import Refused

_HEX = frozenset("0123456789abcdef")
_SHORT_ID = 4
"""Digits of an id that people type at least."""


def refuse_shadow(ownership: Ownership, kind: Literal["container", "network"], name: str) -> None:
    """Raise Refused for a name that is the beginning of the id of another one's thing."""
    if len(name) < _SHORT_ID or not set(name) <= _HEX:
        return
    daemon = ownership.daemon
    seen = daemon.container(name) if kind == "container" else daemon.network(name)
    known = str((seen or {}).get("Name") or name).lstrip("/")
    if seen is not None and known != name and not ownership.owns(kind, str(seen["Id"])):
        raise Refused(
            f"{kind} {name} is not made: the id of {kind} {known}, which is not this run's, "
            "begins so, and who asks for that one would get this one; choose another name"
        )
