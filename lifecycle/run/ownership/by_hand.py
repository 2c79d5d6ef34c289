"""What a person types to remove what a run left them: each kind by its own command.

Only what the ledger knows by the id that it was made with, and never a prune.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable

from lifecycle.run.ownership.ledger import Entry, Kind

_SHORT = 12
_REMOVES: dict[Kind, tuple[str, ...]] = {
    "container": ("docker", "rm", "-f", "-v"),
    "image": ("docker", "rmi"),
    # With -f it is no error that the container has taken it along, as it does one without a name.
    "volume": ("docker", "volume", "rm", "-f"),
    "network": ("docker", "network", "rm"),
    "file": ("rm", "-f"),
    "folder": ("rm", "-rf"),
}


def commands(entries: Iterable[Entry], alone: Collection[str], context: str) -> list[str]:
    """The lines to type, in the order in which they must be.

    ``alone`` are images that must not take with them what they stand on, ``context`` is the one
    that the run was started with.
    """
    lines: dict[tuple[str, ...], list[str]] = {}
    for entry in entries:
        of_engine = entry.kind not in {"file", "folder"}
        if of_engine and not entry.id:
            continue  # it was to be made: nobody saw that it was
        words = _REMOVES[entry.kind]
        if entry.name in alone:
            words += ("--no-prune",)
        if of_engine and context:
            words = ("docker", "--context", context, *words[1:])
        lines.setdefault(words, []).append(_known_as(entry))
    return [shlex.join((*words, *names)) for words, names in lines.items()]


def _known_as(entry: Entry) -> str:
    """A volume by its name, an image by its tag; the others by what nobody else can be given."""
    nameless = entry.kind == "image" and entry.name == entry.id
    if nameless or entry.kind in {"container", "network"}:
        return entry.id.removeprefix("sha256:")[:_SHORT]
    return entry.name
