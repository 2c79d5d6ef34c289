"""Taking down what a run made: by its ledger only, in reverse, past errors, and reported."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lifecycle.checks.check import Check
from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.run.inventory import foreign_touched, left_behind, take
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
    for opened in session.terminals.values():
        opened.terminal.close()
    session.terminals.clear()
    entries = [e for e in session.ledger.entries() if not e.kept]
    kept = [e for e in session.ledger.entries() if e.kept]
    for entry in entries:
        check = remove(session.daemon, entry)
        if check.status == "kept":
            session.ledger.gone(entry.kind, entry.name)
        if entry.kind not in {"file", "folder"} or check.status == "broken":
            result.checks.append(_shown(session, check))
    remains = measure(session, [*entries, *kept])
    for thing in remains.left_behind:
        result.checks.append(Check("left behind", "nothing", thing, "broken", "inventory"))
    for thing in remains.foreign_touched:
        result.checks.append(Check("others' things", "untouched", thing, "broken", "inventory"))
    return result, remains


def _shown(session: Session, check: Check) -> Check:
    return Check(
        session.shown(check.about), check.expected, check.actual, check.status, check.source
    )


def measure(session: Session, entries: Iterable[Entry]) -> Remains:
    """Compare the engine with what it was before the run."""
    after = take(session.daemon)
    entries = list(entries)
    kept = [e for e in entries if e.kept]
    kept_ids = {e.id for e in kept}
    ids = {e.id for e in entries if e.id} - kept_ids
    return Remains(
        left_behind=left_behind(session.before, after, session.run, ids),
        kept_on_purpose=[f"{e.kind} {e.name}: {e.kept}" for e in kept],
        foreign_touched=foreign_touched(session.before, after, session.targets),
    )


def remove(daemon: Daemon | None, entry: Entry) -> Check:
    """Remove one thing; an error is a broken check, not a stop."""
    about = f"{entry.kind} {entry.name}"
    try:
        _remove(daemon, entry)
    except (EngineError, OSError) as error:
        return Check(about, "removed", str(error), "broken", "clean-up")
    return Check(about, "removed", "removed", "kept", "clean-up")


def _remove(daemon: Daemon | None, entry: Entry) -> None:
    if entry.kind == "file":
        Path(entry.name).unlink(missing_ok=True)
    elif entry.kind == "folder":
        shutil.rmtree(entry.name, ignore_errors=True)
    elif daemon is not None:
        _remove_from(daemon, entry)


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
