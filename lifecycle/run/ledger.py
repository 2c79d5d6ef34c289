"""What a run created: written before it is created, and the only thing that authorises deletion.

One file a run under the user's state directory, append-only JSON lines, 0600, flushed to the
disk before the command that creates. A reader derives the open entries; nothing is rewritten. It
gets its name when it says whose it is: a ledger without its first line is never seen.
"""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import platformdirs

from lifecycle.engine.private import why_unsafe
from lifecycle.engine.process import alive, start_time

Kind = Literal["container", "image", "volume", "network", "file", "folder"]
REMOVAL_ORDER: tuple[Kind, ...] = ("container", "image", "volume", "network", "file", "folder")


class LedgerError(Exception):
    """The ledger can't be kept here, so nothing may be started; the message says why."""


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


@dataclass
class Record:
    """A ledger as read back: its header, what is still open, and the CLIs that ran."""

    path: Path
    header: dict[str, Any]
    open: dict[tuple[str, str], Entry] = field(default_factory=dict)
    clis: list[tuple[int, int]] = field(default_factory=list)
    builds: list[Begun] = field(default_factory=list)

    @property
    def run(self) -> str:
        """The run's name."""
        return str(self.header.get("run", self.path.stem))

    @property
    def of_this_boot(self) -> bool:
        """Process ids of another boot mean nothing here."""
        here = machine()
        return all(self.header.get(k) == here[k] for k in ("machine", "boot"))

    @property
    def alive(self) -> bool:
        """Whether the process that owns this ledger still runs, on this boot of this machine."""
        return self.of_this_boot and alive(int(self.header["pid"]), int(self.header["started"]))

    @property
    def of_this_machine(self) -> bool:
        """Homes are on NFS: another server's ledger is none of ours."""
        return bool(self.header.get("machine") == machine()["machine"])

    def entries(self) -> list[Entry]:
        """Open entries, in the order in which they must be removed."""
        return _in_order(self.open.values())


def machine() -> dict[str, str]:
    """Which machine and which boot of it this is."""
    names = {"machine": "/etc/machine-id", "boot": "/proc/sys/kernel/random/boot_id"}
    found = {}
    for key, path in names.items():
        try:
            found[key] = Path(path).read_text().strip()
        except OSError:
            found[key] = os.uname().nodename
    return found


def default_folder() -> Path:
    """Where this user's ledgers are."""
    return Path(platformdirs.user_state_dir("docker-lifecycle")) / "ledgers"


class Ledger:
    """The open ledger of a live run."""

    def __init__(self, folder: Path, run: str, engine: str, address: str) -> None:
        """Create the file with its header; raises LedgerError when that can't be done safely."""
        self.run = run
        self.path = folder / f"{run}.jsonl"
        self._open: dict[tuple[str, str], Entry] = {}
        self._writing = threading.Lock()
        here, pid = machine(), os.getpid()
        owner = {"pid": pid, "started": start_time(pid), "engine": engine, "address": address}
        unnamed = folder / _unfinished_name(run, here, pid, start_time(pid))
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _refuse_unsafe(folder)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW
            self._file = os.open(unnamed, flags, 0o600)
        except OSError as error:
            raise self._cannot(error) from error
        try:
            self._write({"is": "run", "run": run, **here, **owner})
            if os.path.lexists(self.path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            unnamed.rename(self.path)
            _flush(folder)
        except OSError as error:
            os.close(self._file)
            unnamed.unlink(missing_ok=True)
            raise self._cannot(error) from error

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
        if (kind, name) not in self._open:
            self._intend({"is": "intent", "kind": kind, "name": name})
            self._open[kind, name] = Entry(kind, name)

    def cli(self, pid: int) -> None:
        """A CLI process that creates on our behalf: it may outlive us. Raises LedgerError."""
        self._intend({"is": "cli", "pid": pid, "started": start_time(pid)})

    def build(self, stages: Iterable[Iterable[str]]) -> None:
        """A build of these stages begins. Raises LedgerError."""
        self._intend({"is": "build", "at": time.time(), "stages": [list(s) for s in stages]})

    def made(self, kind: Kind, name: str, identity: str) -> None:
        """It exists now, under this id."""
        self._remember({"is": "made", "kind": kind, "name": name, "id": identity})
        self._open[kind, name] = Entry(kind, name, identity)

    def keep(self, kind: Kind, name: str, why: str, identity: str = "") -> None:
        """It stays on purpose, and is listed as that."""
        self._remember({"is": "kept", "kind": kind, "name": name, "why": why})
        self._open[kind, name] = Entry(kind, name, identity, kept=why)

    def gone(self, kind: Kind, name: str) -> None:
        """It is no longer there."""
        self._remember({"is": "gone", "kind": kind, "name": name})
        self._open.pop((kind, name), None)

    def entries(self) -> list[Entry]:
        """Open entries, in the order in which they must be removed."""
        return _in_order(self._open.values())

    def id_of(self, kind: Kind, name: str) -> str:
        """The id under which it was made last; empty when that is not known."""
        entry = self._open.get((kind, name))
        return entry.id if entry else ""

    def holds(self, kind: Kind, name_or_id: str) -> bool:
        """Whether this run made it; an id may be a prefix of at least 12 characters.

        A literal name proves nothing until the id that it was made with is known.
        """
        # A copy, since the thread that reads the engine's events writes here too.
        mine = [e for e in list(self._open.values()) if e.kind == kind]
        known = (e for e in mine if e.id or self.run in e.name)
        return any(e.name == name_or_id or same_id(e.id, name_or_id) for e in known)

    def intends(self, kind: Kind, name: str) -> bool:
        """Whether a command of this run was to make it."""
        return (kind, name) in self._open

    def close(self) -> None:
        """The run is over: drop the file when nothing is left that must go."""
        os.close(self._file)
        if all(e.kept for e in self._open.values()):
            self.path.unlink(missing_ok=True)


def _in_order(entries: Iterable[Entry]) -> list[Entry]:
    newest_first = list(entries)[::-1]
    return sorted(newest_first, key=_removal)


def _removal(entry: Entry) -> tuple[int, bool]:
    """Kind by kind, the newest first, and images without a name after those with one."""
    return REMOVAL_ORDER.index(entry.kind), entry.name == entry.id


def same_id(known: str, asked: str) -> bool:
    """Whether one id is another's beginning, of at least the 12 digits that docker prints."""
    known, asked = known.removeprefix("sha256:"), asked.removeprefix("sha256:")
    return bool(known) and len(asked) >= 12 and known.startswith(asked)  # noqa: PLR2004


def _refuse_unsafe(folder: Path) -> None:
    unsafe = why_unsafe(folder)
    if unsafe:
        raise LedgerError(unsafe)


def _flush(folder: Path) -> None:
    """A new name in a folder is on the disk when the folder is."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _unfinished_name(run: str, here: dict[str, str], pid: int, started: int | None) -> str:
    # A machine without an id goes by its name, which may have dots.
    ids = (here[key].replace(".", "-") for key in ("machine", "boot"))
    return ".".join((run, *ids, str(pid), f"{started or 0}", "new"))


def unfinished(folder: Path) -> list[Path]:
    """Ledgers whose owner died on this machine before their first line was there."""
    return [path for path in folder.glob("*.new") if _owner_is_dead(path.name)]


def _owner_is_dead(name: str) -> bool:
    here = machine()
    match name.split("."):
        case [run, _, boot, pid, started, _] if pid.isdecimal() and started.isdecimal():
            number, at = int(pid), int(started)
            if name == _unfinished_name(run, here, number, at):
                return not alive(number, at)
            return name == _unfinished_name(run, {**here, "boot": boot}, number, at)
    return False


def read(path: Path) -> Record | None:
    """Read a ledger back; None for a file that is none. A torn last line is what a kill left."""
    record = None
    for line in _lines(path):
        if line.get("is") == "run" and {"pid", "started"} <= line.keys():
            record = Record(path, line)
        elif record is not None:
            _follow(record, line)
    return record


def _follow(record: Record, line: dict[str, Any]) -> None:
    """What one line changes."""
    if line.get("is") == "cli":
        record.clis.append((int(line["pid"]), int(line["started"] or 0)))
        return
    if line.get("is") == "build":
        record.builds.append(Begun(float(line["at"]), tuple(map(tuple, line["stages"]))))
        return
    kind = next((k for k in REMOVAL_ORDER if k == line.get("kind")), None)
    if kind is None:
        return
    name = str(line.get("name", ""))
    match line.get("is"):
        case "intent" | "made":
            record.open[kind, name] = Entry(kind, name, str(line.get("id", "")))
        case "kept" | "gone":
            record.open.pop((kind, name), None)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return
    for line in text.split("\n"):
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value


def all_records(folder: Path) -> list[Record]:
    """Every ledger in a folder."""
    if not folder.is_dir():
        return []
    found = (read(p) for p in sorted(folder.glob("*.jsonl")))
    return [r for r in found if r is not None]
