"""Taking down what a run made: by its ledger only, in reverse, past errors; and the measure."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from lifecycle.checks.check import Check, unverified
from lifecycle.engine.daemon import EngineError
from lifecycle.engine.events import EventLog
from lifecycle.run.outcome import Remains
from lifecycle.run.ownership import by_hand
from lifecycle.run.ownership.build_layers import left_over, unnamed
from lifecycle.run.ownership.in_doubt import changed
from lifecycle.run.ownership.inventory import Inventory, claimed, key_of, left_behind, take
from lifecycle.run.ownership.ledger import Entry, carries
from lifecycle.run.ownership.ownership import Ownership
from lifecycle.run.ownership.removal import remove

_NO_CHANGE = frozenset(
    {
        *("save", "export", "archive-path", "top", "resize", "attach", "detach", "health_status"),
        *("exec_create", "exec_start", "exec_detach", "exec_die"),
    }
)
"""What the engine tells of that leaves a thing as it was: reading it, or a program within it."""


_BY_ENGINE = "it was not there, so the engine made it for a mount, owned by root"


def take_down(ownership: Ownership, events: EventLog) -> tuple[list[Check], Remains]:
    """Remove all but what is kept on purpose; return the checks, and what remains."""
    for entry in _also(ownership):
        ownership.made(entry.kind, entry.name, entry.id)
    entries = [e for e in ownership.entries() if not e.kept]
    kept = [e for e in ownership.entries() if e.kept]
    checks = _remove_each(ownership, entries)
    checks += _remove_each(ownership, _without_a_name(ownership, entries))
    try:
        after = take(ownership.daemon)
        remains = measure(ownership, events, [*entries, *kept], after)
    except EngineError as error:
        left = [f"{e.kind} {e.name}" for e in ownership.entries() if not e.kept]
        checks.append(unverified("left behind", "nothing", str(error)))
        leave = ownership.touched_with_leave
        return checks, Remains(left, kept_on_purpose(ownership, kept), touched_with_leave=leave)
    checks += _in_doubt(ownership, events, after)
    for thing in remains.left_behind:
        checks.append(Check("left behind", "nothing", thing, "broken", "inventory"))
    for thing in remains.foreign_touched:
        checks.append(Check("others' things", "untouched", thing, "broken", "inventory"))
    return checks, remains


def _remove_each(ownership: Ownership, entries: Iterable[Entry]) -> list[Check]:
    alone, checks = _above_others(ownership), []
    for entry in entries:
        check = remove(ownership.daemon, entry, ownership.run, alone=entry.name in alone)
        if check.status == "kept":
            ownership.gone(entry.kind, entry.name)
        if entry.kind not in {"file", "folder"} or check.status != "kept":
            checks.append(check)
    return checks


def _without_a_name(ownership: Ownership, removed: list[Entry]) -> list[Entry]:
    """Images of ours that lost their tags and stayed, since something of ours stood on them."""
    with suppress(EngineError):  # what is on the ledger is told one by one
        for entry in removed:
            if entry.kind == "image" and entry.name != entry.id:
                ownership.own_without_a_name(entry.id)
    now = (e for e in ownership.entries() if e.kind == "image" and e.name == e.id)
    return [e for e in now if e not in removed]


def _also(ownership: Ownership) -> list[Entry]:
    """What a build that was cut short made after we read its last line."""
    entries, builds = ownership.entries(), ownership.untold_builds
    try:
        if not (unnamed(entries) or builds):
            return []
        return left_over(ownership.daemon, entries, builds, time.time())
    except EngineError:
        return []  # what is on the ledger is told one by one


def _layers_below(ownership: Ownership) -> list[Entry]:
    """Images without a name that go with another, which stands on them."""
    try:
        listed = {str(image["Id"]) for image in ownership.daemon.images()}
    except EngineError:
        return []
    nameless = unnamed(ownership.entries())
    return [e for e in nameless if e.kind == "image" and e.id not in listed]


def _above_others(ownership: Ownership) -> set[str]:
    """Images that must not take with them what they stand on."""
    names = [e.name for e in ownership.entries() if e.kind == "image" and not e.kept]
    try:
        return {name for name in names if ownership.stands_on_others(name)}
    except EngineError:
        return set(names)  # what is on the ledger is told one by one


def keep_all(ownership: Ownership, why: str, context: str = "") -> Remains:
    """Leave all of it for the person to look at: off the ledger's work, and listed.

    With it goes what removes it, for an engine that is reached by ``context``.
    """
    below, alone = _layers_below(ownership), _above_others(ownership)
    now = [e for e in ownership.entries() if not e.kept and e not in below]
    for entry in below:
        ownership.gone(entry.kind, entry.name)
    for entry in now:
        ownership.keep(entry, why)
    return Remains(
        kept_on_purpose=kept_on_purpose(ownership, ownership.entries()),
        to_remove=by_hand.commands(now, alone, context),
        touched_with_leave=ownership.touched_with_leave,
    )


def _is_within(run: str, path: str) -> bool:
    """Whether a path goes with the run's own folder."""
    return any(carries(run, str(one)) for one in (Path(path), *Path(path).parents))


def leave_all(ownership: Ownership) -> Remains:
    """Nothing is removed now: the ledger stays for the next sweep."""
    return Remains(
        left_behind=[f"{e.kind} {e.name}" for e in ownership.entries() if not e.kept],
        kept_on_purpose=kept_on_purpose(ownership, ownership.entries()),
        touched_with_leave=ownership.touched_with_leave,
    )


def kept_on_purpose(ownership: Ownership, entries: Iterable[Entry]) -> list[str]:
    """A line each: what it is, and why it stays."""
    kept = [f"{e.kind} {e.name}: {e.kept}" for e in entries if e.kept]
    made = (f for f in ownership.folders_of_the_engine if not _is_within(ownership.run, f))
    return [*kept, *(f"folder {f}: {_BY_ENGINE}" for f in made)]


def measure(
    ownership: Ownership, events: EventLog, entries: Iterable[Entry], after: Inventory
) -> Remains:
    """Hold the engine, and all that it told of, against what the run made."""
    made = ownership.ever_made
    kept = [e for e in entries if e.kept]
    away = {key_of(e.kind, e.name, e.id) for e in kept}
    return Remains(
        left_behind=left_behind(
            ownership.before, after, {k: i for k, i in made.items() if k not in away}
        ),
        kept_on_purpose=kept_on_purpose(ownership, kept),
        foreign_touched=[*claimed(ownership.before, after, made), *ownership.tags.moved],
        others_meanwhile=_of_others(ownership, events),
        known=ownership.all_ids,
        touched_with_leave=ownership.touched_with_leave,
    )


def _in_doubt(ownership: Ownership, events: EventLog, after: Inventory) -> list[Check]:
    """What others had, and that changed while a request of ours could have done it."""
    seen, checks = events.since(), []
    for change in changed(ownership.before, after, ownership.all_ids):
        if ownership.requests.may_explain(change, seen):
            about = f"a request of this run about {change.thing.kind}s may have done it"
            why = f"{change.thing} {change.how}: {about}"
            checks.append(unverified("others' things", "untouched", why))
    return checks


def _of_others(ownership: Ownership, events: EventLog) -> list[str]:
    """The ids of what changed since the log was opened, and is none of ours."""
    changes = (e for e in events.since() if e.at >= events.opened and e.action not in _NO_CHANGE)
    return sorted({e.id for e in ownership.of_others(changes)})
