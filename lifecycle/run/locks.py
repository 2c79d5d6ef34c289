"""Ports and names that only one run of a machine may use at a time.

A lock is an flock on a file in a folder that everybody shares: the kernel drops it when its
holder dies, so it never outlives one. The file's text says who holds it.
"""

from __future__ import annotations

import fcntl
import getpass
import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

LIMIT = 600.0
"""Seconds to wait for another run to give a lock back."""


class LockError(Exception):
    """Another run held the lock all the time; the message names it."""


class Locks:
    """The locks of one run; ``scope`` is the engine's id, since ports belong to an engine."""

    def __init__(self, scope: str, owner: str, say: Callable[[str], None]) -> None:
        """``owner`` is shown to whoever waits; ``say`` tells the person here who we wait for."""
        self._scope = hashlib.sha256(scope.encode()).hexdigest()[:12]
        self._owner = f"{owner} of {getpass.getuser()} (pid {os.getpid()})"
        self._say = say
        self._held: dict[str, int] = {}
        self._folder = Path(tempfile.gettempdir()) / "lifecycle-locks"
        with suppress(FileExistsError):
            self._folder.mkdir(mode=0o1777)
            self._folder.chmod(0o1777)

    def _open(self, name: str) -> int:
        path = self._folder / f"{self._scope}-{name}"
        # Read-only is enough for flock, and works on a file that another user made.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o644))
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)

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
        self._held[name] = fd
        with suppress(OSError):
            (self._folder / f"{self._scope}-{name}").write_text(self._owner)
        return True

    def holder(self, name: str) -> str:
        """Who holds a lock, for a message."""
        with suppress(OSError):
            return (self._folder / f"{self._scope}-{name}").read_text()[:200]
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
        """Give all back. The files stay: removing one would race with whoever just opened it."""
        for fd in self._held.values():
            os.close(fd)
        self._held.clear()
