"""Ports and names that only one run of a machine may use at a time.

A lock is an flock on a file in a folder that everybody shares: the kernel drops it when its
holder dies, so it never outlives one. The file's text says who holds it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from lifecycle.engine.private import asked, named
from lifecycle.engine.subject import current_subject
from lifecycle.scenario.errors import one_line

FOLDER = Path("/tmp/lifecycle-locks")  # noqa: S108 - everybody's: TMPDIR may be one's own
LIMIT = 600.0
"""Seconds to wait for another run to give a lock back."""


class LockError(Exception):
    """Another run held the lock all the time; the message names it."""


class Locks:
    """The locks of one run; ``scope`` is the engine's id, since ports belong to an engine."""

    def __init__(
        self, scope: str, owner: str, say: Callable[[str], None], folder: Path = FOLDER
    ) -> None:
        """``owner`` is shown to whoever waits; ``say`` tells the person here who we wait for."""
        self._scope = hashlib.sha256(scope.encode()).hexdigest()[:12]
        self._owner = f"{owner} of {current_subject().name} (pid {os.getpid()})"
        self._say = say
        self._held: dict[str, int] = {}
        self._folder = folder

    def _path(self, name: str) -> Path:
        return self._folder / f"{self._scope}-{name}"

    def _open(self, name: str) -> int:
        path = self._path(name)
        try:
            with suppress(FileExistsError):
                self._folder.mkdir(mode=0o1777)
                self._folder.chmod(0o1777)
            _refuse_strange(self._folder)
            with suppress(FileExistsError):
                made = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o666)
                os.fchmod(made, 0o666)  # whoever holds it next writes who they are
                os.close(made)
            with suppress(PermissionError):
                return os.open(path, os.O_RDWR | os.O_NOFOLLOW)
            # Read-only is enough for flock.
            return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError as error:
            raise LockError(f"the lock {path} can't be opened: {error.strerror}") from error

    def try_take(self, name: str) -> bool:
        """Take a lock if it is free."""
        if name in self._held:
            return True
        fd = self._open(name)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        if not _is_there(fd, self._path(name)):
            # Its holder removed it between our opening and our locking: that was no lock.
            os.close(fd)
            return self.try_take(name)
        self._held[name] = fd
        with suppress(OSError):
            os.ftruncate(fd, 0)
            os.pwrite(fd, self._owner.encode(), 0)
        return True

    def holder(self, name: str) -> str:
        """Who holds a lock, for a message."""
        with suppress(OSError):
            file = os.open(self._path(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(file, "rb") as opened:
                # Everybody may write it, and it is shown on our terminal.
                return one_line(opened.read(200).decode("utf-8", "replace")) or "somebody"
        return "somebody"

    def take(self, name: str, limit: float = LIMIT) -> None:
        """Wait for a lock, saying who holds it; raises LockError after ``limit`` seconds."""
        if self.try_take(name):
            return
        self._say(f"waiting for {name.replace('-', ' ')}: run {self.holder(name)} uses it")
        deadline = time.monotonic() + limit
        while not self.try_take(name):
            if time.monotonic() > deadline:
                message = f"{name.replace('-', ' ')} is in use by run {self.holder(name)}"
                raise LockError(message)
            # flock has no wait with a limit.
            time.sleep(0.1)

    def release(self) -> None:
        """Give all back, and leave no file; another user's, in a sticky folder, has to stay."""
        for name, fd in self._held.items():
            with suppress(OSError):
                self._path(name).unlink()
            os.close(fd)
        self._held.clear()
        with suppress(OSError):
            self._folder.rmdir()


def drop_dead(folder: Path = FOLDER) -> None:
    """Remove the files that killed runs of this user left: their locks ended with them."""
    for path in folder.glob("*"):
        with suppress(OSError):
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                if os.fstat(fd).st_uid == os.geteuid():
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if _is_there(fd, path):
                        path.unlink()
            finally:
                os.close(fd)
    with suppress(OSError):
        folder.rmdir()


def _refuse_strange(folder: Path) -> None:
    """Everybody's folder is a real one, in which nobody can remove what is another's."""
    state = folder.lstat()
    if not stat.S_ISDIR(state.st_mode):
        way = asked(state.st_uid, "it is yours, so put a folder in its place")
        raise LockError(f"{folder} is no folder but belongs to {named(state.st_uid)}: {way}")
    if state.st_mode & stat.S_IWOTH and not state.st_mode & stat.S_ISVTX:
        way = asked(state.st_uid, f"chmod +t {folder}")
        raise LockError(f"in {folder} everybody can remove another's lock: {way}")


def _is_there(fd: int, path: Path) -> bool:
    """Whether a path still names the file that was opened."""
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except OSError:
        return False
