"""Taking down what a run made: by its ledger only, in reverse, past errors, and reported."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lifecycle.checks.check import Check, unverified
from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.engine.terminal import TerminalError
from lifecycle.run.inventory import foreign_touched, key_of, left_behind, take
from lifecycle.run.ledger import Entry
from lifecycle.run.outcome import StepResult
from lifecycle.run.session import Session

CLEANUP = "Clean-up"


@dataclass
class Remains:
    """What is measured after the clean-up, by inventory; all empty when nothing went wrong."""

    left_behind: list[str] = field(default_factory=list)
    kept_on_purpose: list[str] = field(default_factory=list)
    foreign_touched: list[str] = field(default_factory=list)


def clean_up(session: Session) -> tuple[StepResult, Remains]:
    """Close the terminals, remove what the ledger holds, and measure."""
    result = StepResult(CLEANUP, 0, command="cleanup: what this run made", ran=True)
    _close_terminals(session)
    entries = [e for e in session.ledger.entries() if not e.kept]
    kept = [e for e in session.ledger.entries() if e.kept]
    for entry in entries:
        check = remove(session.daemon, entry, session.run)
        if check.status == "kept":
            session.ledger.gone(entry.kind, entry.name)
        if entry.kind not in {"file", "folder"} or check.status != "kept":
            result.checks.append(_shown(session, check))
    remains = measure(session, [*entries, *kept])
    for thing in remains.left_behind:
        result.checks.append(Check("left behind", "nothing", thing, "broken", "inventory"))
    for thing in remains.foreign_touched:
        result.checks.append(Check("others' things", "untouched", thing, "broken", "inventory"))
    return result, remains


def keep_all(session: Session, why: str) -> tuple[StepResult, Remains]:
    """Leave all of it for the person to look at: off the ledger's work, and listed."""
    _close_terminals(session)
    for entry in session.ledger.entries():
        if not entry.kept:
            session.ledger.keep(entry.kind, entry.name, why, entry.id)
    remains = Remains(kept_on_purpose=_kept(session.ledger.entries()))
    return StepResult(CLEANUP, 0, skipped=why), remains


def _close_terminals(session: Session) -> None:
    for opened in session.terminals.values():
        # One that outlives KILL must not keep the rest from being cleaned up.
        with suppress(TerminalError):
            opened.terminal.close()
    session.terminals.clear()


def _kept(entries: Iterable[Entry]) -> list[str]:
    return [f"{e.kind} {e.name}: {e.kept}" for e in entries if e.kept]


def _shown(session: Session, check: Check) -> Check:
    return Check(
        session.shown(check.about), check.expected, check.actual, check.status, check.source
    )


def measure(session: Session, entries: Iterable[Entry]) -> Remains:
    """Compare the engine with what it was before the run."""
    after = take(session.daemon)
    entries = list(entries)
    made = {key_of(e.kind, e.name, e.id) for e in entries if not e.kept}
    return Remains(
        left_behind=left_behind(session.before, after, session.run, made),
        kept_on_purpose=_kept(entries),
        foreign_touched=foreign_touched(session.before, after, session.targets | made),
    )


def remove(daemon: Daemon | None, entry: Entry, run: str) -> Check:
    """Remove one thing of a run; an error is a broken check, not a stop."""
    about = f"{entry.kind} {entry.name}"
    try:
        doubt = _remove(daemon, entry, run)
    except (EngineError, OSError) as error:
        return Check(about, "removed", str(error), "broken", "clean-up")
    if doubt:
        return unverified(about, "removed", doubt)
    return Check(about, "removed", "removed", "kept", "clean-up")


def _remove(daemon: Daemon | None, entry: Entry, run: str) -> str:
    """Remove it, or say why it may be somebody else's."""
    if entry.kind == "file":
        Path(entry.name).unlink(missing_ok=True)
    elif entry.kind == "folder":
        shutil.rmtree(entry.name, ignore_errors=True)
        if Path(entry.name).exists():
            raise OSError("it holds files of others, such as root's that a container wrote")
    elif daemon is not None:
        doubt = _whose(daemon, entry, run)
        if doubt:
            return doubt
        _remove_from(daemon, entry)
    return ""


def _whose(daemon: Daemon, entry: Entry, run: str) -> str:
    """Why a thing may not be ours: a name that anybody may use proves nothing without the id."""
    if run in entry.name:
        return ""
    ask: Callable[[str], dict[str, Any] | None] = getattr(daemon, entry.kind)
    seen = ask(entry.name)
    if seen is None:
        return ""
    if not entry.id:
        return "left: it is not known to be this run's, and others may use its name"
    if str(seen.get("Id") or seen.get("Name")) != entry.id:
        return "left: its name belongs to another one now"
    # Docker takes the only tag of an image that is removed by its id, whoever gave it.
    tags = seen.get("RepoTags") or [entry.name]
    return "" if entry.name in tags else "left: somebody gave it a name"


def _remove_from(daemon: Daemon, entry: Entry) -> None:
    match entry.kind:
        case "container":
            daemon.remove_container(entry.id or entry.name)
        case "image":
            daemon.remove_image(entry.name)
        case "volume":
            daemon.remove_volume(entry.name)
        case "network":
            daemon.remove_network(entry.name)
