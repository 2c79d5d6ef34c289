"""``write`` steps: a file in the work folder, owned by the subject.

Root may be writing for somebody else, and what ran before may have put a link in the way: each
folder is opened in the one before it, and no link is followed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath

from lifecycle.checks.check import Check, compare
from lifecycle.machine.subject import Subject
from lifecycle.run.plan.steps import PlannedStep
from lifecycle.run.session.session import Session
from lifecycle.scenario.values import work_path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def write_file(session: Session, planned: PlannedStep) -> list[Check]:
    """Write it whole, with its mode, and look at what is there then."""
    name = str(planned.step.write)
    try:
        return [_write(session, planned, PurePosixPath(work_path(name)))]
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return [Check(f"write {name}", "written", reason, "broken", "this machine")]


def _write(session: Session, planned: PlannedStep, path: PurePosixPath) -> Check:
    subject, text = session.world.subject, planned.content.encode()
    mode = int(str(planned.step.mode or "0644"), 8)
    with _opened(str(session.folder), path.parent.parts, subject) as folder:
        name = path.name or "."
        # Opened private, so that a secret is at no moment readable by others.
        with _explained(name, folder):
            fd = os.open(name, _FILE, 0o600, dir_fd=folder)
        with os.fdopen(fd, "wb") as file:
            _refuse_strange(fd)
            file.truncate()
            file.write(text)
            if os.geteuid() == 0:
                os.fchown(fd, subject.uid, subject.gid)
            os.fchmod(fd, mode)
        state = os.stat(name, dir_fd=folder, follow_symlinks=False)
    wanted = {"owner": subject.uid, "mode": f"{mode:04o}", "bytes": len(text)}
    actual = {
        "owner": state.st_uid,
        "mode": f"{state.st_mode & 0o7777:04o}",
        "bytes": state.st_size,
    }
    return compare(f"write {planned.step.write}", wanted, actual, "stat on this machine")


@contextmanager
def _opened(work: str, parts: tuple[str, ...], subject: Subject) -> Iterator[int]:
    """A folder below the work folder, held open; made where it was not there."""
    folder = os.open(work, _FOLDER)
    try:
        for part in parts:
            with suppress(FileExistsError):
                os.mkdir(part, dir_fd=folder)
                if os.geteuid() == 0:
                    os.chown(part, subject.uid, subject.gid, dir_fd=folder, follow_symlinks=False)
            with _explained(part, folder):
                inner = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


@contextmanager
def _explained(name: str, folder: int) -> Iterator[None]:
    """Turn the kernel's error at a link or a pipe into a sentence that names it."""
    try:
        yield
    except OSError as error:
        met = error.errno in {errno.ELOOP, errno.ENOTDIR, errno.ENXIO}
        kind = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode if met else 0
        if stat.S_ISLNK(kind):
            raise OSError(0, f"{name} is a link, which a write does not follow") from error
        if met and not stat.S_ISREG(kind):
            raise OSError(0, f"{name} is there, and no regular file") from error
        raise


def _refuse_strange(fd: int) -> None:
    """Refuse a pipe, which would swallow the text, and a file that has a second name."""
    state = os.fstat(fd)
    if not stat.S_ISREG(state.st_mode):
        raise OSError(0, "it is there, and no regular file")
    if state.st_nlink > 1:
        raise OSError(0, "the file has another name, perhaps outside the work folder")
