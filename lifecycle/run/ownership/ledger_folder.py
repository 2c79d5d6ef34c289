"""Where a person's ledgers are, opened only where nobody else could have written one."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from lifecycle.machine.private_folders import why_unsafe

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
"""How it is opened; what is in it is opened by this descriptor, so that no name leads away."""
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class LedgerError(Exception):
    """The ledger can't be kept here, so nothing may be started; the message says why."""


def default_folder() -> Path:
    """Where this user's ledgers are."""
    return Path(platformdirs.user_state_dir("docker-lifecycle")) / "ledgers"


@contextmanager
def opened(folder: Path, *, make: bool = False) -> Iterator[int]:
    """A descriptor of the folder; raises LedgerError where another may have written in it.

    The way to it is asked before, and the way that was really gone after: a link may have been
    turned in between.
    """
    _refuse(folder, why_unsafe(folder))
    if make:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder, FOLDER)
    try:
        _refuse(folder, _why_not_own(folder, os.fstat(descriptor)))
        _refuse(folder, why_unsafe(Path(f"/proc/self/fd/{descriptor}").readlink()))
        yield descriptor
    finally:
        os.close(descriptor)


def why_not_ours(state: os.stat_result) -> str:
    """Why a file of the folder may not be a ledger of ours; empty when it is one."""
    if stat.S_ISLNK(state.st_mode):
        return "it is a link"
    if not stat.S_ISREG(state.st_mode):
        return "it is no regular file"
    if state.st_uid != os.geteuid():
        return f"it belongs to {_named(state.st_uid)}, not to you"
    if state.st_mode & _OTHERS_WRITE:
        return "others may write it"
    return ""


def _why_not_own(folder: Path, state: os.stat_result) -> str:
    if state.st_uid != os.geteuid():
        return f"{folder} belongs to {_named(state.st_uid)}, not to you: move it away"
    if state.st_mode & _OTHERS_WRITE:
        return f"{folder} can be written by others: chmod go-w {folder}"
    return ""


def _refuse(folder: Path, reason: str) -> None:
    if not reason:
        return
    fact, _, typed = reason.partition(": ")
    if os.geteuid() == 0 and "belongs to" in fact:
        # HOME or XDG_STATE_HOME of a person, whose folders are not root's to move away.
        typed = "type sudo -H or su -, which give root a HOME of its own, or unset XDG_STATE_HOME"
    raise LedgerError(
        f"no ledger in {folder} is read or written, since others could write one there: "
        f"{fact}: {typed}"
    )


def _named(uid: int) -> str:
    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"uid {uid}"
