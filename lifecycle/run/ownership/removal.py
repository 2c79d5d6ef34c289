"""Removing one thing of a run: proved to be the run's by its id, and past errors."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lifecycle.checks.check import Check, unverified
from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.machine.remove_tree import remove_tree
from lifecycle.run.ownership.build_layers import tags_of
from lifecycle.run.ownership.inventory import identity_of
from lifecycle.run.ownership.ledger import Entry, carries, same_id

GOING_LIMIT = 20.0
"""Seconds that something which the engine is removing already gets to be gone."""
_GOING = "is already in progress"
_STANDS_ON = re.compile("dependent child images|is being used by")


def remove(daemon: Daemon | None, entry: Entry, run: str, *, alone: bool = False) -> Check:
    """Remove one thing of a run; an error is a broken check, not a stop.

    An image goes ``alone`` where others have made what it stands on.
    """
    about = f"{entry.kind} {entry.name}"
    try:
        doubt = _remove(daemon, entry, run, alone=alone)
    except (EngineError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return Check(about, "removed", reason, "broken", "clean-up")
    if doubt:
        return unverified(about, "removed", doubt)
    return Check(about, "removed", "removed", "kept", "clean-up")


def _remove(daemon: Daemon | None, entry: Entry, run: str, *, alone: bool) -> str:
    """Remove it, or say why it may be somebody else's."""
    if entry.kind in {"file", "folder"}:
        _remove_path(entry, run)
    elif daemon is not None:
        doubt = _whose(daemon, entry, run)
        if doubt:
            return doubt
        try:
            _remove_from(daemon, entry, alone=alone)
        except EngineError as error:
            if entry.kind == "image" and _STANDS_ON.search(str(error)):
                return f"left: somebody's image or container stands on it ({error})"
            if entry.kind != "container" or _GOING not in str(error):
                raise
            _wait_gone(daemon, entry)
    return ""


def _remove_path(entry: Entry, run: str) -> None:
    """Remove a file or a folder that bears the run's id; raises OSError saying what is left."""
    if not carries(run, entry.name):
        raise OSError("left: its name does not bear the run's id")
    if entry.kind == "file":
        Path(entry.name).unlink(missing_ok=True)
    elif left := remove_tree(Path(entry.name)):
        raise OSError(left)


def _wait_gone(daemon: Daemon, entry: Entry) -> None:
    """Somebody removes it already: the engine after --rm, a build that was cut short."""
    deadline = time.monotonic() + GOING_LIMIT
    while daemon.container(entry.id or entry.name) is not None:
        if time.monotonic() > deadline:
            raise EngineError(f"its removal has not ended in {GOING_LIMIT:g} s")
        time.sleep(0.05)  # the event of its end may have been before we looked


def _whose(daemon: Daemon, entry: Entry, run: str) -> str:
    """Why a thing may not be ours: a name proves nothing without the id that it was made with.

    Where the id was never written down, the name that was to be made counts if it holds the run's
    own id: nobody could know it before.
    """
    ask: Callable[[str], dict[str, Any] | None] = getattr(daemon, entry.kind)
    inspect = ask(_known_as(entry))
    if inspect is None:
        return ""
    if not entry.id:
        unknown = "left: it is not known to be this run's, and others may use its name"
        return "" if run in entry.name else unknown
    identity = identity_of(inspect)
    unknown_to_others = entry.kind == "volume" and run in entry.name
    if identity != entry.id and not same_id(identity, entry.id) and not unknown_to_others:
        return "left: its name belongs to another one now"
    # Docker takes the only tag of an image that is removed by its id, whoever gave it.
    tags = tags_of(inspect) or [entry.name]
    return "" if entry.name in tags else "left: somebody gave it a name"


def _known_as(entry: Entry) -> str:
    """The name of an image's tag and of a volume; the others go by their ids, whatever the name."""
    return entry.id or entry.name if entry.kind in {"container", "network"} else entry.name


def _remove_from(daemon: Daemon, entry: Entry, *, alone: bool) -> None:
    match entry.kind:
        case "container":
            daemon.remove_container(_known_as(entry))
        case "image":
            daemon.remove_image(entry.name, alone=alone or entry.name == entry.id)
        case "volume":
            daemon.remove_volume(entry.name)
        case "network":
            daemon.remove_network(_known_as(entry))
