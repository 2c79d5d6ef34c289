"""Files of this machine, as a person sees them.

We may be root, and root is nobody on a NAS that squashes it: where we are refused, the person is
asked.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from lifecycle.checks.inside import MOST_TEXT
from lifecycle.engine import process
from lifecycle.engine.deadline import rest
from lifecycle.engine.subject import Subject


@dataclass(frozen=True)
class State:
    """What ``stat`` says of a path; ``mode`` is octal text such as ``644``."""

    uid: int
    gid: int
    mode: str
    is_file: bool
    is_folder: bool


def state_of(path: Path, subject: Subject) -> State | None:
    """The state of what a path leads to; None when there is nothing, or it is hidden from both."""
    try:
        seen = path.stat()
    except PermissionError:
        return _told(as_person(subject, "stat", "-L", "-c", "%u %g %f", "--", str(path)))
    except OSError:
        return None
    return _state(seen.st_uid, seen.st_gid, seen.st_mode)


def _told(done: process.Completed) -> State | None:
    if done.exit_code:
        return None
    uid, gid, mode = done.stdout.split()
    return _state(int(uid), int(gid), int(mode, 16))


def _state(uid: int, gid: int, mode: int) -> State:
    return State(uid, gid, f"{stat.S_IMODE(mode):o}", stat.S_ISREG(mode), stat.S_ISDIR(mode))


def text_of(path: Path, subject: Subject) -> str | None:
    """The beginning of a file, as long as what is read of one inside; None when neither may."""
    try:
        with path.open("rb") as file:
            return file.read(MOST_TEXT + 1).decode("utf-8", "replace")
    except PermissionError:
        done = as_person(subject, "head", "-c", str(MOST_TEXT + 1), "--", str(path))
        return None if done.exit_code else done.stdout
    except OSError:
        return None


def remove(path: Path, subject: Subject) -> bool:
    """Remove a file where one of the two may; whether it is gone."""
    try:
        path.unlink(missing_ok=True)
    except PermissionError:
        return as_person(subject, "rm", "-f", "--", str(path)).exit_code == 0
    except OSError:
        return False
    return True


def as_person(subject: Subject, *words: str) -> process.Completed:
    """What a short command comes to as that person."""
    env = {"PATH": os.defpath}
    limit = max(1.0, rest(20.0))  # what is cleaned up so is never left out
    return process.run(list(words), subject=subject, env=env, cwd="/", timeout=limit)
