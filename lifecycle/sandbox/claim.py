"""Whose a sandbox is: a lock in each of its folders, held by the living for as long as they live.

A process number says nothing in another pid namespace, and what /run shows is a matter of the
mount namespace. A lock is the same for all who see its file, and ends with its holder.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

from lifecycle.machine.private_folders import why_unsafe
from lifecycle.sandbox import storage
from lifecycle.sandbox.cgroup import groups_of_sandboxes
from lifecycle.sandbox.record import DATA_ROOT, RECORD, RUN_ROOT, Record, read
from lifecycle.sandbox.shell import SandboxError

ROOTS = (RUN_ROOT, DATA_ROOT)
FOLDER_MODE = 0o711
"""Others pass through to the socket. They list nothing, and so lock nothing: it takes reading."""
_LOCK = "alive"
_ASIDE = ".part"
"""A folder that is being made or deleted, which happens under the roots' lock only."""


class Claim:
    """The locks of one sandbox, held until :meth:`release` or until this process ends."""

    def __init__(self, sandbox: str) -> None:
        """Name the sandbox; takes no lock yet."""
        self.sandbox = sandbox
        self._handles: list[int] = []

    @classmethod
    def make(cls, record: Record) -> Self:
        """Make the folders of a new sandbox, locked and with their record before they are seen.

        Call it under the roots' lock.
        """
        claim = cls(record.id)
        for root in ROOTS:
            aside = root / f"{record.id}{_ASIDE}"
            aside.mkdir()
            aside.chmod(FOLDER_MODE)
            handle = os.open(aside / _LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            claim._handles.append(handle)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(handle, json.dumps({"inode": os.fstat(handle).st_ino}).encode())
            record.write(aside)
            aside.rename(root / record.id)
        return claim

    @classmethod
    def take(cls, sandbox: str) -> Self | str | None:
        """The claim on a dead sandbox; None for a living one, or why that can't be told.

        Call it under the roots' lock.
        """
        claim, unknown = cls(sandbox), ""
        for folder in (root / sandbox for root in ROOTS):
            if not folder.is_dir():
                continue
            try:
                claim._handles.append(_locked_file(folder))
            except BlockingIOError:
                claim.release()
                return None
            except (OSError, ValueError) as error:
                unknown = unknown or _why_unknown(folder, error)
        if unknown:
            claim.release()
            return unknown
        return claim

    def remove_folders(self) -> None:
        """Delete what is left of the folders; call it under the roots' lock.

        It moves them out of sight first: a visible sandbox keeps its lock to the end.
        """
        for root in ROOTS:
            folder, aside = root / self.sandbox, root / f"{self.sandbox}{_ASIDE}"
            if folder.is_dir():
                storage.unmount(folder)
                folder.rename(aside)
                storage.delete(aside)

    @property
    def is_released(self) -> bool:
        """Whether this claim has no lock, or has let all of them go."""
        return not self._handles

    def release(self) -> None:
        """Let the locks go."""
        while self._handles:
            os.close(self._handles.pop())


def _locked_file(folder: Path) -> int:
    """Lock a folder's file; BlockingIOError where somebody holds it, others where none can tell."""
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK
    handle = os.open(folder / _LOCK, flags)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _check(handle)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _check(handle: int) -> None:
    """Raise ValueError for a copy of a lock: the original names its own inode.

    Another view of the disk (an overlay, a copy) does not show who holds the original.
    """
    state = os.fstat(handle)
    label = json.loads(os.pread(handle, 1000, 0) or b"{}") if stat.S_ISREG(state.st_mode) else None
    if not isinstance(label, dict) or label.get("inode") != state.st_ino:
        raise ValueError("its lock is a copy of another")


def _why_unknown(folder: Path, error: Exception) -> str:
    """The sentence about a folder that has no lock to go by."""
    none = isinstance(error, FileNotFoundError)
    why = "it has no lock, as one of an earlier version" if none else str(error)
    return f"nobody can tell whether {folder} is in use: {why}"


def sandboxes() -> list[str]:
    """The ids of all sandboxes of which there is a folder, living or not."""
    names = {path.name for root in ROOTS for path in root.glob("*") if path.is_dir()}
    return sorted(name for name in names if not name.endswith(_ASIDE))


def records() -> list[Record]:
    """Every sandbox of this machine that is up, or was not taken down."""
    candidates = (read(root / sandbox) for sandbox in sandboxes() for root in ROOTS)
    return list({record.id: record for record in candidates if record}.values())


def has_record(sandbox: str) -> bool:
    """Whether there is a record, also one of another version that can't be read."""
    return any((root / sandbox / RECORD).exists() for root in ROOTS)


@contextmanager
def locked() -> Iterator[None]:
    """One at a time: choosing what is free, and deciding who is dead and who the last to leave.

    The locks are on the roots themselves, since a lock file would be one more thing left behind;
    the roots go with the last sandbox. Both are locked: another may see only one of them.
    """
    with ExitStack() as locks:
        for root in ROOTS:
            locks.enter_context(_alone(root))
        for aside in (path for root in ROOTS for path in root.glob(f"*{_ASIDE}")):
            with suppress(SandboxError, OSError):
                storage.delete(aside)  # of one that was killed while it made or deleted this
        yield
        if not any(any(root.iterdir()) for root in ROOTS) and not groups_of_sandboxes():
            for root in ROOTS:  # or one may have its own folders laid over these
                root.rmdir()


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    while True:
        if reason := why_unsafe(root):
            raise SandboxError(reason)
        try:
            root.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise SandboxError(f"{root} can't be used: {error.strerror}") from error
        try:
            os.fchmod(handle, FOLDER_MODE)
            fcntl.flock(handle, fcntl.LOCK_EX)
            if _is_still(root, handle):
                yield
                return
        finally:
            os.close(handle)


def _is_still(root: Path, handle: int) -> bool:
    """Whether a root was not removed, by the last to leave, while it was waited for."""
    try:
        return os.fstat(handle).st_ino == root.stat().st_ino
    except FileNotFoundError:
        return False
