"""Files of this machine, as the person sees them for whom a run is.

Root looks as that person, too: what they may not see is not for their report, and root is nobody
on a NAS that squashes it. So every error here is one that the kernel gave the person.
"""

from __future__ import annotations

import errno
import grp
import pwd
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifecycle.facts.inside import MOST_TEXT, FileFact
from lifecycle.machine import file_actions
from lifecycle.machine.as_subject import call, refused
from lifecycle.machine.subject import Subject

_NOTHING = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)


@dataclass(frozen=True)
class State:
    """What ``stat`` says of a path; ``mode`` is octal text such as ``644``."""

    uid: int
    gid: int
    mode: str
    is_file: bool
    is_folder: bool


def state_of(path: Path, subject: Subject) -> State | None:
    """The state of what a path leads to; None when there is nothing.

    Raises OSError where the person may not look: then it is not known whether there is.
    """
    try:
        uid, gid, mode = call(subject, file_actions.look, str(path))
    except OSError as error:
        if error.errno in _NOTHING:
            return None
        raise
    return State(uid, gid, f"{stat.S_IMODE(mode):o}", stat.S_ISREG(mode), stat.S_ISDIR(mode))


def fact_of(path: Path, subject: Subject) -> FileFact:
    """What an expectation may ask of a path; raises OSError where the person may not look."""
    state = state_of(path, subject)
    if state is None:
        return FileFact(exists=False)
    return FileFact(
        exists=True,
        writable=may_write(path, subject),
        owner=state.uid,
        group=state.gid,
        owner_name=_name_of(subject.name, subject.uid, state.uid, pwd.getpwuid),
        group_name=_name_of(subject.group, subject.gid, state.gid, grp.getgrgid),
        mode=state.mode,
    )


@dataclass(frozen=True)
class HostFile:
    """A path of this machine: ``fact`` is None where the person may not look, ``unseen`` why."""

    fact: FileFact | None
    unseen: str = ""
    text: str | None = None
    text_unseen: str = ""
    """Why its text could not be read, where it was wanted."""


def look_at_host_file(path: Path, subject: Subject, *, text: bool) -> HostFile:
    """What may be known of a path, and where it is wanted its ``text``."""
    try:
        fact = fact_of(path, subject)
    except (OSError, ValueError) as error:
        return HostFile(None, refused(subject, error))
    if not (text and fact.exists):
        return HostFile(fact)
    try:
        return HostFile(fact, text=text_of(path, subject))
    except OSError as error:
        # Without a number it is ours: a folder or a pipe, which has no text to be hidden.
        return HostFile(fact, text_unseen=refused(subject, error) if error.errno else "")


def _name_of(mine: str, my_id: int, number: int, look_up: Callable[[int], Sequence[Any]]) -> str:
    """The subject's own name (a sandbox's is in no passwd file), else the one NSS has."""
    if number == my_id:
        return mine
    try:
        return str(look_up(number)[0])
    except KeyError:
        return ""


def text_of(path: Path, subject: Subject) -> str:
    """The beginning of a file, as long as what is read of one inside; raises OSError."""
    return call(subject, file_actions.beginning, str(path), MOST_TEXT + 1).decode(
        "utf-8", "replace"
    )


def may_write(path: Path, subject: Subject) -> bool:
    """Whether the kernel would let the person; raises OSError where nobody answers."""
    return call(subject, file_actions.may_write, str(path))


def touch(path: Path, subject: Subject) -> None:
    """Make an empty file as the person; raises OSError."""
    call(subject, file_actions.touch, str(path))


def remove(path: Path, subject: Subject) -> bool:
    """Remove a file as the person; whether it is gone."""
    try:
        call(subject, file_actions.remove, str(path))
    except OSError:
        return False
    return True
