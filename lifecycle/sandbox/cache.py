"""What is kept between sandboxes: files that are whole, or not there."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lifecycle.machine.private_folders import why_unsafe
from lifecycle.sandbox.shell import SandboxError


class Cache:
    """A folder of files, each with its checksum beside it."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is made with the first file.

        Raises SandboxError where somebody else could put an image there that root then runs.
        """
        reason = why_unsafe(folder)
        if reason:
            raise SandboxError(f"{reason}, or set XDG_CACHE_HOME to a folder of your own")
        self.folder = folder

    def get(self, name: str) -> Path | None:
        """The file, where it has the size and the checksum of its label; else None."""
        file, label = self.folder / name, self._label(name)
        try:
            content = json.loads(label.read_text())
            if (
                _is_ours(file)
                and _is_ours(label)
                and file.stat().st_size == content["size"]
                and _checksum(file) == content["sha256"]
            ):
                return file
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return None

    def put(self, name: str, make: Callable[[Path], None]) -> Path:
        """Make the file beside its place and move it there when it is whole."""
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        file, label = self.folder / name, self._label(name)
        part = self.folder / f"{name}.part-{os.getpid()}"
        try:
            make(part)
            text = json.dumps({"size": part.stat().st_size, "sha256": _checksum(part)})
            label.unlink(missing_ok=True)
            part.replace(file)
            part.write_text(text)
            part.replace(label)
        finally:
            part.unlink(missing_ok=True)
        return file

    @contextmanager
    def making(self, name: str, wait: Callable[[], None]) -> Iterator[None]:
        """One maker at a time; calls ``wait`` when another is at it."""
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        handle = os.open(self.folder / f"{name}.lock", flags, 0o600)
        os.fchmod(handle, 0o600)  # who could read it could lock it, and have us wait
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                wait()
                fcntl.flock(handle, fcntl.LOCK_EX)
            for part in self.folder.glob(f"{name}.part-*"):  # of a maker that was killed
                part.unlink(missing_ok=True)
            yield
        finally:
            os.close(handle)

    def _label(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def _is_ours(file: Path) -> bool:
    """Whether nobody else could have written a file: one that was made under a lax umask, say."""
    state = file.lstat()
    mine = state.st_uid in {0, os.geteuid()}
    return mine and stat.S_ISREG(state.st_mode) and not state.st_mode & 0o022


def user_cache(environ: Mapping[str, str]) -> Cache:
    """The cache of the user that the environment is of."""
    root = environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Cache(Path(root) / "docker-lifecycle" / "sandbox")


def _checksum(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
