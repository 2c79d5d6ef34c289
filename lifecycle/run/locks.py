"""Ports and names that only one run of a machine may use at a time.

A lock is an flock on a file in a folder that everybody shares: the kernel drops it when its
holder dies, so it never outlives one. The file's text says who holds it.

Everybody may put anything into that folder. A lock is a courtesy between runs, not what protects
them: one that another has spoiled is passed over, saying whose it is, and never waited for.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lifecycle.machine.private_folders import named
from lifecycle.machine.subject import current_subject
from lifecycle.text.lines import one_line

FOLDER = Path("/tmp/lifecycle-locks")  # noqa: S108 - everybody's: TMPDIR may be one's own
LIMIT = 600.0
"""Seconds to wait for another run to give a lock back."""
_TRIES = 100
"""Others remove a lock and the folder while we open them; so often in a row they do not."""
_MODE = 0o1777
_SAFELY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_OURS = re.compile("[0-9a-f]{12}-.+")
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFREG: "a file",
}


class LockError(Exception):
    """Another run held the lock all the time; the message names it."""


class _SpoiledError(Exception):
    """Something else is in a lock's place; the message says what it is, and whose."""


class Locks:
    """The locks of one run; ``scope`` is the engine's id, since ports belong to an engine."""

    def __init__(
        self, scope: str, owner: str, say: Callable[[str], None], folder: Path = FOLDER
    ) -> None:
        """``owner`` is shown to whoever waits; ``say`` tells the person here who we wait for."""
        self._scope = hashlib.sha256(scope.encode()).hexdigest()[:12]
        self._owner = f"{owner} of {current_subject().name} (pid {os.getpid()})"
        self._say = say
        self._fds: dict[str, int] = {}
        self._passed: dict[str, str] = {}
        self._folder = folder

    def _file(self, name: str) -> str:
        return f"{self._scope}-{name}"

    def try_take(self, name: str) -> bool:
        """Take a lock if it is free; pass over one that is spoiled, and say so once."""
        if name in self._fds or name in self._passed:
            return True
        try:
            fd = self._locked(name)
        except _SpoiledError as error:
            self._pass_over(name, str(error))
            return True
        except OSError as error:
            path = self._folder / self._file(name)
            raise LockError(f"the lock {path} can't be opened: {error.strerror}") from error
        if fd is None:
            return False
        self._fds[name] = fd
        with suppress(OSError):
            os.ftruncate(fd, 0)
            os.pwrite(fd, self._owner.encode(), 0)
        return True

    def _locked(self, name: str) -> int | None:
        """The lock's file, locked; None while another has it."""
        for _ in range(_TRIES):
            with suppress(FileNotFoundError), _shared(self._folder, make=True) as folder:
                fd = _opened(folder, self._folder, self._file(name))
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    os.close(fd)
                    return None
                except OSError:
                    os.close(fd)
                    raise
                if _is_there(fd, folder, self._file(name)):
                    return fd
                # Its holder removed it between our opening and our locking: that was no lock.
                os.close(fd)
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    def _pass_over(self, name: str, why: str) -> None:
        if why not in self._passed.values():
            what = name.replace("-", " ")
            self._say(f"{why}; {what} is used without a lock, and another run may use it as well")
        self._passed[name] = why

    def holder(self, name: str) -> str:
        """Who holds a lock, for a message."""
        with suppress(OSError, _SpoiledError, LockError), _shared(self._folder) as folder:
            file = _looked_at(folder, self._folder, self._file(name), os.O_RDONLY)
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
        with suppress(OSError, _SpoiledError, LockError), _shared(self._folder) as folder:
            for name in self._fds:
                with suppress(OSError):
                    os.unlink(self._file(name), dir_fd=folder)
        for fd in self._fds.values():
            os.close(fd)
        self._fds.clear()
        self._passed.clear()
        with suppress(OSError):
            self._folder.rmdir()


def drop_dead(folder: Path = FOLDER) -> None:
    """Remove the files that killed runs of this user left: their locks ended with them."""
    with suppress(OSError, _SpoiledError, LockError), _shared(folder) as shared:
        for name in _names(shared):
            with suppress(OSError, _SpoiledError):
                _drop(shared, folder, name)
    with suppress(OSError):
        folder.rmdir()


def _drop(shared: int, folder: Path, name: str) -> None:
    if not _OURS.fullmatch(name):
        return
    fd = _looked_at(shared, folder, name, os.O_RDONLY)
    try:
        if os.fstat(fd).st_uid == os.geteuid():
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_there(fd, shared, name):
                os.unlink(name, dir_fd=shared)
    finally:
        os.close(fd)


@contextmanager
def _shared(folder: Path, *, make: bool = False) -> Iterator[int]:
    """Everybody's folder, by a descriptor, so that no other can be put in its place meanwhile.

    It is a real one, in which nobody can remove what is another's. Where it is not: LockError when
    it is ours to mend, _SpoiledError when it is somebody else's.
    """
    made = False
    if make:
        with suppress(FileExistsError):
            folder.mkdir(mode=_MODE)
            made = True
    state = folder.lstat()
    if not stat.S_ISDIR(state.st_mode):
        _refuse(state, f"{folder} is no folder", "it is yours, so put a folder in its place")
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | _SAFELY)
    except PermissionError:
        _refuse(state, f"{folder} is closed to others", f"chmod 1777 {folder}")
        raise
    try:
        if made:
            os.fchmod(opened, _MODE)
        state = os.fstat(opened)
        if state.st_mode & stat.S_IWOTH and not state.st_mode & stat.S_ISVTX:
            typed = f"chmod +t {folder}"
            _refuse(state, f"in {folder} everybody can remove another's lock", typed)
        if not os.access(f"/proc/self/fd/{opened}", os.W_OK | os.X_OK, effective_ids=True):
            _wait_for_its_maker(state)
            _refuse(state, f"{folder} is closed to others", f"chmod 1777 {folder}")
        yield opened
    finally:
        os.close(opened)


def _wait_for_its_maker(state: os.stat_result) -> None:
    """One made in this moment is not open to all yet; FileNotFoundError has it tried again."""
    if abs(time.time() - state.st_ctime) < 1:
        time.sleep(0.01)  # nothing tells of another's chmod
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _refuse(state: os.stat_result, what: str, typed: str) -> None:
    """Ours is ours to mend; what another has spoiled must not stop us."""
    if state.st_uid == os.geteuid():
        raise LockError(f"{what}: {typed}")
    raise _SpoiledError(f"{what} (it belongs to {named(state.st_uid)})")


def _opened(shared: int, folder: Path, name: str) -> int:
    """A lock's file, made where there is none."""
    with suppress(FileExistsError):
        how = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        made = os.open(name, how, 0o666, dir_fd=shared)
        os.fchmod(made, 0o666)  # whoever holds it next writes who they are
        os.close(made)
    with suppress(PermissionError):
        return _looked_at(shared, folder, name, os.O_RDWR)
    try:
        # Read-only is enough for flock.
        return _looked_at(shared, folder, name, os.O_RDONLY)
    except PermissionError as error:
        state = os.stat(name, dir_fd=shared, follow_symlinks=False)
        raise _SpoiledError(_spoiled(folder / name, state, "that others may not read")) from error


def _looked_at(shared: int, folder: Path, name: str, how: int) -> int:
    """Open what is a file like a lock's, and nothing that would hang, lead away or be changed."""
    _expect_file(folder / name, os.stat(name, dir_fd=shared, follow_symlinks=False))
    fd = os.open(name, how | _SAFELY, dir_fd=shared)
    try:
        _expect_file(folder / name, os.fstat(fd))
    except _SpoiledError:
        os.close(fd)
        raise
    return fd


def _expect_file(path: Path, state: os.stat_result) -> None:
    if not stat.S_ISREG(state.st_mode):
        raise _SpoiledError(_spoiled(path, state, "and no lock"))
    if state.st_nlink > 1:
        # We write into it who holds it, and the other name may be of a file that matters.
        raise _SpoiledError(_spoiled(path, state, "that has another name elsewhere"))


def _spoiled(path: Path, state: os.stat_result, what: str) -> str:
    kind = _KINDS.get(stat.S_IFMT(state.st_mode), "a device")
    who = "you" if state.st_uid == os.geteuid() else named(state.st_uid)
    return f"{path} is {kind} {what}: {who} or an admin can remove it"


def _names(folder: int) -> list[str]:
    return os.listdir(folder)


def _is_there(fd: int, shared: int, name: str) -> bool:
    """Whether a name in the folder still is the file that was opened."""
    try:
        entry = os.stat(name, dir_fd=shared, follow_symlinks=False)
    except OSError:
        return False
    return os.path.samestat(os.fstat(fd), entry)
