"""Reading ledgers back: only the reader's own, only whole ones, and without ever waiting.

A ledger authorises deletions. So it is believed where nobody else could have written it, and when
every line of it is one that a run writes; else it is left alone, and why is told. The line that a
kill cut off, the last, is passed over.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from lifecycle.machine.procfs import alive
from lifecycle.machine.this_machine import ONE_BOOT, is_here, machine
from lifecycle.run.ownership.ledger import (
    NO_LOCKS,
    REMOVAL_ORDER,
    RUN_ID,
    Begun,
    Entry,
    Kind,
    carries,
    in_order,
    unfinished_name,
)
from lifecycle.run.ownership.ledger_folder import opened, why_not_ours
from lifecycle.text.json_object import Json
from lifecycle.text.lines import one_line

MOST = 16 << 20
"""Bytes of a ledger that are read: a run of 10,000 things writes 2 MiB."""
_OPEN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MOST_NUMBER = 1 << 40
"""More than any process id, and any time in seconds."""
_TEXTS = ("machine", "boot", "pids", "engine", "address")


class BadLedgerError(Exception):
    """A file that is not believed; the message says what is wrong with it."""


@dataclass(frozen=True)
class Refused:
    """A file in the folder of ledgers that is not believed, and why."""

    path: Path
    why: str

    @property
    def run(self) -> str:
        """What it is called."""
        return one_line(self.path.stem)


@dataclass
class Record:
    """A ledger as read back: its header, what is still open, and the CLIs that ran.

    ``is_locked`` says whether its run holds its lock; None when this disk can't tell.
    """

    path: Path
    header: Json
    is_locked: bool | None = None
    open: dict[tuple[str, str], Entry] = field(default_factory=dict)
    clis: list[tuple[int, int]] = field(default_factory=list)
    builds: list[Begun] = field(default_factory=list)

    @property
    def run(self) -> str:
        """The run's name."""
        return str(self.header["run"])

    @property
    def of_this_machine(self) -> bool:
        """Homes are on NFS: another server's ledger is none of ours."""
        return is_here(self.header, "machine")

    @property
    def of_this_boot(self) -> bool:
        """Whether this machine has not been started again since."""
        return is_here(self.header, "machine", "boot")

    @property
    def pids_count(self) -> bool:
        """Whether its process ids are ours: of another boot or namespace they are others'."""
        return is_here(self.header, "machine", "boot", "pids")

    @property
    def alive(self) -> bool:
        """Whether its run still goes on: it holds its lock, wherever its process is."""
        if self.is_locked or self._lock_tells:
            return bool(self.is_locked)
        return self.pids_count and alive(self.header["pid"], self.header["started"] or 0)

    @property
    def untold(self) -> str:
        """Why it can't be told from here whether its run goes on; empty when it can."""
        if not self.of_this_machine:
            started = str(self.header["machine"]).startswith(ONE_BOOT)
            also = ", or to this one before it was started again: it has no /etc/machine-id"
            return f"it belongs to another machine{also if started else ''}"
        if self._lock_tells or self.pids_count or not self.of_this_boot:
            return ""
        return (
            "its disk has no locks and its process ids are another container's, so nothing here "
            "tells whether it is still running"
        )

    @property
    def _lock_tells(self) -> bool:
        return self.is_locked is not None and bool(self.header["locked"])

    def entries(self) -> list[Entry]:
        """Open entries, in the order in which they must be removed."""
        return in_order(self.open.values())


def all_records(folder: Path) -> list[Record | Refused]:
    """Every ledger in a folder; raises LedgerError where another may have written in it."""
    with _within(folder) as within:
        if within is None:
            return []
        return [_one(folder / name, within) for name in _names(within) if name.endswith(".jsonl")]


def read(path: Path) -> Record:
    """Read one back; raises BadLedgerError, or LedgerError for its folder."""
    with _within(path.parent) as within:
        if within is None:
            raise BadLedgerError("it is not there")
        return _read(path, within)


def drop_unfinished(folder: Path) -> None:
    """Remove what runs left that died on this machine before their first line was there."""
    here = machine()
    with _within(folder) as within:
        if within is None or not here["machine"]:
            return
        for name in _names(within):
            if name != unfinished_name(name.partition(".")[0], here):
                continue
            # Held while it goes: a run that has only just made it looks, and makes another.
            with suppress(OSError, BadLedgerError), _opened(name, within, os.O_RDWR) as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(name, dir_fd=within)


def _names(folder: int) -> list[str]:
    return sorted(os.listdir(folder))


@contextmanager
def _within(folder: Path) -> Iterator[int | None]:
    """The folder, by a descriptor; None when there is none yet."""
    if not os.path.lexists(folder):
        yield None
        return
    with opened(folder) as within:
        yield within


def _one(path: Path, within: int) -> Record | Refused:
    try:
        return _read(path, within)
    except BadLedgerError as error:
        return Refused(path, f"{error}; nothing is removed by it: {one_line(str(path))}")


def _read(path: Path, within: int) -> Record:
    if not RUN_ID.fullmatch(path.stem):
        raise BadLedgerError("its name is no run's")
    try:
        with _opened(path.name, within, os.O_RDONLY) as file:
            is_locked = _is_held(file)
            text = _text(file)
    except OSError as error:
        raise BadLedgerError(f"it can't be read: {error.strerror}") from error
    return _record(path, is_locked, text)


@contextmanager
def _opened(name: str, within: int, how: int) -> Iterator[int]:
    """A file of the folder, which is a ledger of ours whatever else lies there."""
    state = os.stat(name, dir_fd=within, follow_symlinks=False)
    _refuse(why_not_ours(state))
    file = os.open(name, how | _OPEN, dir_fd=within)
    try:
        _refuse(why_not_ours(os.fstat(file)))
        yield file
    finally:
        os.close(file)


def _refuse(reason: str) -> None:
    if reason:
        raise BadLedgerError(reason)


def _is_held(file: int) -> bool | None:
    """Whether a run holds the lock; shared, so that two who look do not see each other."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        if error.errno in NO_LOCKS:
            return None
        raise
    return False


def _text(file: int) -> str:
    data = bytearray()
    while len(data) <= MOST and (more := os.read(file, 1 << 16)):
        data += more
    if len(data) > MOST:
        raise BadLedgerError(f"it is longer than {MOST >> 20} MiB")
    return data.decode("utf-8", "replace")


def _record(path: Path, is_locked: bool | None, text: str) -> Record:  # noqa: FBT001 - what is known
    *whole, torn = text.split("\n")
    lines = [*enumerate(whole, 1)]
    if not lines:
        raise BadLedgerError("it has no line that says whose it is")
    with suppress(BadLedgerError):
        _line(torn)
        lines.append((len(lines) + 1, torn))
    record: Record | None = None
    for number, line in lines:
        try:
            entry = _line(line)
            if record is None:
                record = Record(path, _header(entry, path.stem), is_locked)
            else:
                _follow(record, entry)
        except BadLedgerError as error:
            raise BadLedgerError(f"its line {number} is none that a run writes: {error}") from None
    assert record is not None  # noqa: S101 - there was a line, and it was the header
    return record


def _line(text: str) -> Json:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadLedgerError("it is not JSON") from error
    if not isinstance(value, dict):
        raise BadLedgerError("it is no mapping")
    return value


def _header(entry: Json, run: str) -> Json:
    _expect(entry.get("is") == "run", "the first one says whose the ledger is")
    _expect(entry.get("run") == run, "its run is not the one that the file is named after")
    for key in _TEXTS:
        _expect(isinstance(entry.get(key), str), f"{key} is no text")
    _expect(isinstance(entry.get("locked"), bool), "locked is neither true nor false")
    _process(entry, 1)  # in a container the run itself may be the first process
    return entry


def _process(entry: Json, least: int) -> tuple[int, int]:
    """A process by its number and its start, which may not have been known (0)."""
    pid, started = entry.get("pid"), entry.get("started")
    _expect(type(pid) is int and least <= pid < _MOST_NUMBER, "pid is no process id")
    _expect(started is None or (type(started) is int and started >= 0), "started is no time")
    return int(pid or 0), int(started or 0)


def _follow(record: Record, entry: Json) -> None:
    """What one line changes."""
    match entry.get("is"):
        case "cli":
            record.clis.append(_process(entry, 2))
        case "build":
            record.builds.append(_begun(entry))
        case "intent" | "made" | "kept" | "gone" as what:
            kind, name, identity = _thing(record.run, entry)
            if what in {"intent", "made"}:
                record.open[kind, name] = Entry(kind, name, identity)
            else:
                record.open.pop((kind, name), None)
        case _:
            raise BadLedgerError("what it is, is not known to this version")


def _begun(entry: Json) -> Begun:
    at, stages = entry.get("at"), entry.get("stages")
    if type(at) not in {int, float} or not 0 <= (at or 0) < _MOST_NUMBER:
        raise BadLedgerError("at is no time")
    _expect(isinstance(stages, list) and all(_texts(s) and s for s in stages), "stages are none")
    return Begun(float(at or 0), tuple(map(tuple, stages or ())))


def _thing(run: str, entry: Json) -> tuple[Kind, str, str]:
    kind = next((k for k in REMOVAL_ORDER if k == entry.get("kind")), None)
    name, identity = entry.get("name"), entry.get("id", "")
    if kind is None:
        raise BadLedgerError("its kind is not known to this version")
    if not isinstance(name, str) or not name or "\0" in name:
        raise BadLedgerError("name is none")
    if not isinstance(identity, str) or "\0" in identity:
        raise BadLedgerError("id is none")
    if kind in {"file", "folder"} and not carries(run, name):
        raise BadLedgerError(f"a {kind} that does not bear the run's id in its name")
    return kind, name, identity


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _expect(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - the claim itself
    if not holds:
        raise BadLedgerError(otherwise)
