"""Files that people name: regular ones only, so that no pipe or device is ever waited for."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from lifecycle.scenario.errors import Mark, ScenarioError

MAX_SIZE = 1024 * 1024
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def beginning(path: Path, limit: int) -> bytes:
    """At most so many bytes of a regular file; OSError says what else it is, or why not."""
    _regular(path.stat().st_mode)
    # It may have become a pipe meanwhile: opened so, that is not waited for.
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(file, "rb") as opened:
        _regular(os.fstat(file).st_mode)
        return opened.read(limit)


def _regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise OSError(0, _KINDS.get(stat.S_IFMT(mode), "no regular file"))


def content(path: Path, what: str) -> bytes:
    """A file that an author or an admin wrote; a ScenarioError where it can't be one."""
    start = Mark(str(path), 1, 1)
    try:
        found = beginning(path, MAX_SIZE + 1)
    except FileNotFoundError:
        there = "a link that leads nowhere" if path.is_symlink() else "no such file"
        raise ScenarioError(start, there, what) from None
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise ScenarioError(start, said, f"{what} that can be read") from None
    if len(found) > MAX_SIZE:
        raise ScenarioError(start, "a file of more than 1 MiB", f"{what}; they are short")
    return found


def text_at(path: str | Path) -> str | None:
    """The text of a file that a command line names; None where it has none that can be read."""
    try:
        found = beginning(Path(path), MAX_SIZE + 1)
    except (OSError, ValueError):
        return None
    return found.decode("utf-8", "replace") if len(found) <= MAX_SIZE else None
