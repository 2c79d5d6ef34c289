"""Root writing a report for a person: with their ids, wherever they may have had a hand.

The way to the folder is walked from the top, each folder opened in the one before it. As long as
it leads through folders in which only root can put anything, root may make what is missing. From
the first other one on it is the person who goes on, so that their links lead where they may go.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from lifecycle.machine.as_subject import call_in
from lifecycle.machine.subject import Subject
from lifecycle.report.folder import OPEN_FOLDER, point_in, point_latest, put_ours

MOST_LINKS = 40
Put = tuple[Mapping[str, str], int, int]
"""What is to be written: the files, and the modes of the folder and of each."""


def write_for(person: Subject, directory: Path, what: Put, opened: ExitStack) -> Callable[[], None]:
    """Write the files as the person; returns what makes ``latest`` lead to them.

    Raises OSError. The folder is theirs afterwards; those that root had to make on the way to it,
    in its own, are root's, so that the next person's report has a place there too.
    """
    folder, rest = _roots_part(str(directory), opened)
    if not rest:
        raise PermissionError(0, f"the folder does not belong to user {person.uid}")
    if not _is_there(folder, rest[0]):
        for name in rest[:-1]:
            folder = _made(folder, name, opened)
        rest = rest[-1:]
        _made(folder, rest[0], opened, person)
    theirs = _entered(folder, rest[0], opened)
    if theirs is not None and len(rest) == 1:
        call_in(person, theirs, put_ours, ".", *what)
        return lambda: point_in(folder, rest[0])  # beside it is root's own
    if theirs is not None:
        folder, rest = theirs, rest[1:]
    path = "/".join(rest)
    call_in(person, folder, put_ours, path, *what)
    return lambda: call_in(person, folder, point_latest, path)


def _roots_part(directory: str, opened: ExitStack) -> tuple[int, list[str]]:
    """The last folder on the way that is root's alone, and what of the way is left."""
    folder, rest, links = _open("/", None, opened), directory.strip("/").split("/"), 0
    while rest:
        try:
            inner = _open(rest[0], folder, opened)
        except OSError as error:
            if error.errno == errno.ENOENT or not _is_roots_link(folder, rest[0]):
                break
            links += 1
            if links > MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error
            target = os.readlink(rest[0], dir_fd=folder)
            folder = _open("/", None, opened) if target.startswith("/") else folder
            rest = [part for part in target.split("/") if part] + rest[1:]
            continue
        if not _is_roots_alone(os.fstat(inner)):
            break
        folder, rest = inner, rest[1:]
    return folder, rest


def _is_roots_alone(state: os.stat_result) -> bool:
    """Whether what root has in a folder stays what it is, whoever else may write there."""
    others = state.st_mode & stat.S_IWOTH or (state.st_mode & stat.S_IWGRP and state.st_gid)
    return state.st_uid == 0 and bool(not others or state.st_mode & stat.S_ISVTX)


def _is_roots_link(folder: int, name: str) -> bool:
    state = os.stat(name, dir_fd=folder, follow_symlinks=False)
    return stat.S_ISLNK(state.st_mode) and state.st_uid == 0


def _is_there(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _entered(folder: int, name: str, opened: ExitStack) -> int | None:
    """A folder of somebody's within one of root's, which the person may not be able to pass."""
    try:
        return _open(name, folder, opened)
    except OSError:
        return None  # a link, or a file: the person is told what it is


def _made(folder: int, name: str, opened: ExitStack, person: Subject | None = None) -> int:
    """A new folder in one of root's: the person's, or one that people may pass through."""
    os.mkdir(name, 0o700 if person else 0o777, dir_fd=folder)
    inner = _open(name, folder, opened)
    if person:
        os.fchown(inner, person.uid, person.gid)
    else:
        os.fchmod(inner, stat.S_IMODE(os.fstat(inner).st_mode) | 0o111)
    return inner


def _open(name: str, within: int | None, opened: ExitStack) -> int:
    folder = os.open(name, OPEN_FOLDER, dir_fd=within)
    opened.callback(os.close, folder)
    return folder
