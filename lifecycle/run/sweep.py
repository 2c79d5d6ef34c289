"""Finishing what dead runs of this user left on this machine."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lifecycle.checks.check import Check
from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.engine.process import alive
from lifecycle.run.cleanup import remove
from lifecycle.run.ledger import Entry, Record, all_records

CLI_LIMIT = 5.0
"""Seconds that a CLI which outlived its harness gets to end after TERM."""


@dataclass
class Swept:
    """What came of one ledger: the removals, or why it was left alone."""

    run: str
    left_alone: str = ""
    checks: list[Check] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing of that run is left."""
        return not self.left_alone and all(c.status == "kept" for c in self.checks)


def sweep(folder: Path, connect: Callable[[str], Daemon], *, dry_run: bool) -> list[Swept]:
    """Clean up after every dead run that this machine's ledgers know."""
    return [_one(record, connect, dry_run=dry_run) for record in all_records(folder)]


def _one(record: Record, connect: Callable[[str], Daemon], *, dry_run: bool) -> Swept:
    if not record.of_this_machine:
        return Swept(record.run, left_alone="it belongs to another machine")
    if record.alive:
        return Swept(record.run, left_alone=f"it is still running (pid {record.header['pid']})")
    address = str(record.header.get("address", ""))
    entries = record.entries()
    daemon: Daemon | None = None
    if _is_gone(address):
        # Its containers went with the sandbox; what is on this machine's disk did not.
        entries = [e for e in entries if e.kind in {"file", "folder"}]
    else:
        daemon = connect(address)
        problem = _not_the_same(daemon, record)
        if problem:
            return Swept(record.run, left_alone=problem)
    if dry_run:
        return Swept(record.run, checks=[_would(e.kind, e.name) for e in entries])
    return Swept(record.run, checks=_remove_all(record, daemon, entries))


def _not_the_same(daemon: Daemon, record: Record) -> str:
    """Why the engine at a ledger's address can't be the ledger's; empty when it is."""
    try:
        same = daemon.info.get("ID") == record.header.get("engine")
    except EngineError as error:
        return f"its engine does not answer: {error}"
    return "" if same else f"{daemon.address} is another engine now"


def _remove_all(record: Record, daemon: Daemon | None, entries: list[Entry]) -> list[Check]:
    end_clis(record)
    checks = [remove(daemon, e, record.run) for e in entries]
    # The CLI may have created between its end and our first look: look twice.
    again = [remove(daemon, e, record.run) for e in entries]
    if not any(c.status == "broken" for c in again):
        record.path.unlink(missing_ok=True)
        return checks
    return again


def _would(kind: str, name: str) -> Check:
    return Check(f"{kind} {name}", "removed", "would be removed", "kept", "ledger")


def _is_gone(address: str) -> bool:
    """A sandbox's engine takes everything with it when it goes: its socket is no more."""
    path = address.removeprefix("unix://")
    return path != address and "/lifecycle" in path and not Path(path).exists()


def end_clis(record: Record) -> None:
    """End the commands that outlived their harness, for they may still create."""
    for pid, started in record.clis:
        if not alive(pid, started):
            continue
        with suppress(OSError):
            os.killpg(pid, signal.SIGTERM)
        deadline = time.monotonic() + CLI_LIMIT
        while alive(pid, started) and time.monotonic() < deadline:
            time.sleep(0.02)  # it is not our child, so nobody tells us of its end
        if alive(pid, started):
            with suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
