"""What is done with one file, by whoever runs this: the standard library only.

See :mod:`lifecycle.machine.as_subject` for doing it as somebody else.
"""

from __future__ import annotations

import os
from itertools import islice

from lifecycle.machine.regular_files import beginning as _beginning

MOST_NAMES = 10_000


def look(path: str) -> list[int]:
    """Owner, group and mode of what a path leads to."""
    status = os.stat(path)  # noqa: PTH116 - a path as text, which is what crosses
    return [status.st_uid, status.st_gid, status.st_mode]


def real(path: str) -> str:
    """Where a path leads, as far as its links can be read."""
    return os.path.realpath(path)


def beginning(path: str, limit: int) -> bytes:
    """The first bytes of a regular file."""
    return _beginning(path, limit)


def names(path: str) -> list[str]:
    """What is in a folder, in order."""
    with os.scandir(path) as entries:
        return sorted(entry.name for entry in islice(entries, MOST_NAMES))


def may_write(path: str) -> bool:
    """Whether the kernel would allow it: mode bits say nothing of ACLs or a squashing NAS."""
    return os.access(path, os.W_OK)


def touch(path: str) -> None:
    """Make an empty file where there is nothing yet."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666))


def remove(path: str) -> None:
    """Remove a file; a missing file is no error."""
    try:
        os.unlink(path)  # noqa: PTH108 - a path as text
    except FileNotFoundError:
        return
