"""Finishing what dead runs of this user left on this machine."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lifecycle.checks.check import Check, unverified
from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.machine.procfs import alive, start_time
from lifecycle.run.locks import FOLDER as LOCKS
from lifecycle.run.locks import drop_dead
from lifecycle.run.ownership.build_layers import above_others, left_over, made_at
from lifecycle.run.ownership.ledger import Entry
from lifecycle.run.ownership.ledger_reader import Record, Refused, all_records, drop_unfinished
from lifecycle.run.ownership.removal import remove
from lifecycle.sandbox.record import RUN_ROOT

CLI_LIMIT = 5.0
"""Seconds that a CLI which outlived its harness gets to end after TERM."""
SETTLED = 1.0
"""Seconds in which the engine does what a CLI that is gone had asked of it last."""
RECENT = 30.0
"""Seconds after which a CLI that was gone before we came has nothing under way any more."""
OUT_OF_SIGHT = 86400.0
"""Seconds in which a CLI that can't be seen from here may still make something."""


@dataclass
class Swept:
    """What came of one ledger: the removals, or why it was left alone."""

    run: str
    left_alone: str = ""
    refused: bool = False
    """Its ledger is not believed, so only a person can finish it."""
    checks: list[Check] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing of that run is left."""
        return not self.left_alone and all(c.status == "kept" for c in self.checks)


def sweep(
    folder: Path, connect: Callable[[str], Daemon], *, dry_run: bool, locks: Path = LOCKS
) -> list[Swept]:
    """Clean up after every dead run that this machine's ledgers know.

    Raises LedgerError where another may have written the ledgers: none is read then.
    """
    swept = [_one(record, connect, dry_run=dry_run) for record in all_records(folder)]
    if not dry_run:
        drop_unfinished(folder)
        drop_dead(locks)
    return swept


def _one(record: Record | Refused, connect: Callable[[str], Daemon], *, dry_run: bool) -> Swept:
    if isinstance(record, Refused):
        return Swept(record.run, left_alone=record.why, refused=True)
    if record.alive:
        return Swept(record.run, left_alone=f"it is still running (pid {record.header['pid']})")
    if record.untold:
        return Swept(record.run, left_alone=record.untold)
    address = str(record.header["address"])
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
    recent = _is_younger(record.path, RECENT)
    ended = end_clis(record)
    checks = _look(record, daemon, entries)
    if ended or recent:
        _settle(SETTLED)
    again = _look(record, daemon, entries) + _out_of_sight(record)
    if not any(c.status == "broken" for c in again) and not _out_of_sight(record):
        record.path.unlink(missing_ok=True)
    # Of a thing that was on its way out at the first look, the second one tells.
    return list({c.about: c for c in (*checks, *again)}.values())


def _out_of_sight(record: Record) -> list[Check]:
    """A check for commands that may still run in another container; the ledger stays for them."""
    if record.pids_count or not record.of_this_boot or not record.clis:
        return []
    if not _is_younger(record.path, OUT_OF_SIGHT):
        return []
    why = "they ran in another container, so the ledger stays a day for what they may still make"
    return [unverified("its commands", "ended", why)]


def _died(record: Record) -> float:
    """The latest moment at which the engine can have made what a run asked of it."""
    try:
        return record.path.stat().st_mtime + RECENT
    except OSError:
        return 0.0  # another sweep has finished it


def _is_younger(path: Path, seconds: float) -> bool:
    try:
        return time.time() - path.stat().st_mtime < seconds
    except OSError:
        return False  # another sweep has finished it


def _settle(seconds: float) -> None:
    time.sleep(seconds)  # nothing tells that the engine makes nothing more


def _look(record: Record, daemon: Daemon | None, entries: list[Entry]) -> list[Check]:
    """Remove what is there now, the images included that a build made on its own."""
    checks = [remove(daemon, e, record.run) for e in entries if e.kind == "container"]
    try:
        also = left_over(daemon, entries, record.builds, _died(record)) if daemon else []
    except EngineError as error:
        checks.append(Check("images without a name", "removed", str(error), "broken", "inventory"))
        also = []
    alone = _above_others(record, daemon, entries)
    also = list(dict.fromkeys([*(e for own in alone.values() for e in own), *also]))
    known = {e.id for e in also}
    noted = [e for e in entries if e.kind != "container" and e.id not in known]
    named = [e for e in noted if e.kind == "image" and e.name != e.id]
    rest = [e for e in noted if e not in named]
    return checks + [
        remove(daemon, e, record.run, alone=e.name in alone)
        for e in (*named, *reversed(also), *rest)
    ]


def _above_others(
    record: Record, daemon: Daemon | None, entries: list[Entry]
) -> dict[str, list[Entry]]:
    """Images that stand on layers from before the run's builds, and what is ours between them."""
    began = min((build.at for build in record.builds), default=0.0)
    layers = {}
    if daemon is None:
        return {}
    for name in [e.name for e in entries if e.kind == "image"]:
        with suppress(EngineError):  # its removal tells
            layers[name] = above_others(daemon, name, lambda image: made_at(image) < began)
    return {name: own for name, own in layers.items() if own is not None}


def _would(kind: str, name: str) -> Check:
    return Check(f"{kind} {name}", "removed", "would be removed", "kept", "ledger")


def _is_gone(address: str) -> bool:
    """A sandbox's engine takes everything with it when it goes: its socket is no more."""
    path = Path(address.removeprefix("unix://"))
    return path.is_relative_to(RUN_ROOT) and ".." not in path.parts and not path.exists()


def end_clis(record: Record) -> bool:
    """End the commands that outlived their harness, for they may still create; whether any did.

    A process id counts only where it was written: in another boot or another namespace the same
    number is somebody else's.
    """
    known = record.clis if record.pids_count else []
    clis = {(pid, at) for pid, at in known if alive(pid, at) and _leads(pid)} | _strays(record)
    for pid, at in clis:
        _end(pid, at)
    return bool(clis)


def _leads(pid: int) -> bool:
    """Whether a process leads a session of its own, as all do that a run starts."""
    with suppress(OSError):
        return os.getsid(pid) == pid
    return False


def _end(pid: int, started: int) -> None:
    with suppress(OSError):
        os.killpg(pid, signal.SIGTERM)
    if not _is_over(pid, started):
        with suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
        _is_over(pid, started)


def _is_over(pid: int, started: int) -> bool:
    deadline = time.monotonic() + CLI_LIMIT
    while alive(pid, started):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)  # it is not our child, so nobody tells us of its end
    return True


def _strays(record: Record) -> set[tuple[int, int]]:
    """CLIs that began when their harness died, before it could write down who they are.

    Each leads a session of its own, in the run's folder, whose name nobody can guess.
    """
    folders = [e.name for e in record.open.values() if e.kind == "folder"]
    strays = set()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            pid, cwd = int(entry.name), str((entry / "cwd").readlink())
            if _within(cwd, folders) and _is_cli(entry) and _leads(pid):
                strays.add((pid, start_time(pid) or 0))
    return strays


def _within(path: str, folders: Collection[str]) -> bool:
    return any(path == f or path.startswith(f"{f}/") for f in folders)


def _is_cli(entry: Path) -> bool:
    program = (entry / "cmdline").read_bytes().split(b"\0")[0]
    return Path(os.fsdecode(program)).name == "docker"
