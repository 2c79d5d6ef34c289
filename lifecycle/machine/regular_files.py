"""Files that people name: regular ones only, so that no pipe or device is ever waited for."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MAX_SIZE = 1024 * 1024
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def beginning(path: str | Path, limit: int) -> bytes:
    """At most so many bytes of a regular file; OSError says what else it is, or why not."""
    _regular(os.stat(path).st_mode)  # noqa: PTH116 - a name, as it crosses to another process
    # It may have become a pipe meanwhile: opened so, that is not waited for.
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(file, "rb") as opened:
        _regular(os.fstat(file).st_mode)
        return opened.read(limit)


def _regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise OSError(0, _KINDS.get(stat.S_IFMT(mode), "no regular file"))


@dataclass(frozen=True)
class Files:
    """Reads the files that a scenario names, as ourselves or as the scenario's person."""

    beginning: Callable[[str, int], bytes] = beginning
    """At most so many bytes of one; OSError where it can't be read."""
    template: Callable[[str, int], bytes] = beginning
    """The same of one beside the scenario, which whoever runs it chose."""
    real: Callable[[str], str] = os.path.realpath
    """Where a path leads."""


OWN = Files()
"""As this process may."""


def text_at(path: str | Path, files: Files = OWN) -> str | None:
    """The text of a file that a command line names; None where it has none that can be read."""
    try:
        content = files.beginning(str(path), MAX_SIZE + 1)
    except (OSError, ValueError):
        return None
    return content.decode("utf-8", "replace") if len(content) <= MAX_SIZE else None
