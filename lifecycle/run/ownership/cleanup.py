"""Taking down what a run made: by its ledger only, in reverse, past errors, and reported."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lifecycle.checks.check import Check, unverified
from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.gate.gate import GateError
from lifecycle.machine.remove_tree import remove_tree
from lifecycle.run.outcome import Skip, StepResult
from lifecycle.run.ownership.build_layers import left_over, tags_of, unnamed
from lifecycle.run.ownership.inventory import claimed, key_of, left_behind, take
from lifecycle.run.ownership.ledger import Entry, carries, same_id
from lifecycle.run.session.session import Session
from lifecycle.terminal.terminal import TerminalError

CLEANUP = "Clean-up"
GOING_LIMIT = 20.0
_GOING = "is already in progress"
_STANDS_ON = re.compile("dependent child images|is being used by")
RETURN_LIMIT = 60.0
"""Seconds that an engine which is away gets to come back; what is left then is the next sweep's."""
_WAITING = f"the engine does not answer: waiting up to {RETURN_LIMIT:g} s for it, to clean up"


@dataclass
class Remains:
    """What is measured after the clean-up, by inventory; all empty when nothing went wrong."""

    left_behind: list[str] = field(default_factory=list)
    kept_on_purpose: list[str] = field(default_factory=list)
    foreign_touched: list[str] = field(default_factory=list)
    others_meanwhile: int = 0
    """Things of others that changed while the run went on, and not through it."""


def clean_up(session: Session) -> tuple[StepResult, Remains]:
    """Close the terminals, remove what the ledger holds, and measure."""
    result = StepResult(CLEANUP, 0, command="cleanup: what this run made", ran=True)
    _close_terminals(session)
    try:
        session.gates.check()
    except GateError as error:
        result.checks.append(Check("the gate", "open", str(error), "broken", "this machine"))
    # What a step left running in the background makes nothing more.
    session.gates.close()
    refusals, _ = session.ownership.settle()
    result.checks += [Check(r.about, "ours", r.sentence, "broken", "the gate") for r in refusals]
    with session.daemon.patience.waiting(RETURN_LIMIT, partial(session.say, _WAITING)):
        return result, _removed(session, result)


def _removed(session: Session, result: StepResult) -> Remains:
    for entry in _also(session):
        session.ownership.made(entry.kind, entry.name, entry.id)
    entries = [e for e in session.ownership.entries() if not e.kept]
    kept = [e for e in session.ownership.entries() if e.kept]
    _remove_each(session, entries, result)
    _remove_each(session, _without_a_name(session, entries), result)
    try:
        remains = measure(session, [*entries, *kept])
    except EngineError as error:
        result.checks.append(unverified("left behind", "nothing", str(error)))
        left = [f"{e.kind} {e.name}" for e in session.ownership.entries() if not e.kept]
        return Remains(left, _kept(kept))
    for thing in remains.left_behind:
        result.checks.append(Check("left behind", "nothing", thing, "broken", "inventory"))
    for thing in remains.foreign_touched:
        result.checks.append(Check("others' things", "untouched", thing, "broken", "inventory"))
    return remains


def _remove_each(session: Session, entries: Iterable[Entry], result: StepResult) -> None:
    alone = _above_others(session)
    for entry in entries:
        check = remove(session.daemon, entry, session.run, alone=entry.name in alone)
        if check.status == "kept":
            session.ownership.gone(entry.kind, entry.name)
        if entry.kind not in {"file", "folder"} or check.status != "kept":
            result.checks.append(_shown(session, check))


def _without_a_name(session: Session, removed: list[Entry]) -> list[Entry]:
    """Images of ours that lost their tags and stayed, since something of ours stood on them."""
    with suppress(EngineError):  # what is on the ledger is told one by one
        for entry in removed:
            if entry.kind == "image" and entry.name != entry.id:
                session.ownership.disown(entry.id)
    now = (e for e in session.ownership.entries() if e.kind == "image" and e.name == e.id)
    return [e for e in now if e not in removed]


def _also(session: Session) -> list[Entry]:
    """What a build that was cut short made after we read its last line."""
    entries = session.ownership.entries()
    try:
        return left_over(session.daemon, entries) if unnamed(entries) else []
    except EngineError:
        return []  # what is on the ledger is told one by one


def _above_others(session: Session) -> set[str]:
    """Images that must not take with them what they stand on."""
    names = [e.name for e in session.ownership.entries() if e.kind == "image" and not e.kept]
    try:
        return {name for name in names if session.ownership.stands_on_others(name)}
    except EngineError:
        return set(names)  # what is on the ledger is told one by one


def keep_all(session: Session, why: str) -> tuple[StepResult, Remains]:
    """Leave all of it for the person to look at: off the ledger's work, and listed."""
    _close_terminals(session)
    session.gates.close()
    for entry in session.ownership.entries():
        if not entry.kept:
            session.ownership.keep(entry, why)
    remains = Remains(kept_on_purpose=_kept(session.ownership.entries()))
    return StepResult(CLEANUP, 0, skipped=Skip(why, "choice")), remains


def _close_terminals(session: Session) -> None:
    for opened in session.terminals.values():
        # One that outlives KILL must not keep the rest from being cleaned up.
        with suppress(TerminalError):
            opened.terminal.close()
    session.terminals.clear()
    session.looks.close()


def _kept(entries: Iterable[Entry]) -> list[str]:
    return [f"{e.kind} {e.name}: {e.kept}" for e in entries if e.kept]


def _shown(session: Session, check: Check) -> Check:
    return Check(
        session.shown(check.about), check.expected, check.actual, check.status, check.source
    )


def measure(session: Session, entries: Iterable[Entry]) -> Remains:
    """Hold the engine, and all that it told of, against what the run made."""
    after, ownership = take(session.daemon), session.ownership
    made = ownership.ever_made
    kept = list(filter(lambda e: e.kept, entries))
    away = {key_of(e.kind, e.name, e.id) for e in kept}
    return Remains(
        left_behind=left_behind(
            ownership.before, after, {k: i for k, i in made.items() if k not in away}
        ),
        kept_on_purpose=_kept(kept),
        foreign_touched=[*claimed(ownership.before, after, made), *ownership.moved],
        others_meanwhile=len(
            {(e.kind, e.id) for e in session.events.since() if not ownership.knows(e)}
        ),
    )


def remove(daemon: Daemon | None, entry: Entry, run: str, *, alone: bool = False) -> Check:
    """Remove one thing of a run; an error is a broken check, not a stop.

    An image goes ``alone`` where others have made what it stands on.
    """
    about = f"{entry.kind} {entry.name}"
    try:
        doubt = _remove(daemon, entry, run, alone=alone)
    except (EngineError, OSError) as error:
        said = getattr(error, "strerror", None) or str(error)
        return Check(about, "removed", said, "broken", "clean-up")
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
    seen = ask(_known_as(entry))
    if seen is None:
        return ""
    if not entry.id:
        unknown = "left: it is not known to be this run's, and others may use its name"
        return "" if run in entry.name else unknown
    identity = str(seen.get("Id") or seen.get("Name"))
    if identity != entry.id and not same_id(identity, entry.id):
        return "left: its name belongs to another one now"
    # Docker takes the only tag of an image that is removed by its id, whoever gave it.
    tags = tags_of(seen) or [entry.name]
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
