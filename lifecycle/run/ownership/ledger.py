"""What a run created: written before it is created, and the only thing that authorises deletion.

One file a run under the user's state directory, append-only JSON lines, 0600, flushed to the
disk before the command that creates. A reader derives the open entries; nothing is rewritten. It
gets its name when it says whose it is: a ledger without its first line is never seen. Its run
holds a lock on it, which the kernel drops when the run dies, however: a ledger without that lock
is a dead run's.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from lifecycle.machine.procfs import start_time
from lifecycle.machine.this_machine import machine
from lifecycle.run.ownership.ledger_folder import LedgerError, default_folder, opened

__all__ = ["Entry", "Kind", "Ledger", "LedgerError", "default_folder", "same_id"]

Kind = Literal["container", "image", "volume", "network", "file", "folder"]
_BY_ID = frozenset({"container", "network", "volume"})
REMOVAL_ORDER: tuple[Kind, ...] = ("container", "image", "volume", "network", "file", "folder")
RUN_ID = re.compile("r[0-9a-f]{8}")
"""What a run's id looks like; shorter ones would be part of anybody's names."""
NO_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})
"""What a disk says that has no locks: an NFS without its lock service, for one."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Entry:
    """One thing that this run made or meant to make; ``id`` is empty until it is known.

    ``kept`` says why it is left on purpose (a pulled base image).
    """

    kind: Kind
    name: str
    id: str = ""
    kept: str = ""


@dataclass(frozen=True)
class Begun:
    """A build, when it began (epoch seconds), and of each stage its base and its steps."""

    at: float
    stages: tuple[tuple[str, ...], ...]


class Ledger:
    """The open ledger of a live run."""

    def __init__(self, folder: Path, run: str, engine: str, address: str) -> None:
        """Create the file with its header; raises LedgerError when that can't be done safely."""
        self.run = run
        self.path = folder / f"{run}.jsonl"
        self._open: dict[tuple[str, str], Entry] = {}
        self._writing, self._changing = threading.Lock(), threading.Lock()
        try:
            with opened(folder, make=True) as within:
                self._begin(within, {"engine": engine, "address": address})
        except OSError as error:
            raise self._cannot(error) from error

    def _begin(self, folder: int, of: dict[str, str]) -> None:
        """Make the file, lock it and write whose it is; only then it gets its name."""
        here, pid = machine(), os.getpid()
        unnamed = unfinished_name(self.run, here)
        self._file, locked = _locked(unnamed, folder)
        owner = {"pid": pid, "started": start_time(pid), "locked": locked}
        try:
            self._write({"is": "run", "run": self.run, **here, **owner, **of})
            with suppress(FileNotFoundError):
                os.stat(self.path.name, dir_fd=folder, follow_symlinks=False)
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            os.rename(unnamed, self.path.name, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)  # a new name in a folder is on the disk when the folder is
        except OSError:
            with suppress(OSError):
                os.unlink(unnamed, dir_fd=folder)
            os.close(self._file)
            raise

    def _cannot(self, error: OSError) -> LedgerError:
        return LedgerError(
            f"the ledger {self.path} can't be written: {error.strerror}; nothing is started "
            "that it does not know of"
        )

    def _write(self, line: dict[str, Any]) -> None:
        """Append a line and flush it, or raise OSError and leave none of it."""
        # ASCII: a path may hold bytes that are no text, and characters that end a line.
        data = (json.dumps(line) + "\n").encode()
        with self._writing:
            size = os.fstat(self._file).st_size
            try:
                while data:
                    data = data[os.write(self._file, data) :]
                os.fdatasync(self._file)
            except OSError:
                # What comes after half a line would be lost with it.
                with suppress(OSError):
                    os.ftruncate(self._file, size)
                raise

    def _remember(self, line: dict[str, Any]) -> None:
        """Write what became of an intent; without room for it, the intent stands for it."""
        with suppress(OSError):
            self._write(line)

    def _intend(self, line: dict[str, Any]) -> None:
        """Write what must not begin unwritten; raises LedgerError."""
        try:
            self._write(line)
        except OSError as error:
            raise self._cannot(error) from error

    def intend(self, kind: Kind, name: str) -> None:
        """Call before the command that may create it; raises LedgerError."""
        if kind in {"file", "folder"} and not carries(self.run, name):
            raise LedgerError(f"{kind} {name} does not bear the id of run {self.run} in its name")
        if (kind, name) not in self._open:
            self._intend({"is": "intent", "kind": kind, "name": name})
            self._open[kind, name] = Entry(kind, name)

    def cli(self, pid: int) -> None:
        """A CLI process that creates on our behalf: it may outlive us. Raises LedgerError."""
        self._intend({"is": "cli", "pid": pid, "started": start_time(pid)})

    def build(self, begun: Begun) -> None:
        """A build begins. Raises LedgerError."""
        self._intend({"is": "build", "at": begun.at, "stages": [list(s) for s in begun.stages]})

    def made(self, kind: Kind, name: str, identity: str) -> None:
        """It exists now, under this id."""
        with self._changing:
            self._remember({"is": "made", "kind": kind, "name": name, "id": identity})
            self._open[kind, name] = Entry(kind, name, identity)

    def keep(self, kind: Kind, name: str, why: str, identity: str = "") -> None:
        """It stays on purpose, and is listed as that."""
        self._remember({"is": "kept", "kind": kind, "name": name, "why": why})
        self._open[kind, name] = Entry(kind, name, identity, kept=why)

    def gone(self, kind: Kind, name: str, identity: str = "") -> None:
        """It is no longer there; with ``identity`` only where the name has not passed to another.

        The engine's events come while a request makes a new thing of the same name.
        """
        with self._changing:
            if identity and self.id_of(kind, name) != identity:
                return
            self._remember({"is": "gone", "kind": kind, "name": name})
            self._open.pop((kind, name), None)

    def entries(self) -> list[Entry]:
        """Open entries, in the order in which they must be removed."""
        return in_order(self._open.values())

    def id_of(self, kind: Kind, name: str) -> str:
        """The id under which it was made last; empty when that is not known."""
        entry = self._open.get((kind, name))
        return entry.id if entry else ""

    def holds(self, kind: Kind, key: str) -> bool:
        """Whether this run made it: an image by its name, the others by their whole id.

        A name is no id, though it may look like one: somebody's id is a name that anybody may
        give. And an image's id is no name: many tags may share it. A literal name proves nothing
        until the id that it was made with is known.
        """
        # A copy, since the thread that reads the engine's events writes here too.
        mine = [e for e in list(self._open.values()) if e.kind == kind]
        if kind in _BY_ID:
            return bool(key) and any(e.id == key for e in mine)
        return any(e.name == key for e in mine if e.id or self.run in e.name)

    def intends(self, kind: Kind, name: str) -> bool:
        """Whether a command of this run was to make it."""
        return (kind, name) in self._open

    def close(self) -> None:
        """The run is over: drop the file when nothing is left that must go."""
        # Dropped while it is locked: no sweep may take it for one that a dead run left.
        try:
            if all(e.kept for e in self._open.values()):
                self.path.unlink(missing_ok=True)
        finally:
            os.close(self._file)


def unfinished_name(run: str, here: dict[str, str]) -> str:
    """What a ledger is called before its first line is there."""
    return f"{run}.{here['machine']}.new"


def _locked(name: str, folder: int) -> tuple[int, bool]:
    """A new file, locked for the life of this process, and whether this disk knows such locks.

    The descriptor is not passed on to any program, so that none that outlives us holds the lock.
    """
    while True:
        file = os.open(name, _NEW, 0o600, dir_fd=folder)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                os.close(file)
                raise
            return file, False
        # A sweep that came between the two took it for a dead run's and dropped it.
        if os.fstat(file).st_nlink:
            return file, True
        os.close(file)


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    newest_first = list(entries)[::-1]
    return sorted(newest_first, key=_removal)


def _removal(entry: Entry) -> tuple[int, bool]:
    """Kind by kind, the newest first, and images without a name after those with one."""
    return REMOVAL_ORDER.index(entry.kind), entry.name == entry.id


def same_id(known: str, asked: str) -> bool:
    """Whether one id is another's beginning, of at least the 12 digits that docker prints."""
    known, asked = known.removeprefix("sha256:"), asked.removeprefix("sha256:")
    return bool(known) and len(asked) >= 12 and known.startswith(asked)  # noqa: PLR2004


def carries(run: str, path: str) -> bool:
    """Whether a path is one that only this run can have made: its last name bears the run's id.

    Such are the run's folder, and the files that it sends through a mount.
    """
    pure, own = PurePosixPath(path), f"lifecycle-{run}"
    name = pure.name.removeprefix(".")
    is_own = name == own or name.startswith(f"{own}-")
    return is_own and pure.is_absolute() and RUN_ID.fullmatch(run) is not None
