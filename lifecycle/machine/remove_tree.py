"""Removing a folder of ours with all that is in it, and nothing that is only seen through it.

What a run's folder shows may be somebody's: a NAS that is mounted in it, or the folder that a link
leads to. So it is walked by descriptors: each name is opened in the folder before it, no link is
followed, and whatever is on another mount is left, before anything of it is asked (one that is dead
would never answer). What is left is told.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from lifecycle.text.lines import one_line

MOST_NAMED = 5
"""So many of the things that are left are named, and the others counted."""
_PLACE = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_FOLDER = {errno.ENOTDIR, errno.ELOOP}
_MOUNT = "is mounted there, so it was left: umount it, then lifecycle sweep removes the rest"


class _LeftError(Exception):
    """Why a thing stays."""


@dataclass(frozen=True)
class _Place:
    """A folder on one mount, which no name can lead away from."""

    mount: str
    device: int
    inode: int

    def is_beside(self, other: _Place) -> bool:
        """Whether both are of one mount and of one file system."""
        return (self.mount, self.device) == (other.mount, other.device)


@dataclass
class _Level:
    """A folder on the way down: what of it has not been looked at yet."""

    name: str
    place: _Place
    names: list[str]
    spared: bool = False
    """Something below it was left, so that it can't go either."""
    again: str = ""
    """The name that is tried for the second time."""


def remove_tree(path: Path) -> str:
    """Remove a folder of this user's; returns what stays and why, empty when all is gone."""
    left = _Left(str(path))
    try:
        with _opened(str(path.parent), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC) as parent:
            _Walk(parent, path.name, left).go()
    except FileNotFoundError:
        return ""
    except _LeftError as error:
        left.add("", str(error))
    except OSError as error:
        left.add("", _reason(error))
    return str(left)


@dataclass
class _Left:
    """What stays, by its path."""

    top: str
    lines: list[str] = field(default_factory=list)
    more: int = 0

    def add(self, below: str, why: str) -> None:
        """Name a thing; one below another that stays counts for itself."""
        if len(self.lines) < MOST_NAMED:
            where = f"{self.top}/{below}" if below else self.top
            self.lines.append(f"{one_line(where)}: {why}")
        else:
            self.more += 1

    def __str__(self) -> str:
        also = [f"and {self.more} more"] if self.more else []
        return "; ".join([*self.lines, *also])


class _Walk:
    """One way down and up again, with one folder open at a time: a tree may be of any depth."""

    def __init__(self, parent: int, name: str, left: _Left) -> None:
        self._parent, self._name, self._left = parent, name, left
        self._levels: list[_Level] = []

    def go(self) -> None:
        """Remove what can be."""
        above = _place(self._parent)
        here = self._enter(self._parent, self._name, above, is_top=True)
        try:
            while self._levels:
                level = self._levels[-1]
                here = self._next(here, level) if level.names else self._leave(here, level)
        finally:
            os.close(here)

    def _next(self, here: int, level: _Level) -> int:
        """Remove one name of a folder, or go into it; returns the folder that is open then."""
        name = level.names.pop()
        try:
            if _removed(here, name):
                return here
            inner = self._enter(here, name, level.place)
        except FileNotFoundError:
            return here
        except _LeftError as error:
            self._spare(level, name, str(error))
            return here
        except OSError as error:
            if error.errno in _NO_FOLDER and level.again != name:
                # It was one when we looked, and is a link or a file by now.
                level.again = name
                level.names.append(name)
            else:
                self._spare(level, name, _why(here, name, error))
            return here
        os.close(here)
        return inner

    def _enter(self, within: int, name: str, above: _Place, *, is_top: bool = False) -> int:
        """Open a folder to be emptied, which is on the mount of the one before it."""
        with _opened(name, _PLACE, within) as place:
            its_place = _place(place, above)
            state = os.fstat(place)
            if is_top and state.st_uid != os.geteuid():
                raise _LeftError(
                    f"it belongs to {_owner(state.st_uid)}, so this run did not make it"
                )
            _allow(place, state)
            here = os.open(".", _LIST, dir_fd=place)
        try:
            self._levels.append(_Level(name, its_place, _names(here)))
        except BaseException:
            os.close(here)
            raise
        return here

    def _leave(self, here: int, level: _Level) -> int:
        """Go up and remove the folder that is empty now."""
        self._levels.pop()
        if not self._levels:
            self._remove(self._parent, level)
            return here
        above = os.open("..", _LIST, dir_fd=here)
        os.close(here)
        upper = self._levels[-1]
        if not _is_at(above, upper.place):
            # Where we are now is not ours to know: nothing more is touched.
            self._levels.clear()
            self._left.add("", "a folder in it was moved away while it was being removed")
            return above
        if self._remove(above, level):
            upper.spared = True
        return above

    def _remove(self, within: int, level: _Level) -> bool:
        """Remove an emptied folder; returns whether it stays."""
        if level.spared:
            return True
        try:
            os.rmdir(level.name, dir_fd=within)
        except FileNotFoundError:
            return False
        except OSError as error:
            why = _MOUNT if error.errno == errno.EBUSY else _reason(error)
            self._left.add(self._below(level.name) if self._levels else "", why)
            return True
        return False

    def _spare(self, level: _Level, name: str, why: str) -> None:
        level.spared = True
        self._left.add(self._below(name), why)

    def _below(self, name: str) -> str:
        """A name as the path below the top, of which the end tells most."""
        names = [*(level.name for level in self._levels[1:]), name]
        return "/".join(names if len(names) <= MOST_NAMED else ["...", *names[-MOST_NAMED:]])


def _names(folder: int) -> list[str]:
    return os.listdir(folder)


def _removed(within: int, name: str) -> bool:
    """Remove a file, a link or an empty folder; False for a folder with something in it.

    The kernel refuses what is mounted on without asking what is mounted there.
    """
    try:
        try:
            os.unlink(name, dir_fd=within)
        except IsADirectoryError:
            os.rmdir(name, dir_fd=within)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise _LeftError(_MOUNT) from error
        if error.errno == errno.ENOTEMPTY:
            return False
        raise
    return True


@contextmanager
def _opened(name: str, how: int, within: int | None = None) -> Iterator[int]:
    descriptor = os.open(name, how, dir_fd=within)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _place(descriptor: int, above: _Place | None = None) -> _Place:
    """Where a folder is; raises _LeftError where that is not on the mount of the one above it.

    The kernel alone tells the mount, so it comes first. A bind mount has the same device.
    """
    mount = _mount_of(descriptor)
    if above is not None and mount != above.mount:
        raise _LeftError(_MOUNT)
    state = os.fstat(descriptor)
    place = _Place(mount, state.st_dev, state.st_ino)
    if above is not None and not place.is_beside(above):
        raise _LeftError("it is another file system, so it was left")
    return place


def _is_at(descriptor: int, place: _Place) -> bool:
    try:
        return _place(descriptor, place) == place
    except (OSError, _LeftError):
        return False


def _mount_of(descriptor: int) -> str:
    text = Path(f"/proc/self/fdinfo/{descriptor}").read_text("ascii")
    mounts = [line.split()[1] for line in text.splitlines() if line.startswith("mnt_id:")]
    if not mounts:
        raise _LeftError("this kernel does not tell mounts apart")
    return mounts[0]


def _allow(place: int, state: os.stat_result) -> None:
    """A folder of one's own may be closed to oneself; root may enter it as it is."""
    if state.st_uid == os.geteuid() != 0 and state.st_mode & stat.S_IRWXU != stat.S_IRWXU:
        with suppress(OSError):
            Path(f"/proc/self/fd/{place}").chmod(stat.S_IMODE(state.st_mode) | stat.S_IRWXU)


def _why(within: int, name: str, error: OSError) -> str:
    """Why a thing could not be removed, and whose it is."""
    try:
        owners = [
            os.stat(name, dir_fd=within, follow_symlinks=False).st_uid,
            os.fstat(within).st_uid,
        ]
    except OSError:
        return _reason(error)
    other = next((uid for uid in owners if uid != os.geteuid()), None)
    if error.errno in {errno.EACCES, errno.EPERM} and other is not None:
        return f"{_owner(other)} has made it, or the folder that it is in: what a container wrote?"
    return _reason(error)


def _reason(error: OSError) -> str:
    if error.errno in _NO_FOLDER:
        return "it is no folder, so it was left"
    if error.errno == errno.ENOTEMPTY:
        return "something was put there while it was being removed"
    return error.strerror or str(error)


def _owner(uid: int) -> str:
    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"uid {uid}"
