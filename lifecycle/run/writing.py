"""``write`` steps: a file in the work folder, owned by the subject."""

from __future__ import annotations

import os
from pathlib import Path

from lifecycle.checks.check import Check, compare
from lifecycle.run.plan import PlannedStep
from lifecycle.run.session import Session


def write_file(session: Session, planned: PlannedStep) -> list[Check]:
    """Write it whole, with its mode, and look at what is there then."""
    path = (session.folder / str(planned.step.write)).resolve()
    if not path.is_relative_to(session.folder.resolve()):
        return [
            Check(f"write {path}", "a file in the work folder", str(path), "broken", "the path")
        ]
    try:
        return [_write(session, planned, path)]
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        return [Check(f"write {planned.step.write}", "written", said, "broken", "this machine")]


def _write(session: Session, planned: PlannedStep, path: Path) -> Check:
    subject = session.world.subject
    for parent in reversed(path.relative_to(session.folder.resolve()).parents):
        _folder(session.folder / parent, session)
    mode = int(str(planned.step.mode or "0644"), 8)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    # Opened private, so that a secret is at no moment readable by others.
    fd = os.open(path, flags, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(planned.content)
    if os.geteuid() == 0:
        os.chown(path, subject.uid, subject.gid)
    path.chmod(mode)
    state = path.stat()
    wanted = {"owner": subject.uid, "mode": f"{mode:04o}", "bytes": len(planned.content.encode())}
    actual = {
        "owner": state.st_uid,
        "mode": f"{state.st_mode & 0o7777:04o}",
        "bytes": state.st_size,
    }
    return compare(f"write {planned.step.write}", wanted, actual, "stat on this machine")


def _folder(path: Path, session: Session) -> None:
    if path.is_dir():
        return
    path.mkdir()
    if os.geteuid() == 0:
        os.chown(path, session.world.subject.uid, session.world.subject.gid)
