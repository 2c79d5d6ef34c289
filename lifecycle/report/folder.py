"""A report's folder, and its files whole or not at all, by whoever runs this.

The standard library only, since root lets the person whose report it is do it, in a process of
theirs: see :mod:`lifecycle.report.write`.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress

LATEST = "latest"
OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def put(
    path: str, files: Mapping[str, str], folder_mode: int, mode: int, *, only_ours: bool = False
) -> None:
    """Write the files into a folder that is made, with those above it, where it is not there.

    With ``only_ours`` one that was there must belong to whoever writes.
    """
    made = make(path)
    # Held open: nobody can put another in its place while we write.
    folder = os.open(path, OPEN_FOLDER)
    try:
        us = os.geteuid()
        if (made or only_ours) and os.fstat(folder).st_uid != us:
            raise PermissionError(0, f"the folder does not belong to user {us}")
        given = stat.S_IMODE(os.fstat(folder).st_mode)
        if given & folder_mode != folder_mode:
            os.fchmod(folder, given | folder_mode)
        for name, text in files.items():
            _write(folder, name, text, mode)
    finally:
        os.close(folder)


def put_ours(path: str, files: Mapping[str, str], folder_mode: int, mode: int) -> None:
    """The same, into a folder of whoever writes."""
    put(path, files, folder_mode, mode, only_ours=True)


def make(path: str) -> bool:
    """Make the folder and those above it; whether it was not there."""
    missing = []
    above = path
    while above and not os.path.exists(above):  # noqa: PTH110 - a path as text
        missing.append(above)
        above = os.path.dirname(above)  # noqa: PTH120
    for one in reversed(missing):
        # Only the run's own folder is private: who may list ``reports`` is the umask's matter.
        with suppress(FileExistsError):
            os.mkdir(one, 0o700 if one == path else 0o777)  # noqa: PTH102
    return bool(missing)


def _write(folder: int, name: str, text: str, mode: int) -> None:
    draft = f".{name}.{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(draft, flags, 0o600, dir_fd=folder), "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(file.fileno(), mode)
        os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with suppress(OSError):
            os.unlink(draft, dir_fd=folder)
        raise


def point_latest(path: str) -> None:
    """Make the link ``latest`` beside a run's folder lead to it."""
    parent, name = os.path.split(path)
    folder = os.open(parent or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        point_in(folder, name)
    finally:
        os.close(folder)


def point_in(folder: int, name: str) -> None:
    """The same, in an open folder; what is there and no link stays."""
    draft = f".{LATEST}.{secrets.token_hex(8)}"
    with suppress(FileNotFoundError):
        there = os.stat(LATEST, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISLNK(there.st_mode):
            raise FileExistsError(0, "it is no link of ours")
    try:
        os.symlink(name, draft, dir_fd=folder)
        os.replace(draft, LATEST, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with suppress(OSError):
            os.unlink(draft, dir_fd=folder)
        raise
