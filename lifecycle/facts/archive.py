"""Files of a container through the engine's archive API: no shell, and no running, is needed."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from functools import cached_property

from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.facts.inside import MOST_TEXT, FileFact
from lifecycle.facts.kernel_files import Account, accounts, groups
from lifecycle.text.json_object import Json

_ENGINES = ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf")
"""Files that the engine mounts into every container that runs; the archive shows them then."""
_KERNELS = ("/dev", "/proc", "/sys")
"""What else every container has mounted, and the archive does not show."""
_NO_FILE = sum(1 << bit for bit in (31, 27, 26, 25, 24, 21, 19))
"""The bits of Go's file modes that tell folders, links, devices, pipes and sockets."""


class Archive:
    """The files of one container. Everything raises EngineError where the engine does not tell."""

    def __init__(self, daemon: Daemon, container: str) -> None:
        """``container`` is an id; nothing is asked yet."""
        self._daemon, self._container = daemon, container

    def real(self, path: str) -> tuple[str, bool]:
        """Where a path leads, links followed, and whether anything is there."""
        parts = posixpath.normpath(f"/{path}").strip("/").split("/")
        here, there = "/", True
        for at, part in enumerate(parts):
            step = posixpath.join(here, part)
            entry = self._daemon.stat(self._container, step)
            if entry is None:
                return posixpath.join(step, *parts[at + 1 :]), False
            here = entry.get("linkTarget") or step
            there = here == step or self._daemon.stat(self._container, here) is not None
        return here, there

    def text(self, path: str) -> str | None:
        """What a regular file holds; None where there is none."""
        real, there = self.real(path)
        entry = self._daemon.stat(self._container, real) if there else None
        if entry is None or entry["mode"] & _NO_FILE:
            return None
        if entry["size"] > MOST_TEXT:
            raise EngineError(f"{path} holds more than is read of a file ({MOST_TEXT} bytes)")
        content = self._daemon.read_file(self._container, real)
        return None if content is None else content.decode("utf-8", "replace")

    @cached_property
    def accounts(self) -> tuple[Account, ...]:
        """The lines of /etc/passwd, if there is one."""
        return tuple(accounts(self.text("/etc/passwd") or ""))

    @cached_property
    def groups(self) -> dict[int, str]:
        """The names of /etc/group, if there is one."""
        return groups(self.text("/etc/group") or "")

    def described(self, real: str) -> FileFact:
        """A path that leads on to no other: its owner and mode. Whether it is writable is open."""
        ownership = self._daemon.owner(self._container, real)
        if ownership is None:
            return FileFact(exists=False)
        uid, gid, mode = ownership
        return FileFact(
            exists=True,
            owner=uid,
            group=gid,
            owner_name=next((a.name for a in self.accounts if a.uid == uid), "UNKNOWN"),
            group_name=self.groups.get(gid, "UNKNOWN"),
            mode=f"{mode:o}",
        )


def hidden_by(inspect: Json, mounted: Iterable[str], *, up: bool) -> Callable[[str], str]:
    """Tells the mount that hides a real path from the archive; empty text where none does.

    The engine shows binds and volumes, and not what is mounted in the container's own sight only.
    """
    made = [(m["Destination"], m["Type"]) for m in inspect.get("Mounts") or []]
    shown = {"/", *(target for target, kind in made if kind != "tmpfs")} | set(
        _ENGINES if up else ()
    )
    hidden = {*_KERNELS, *_ENGINES, *mounted, *(inspect["HostConfig"].get("Tmpfs") or {})}
    hidden |= {target for target, kind in made if kind == "tmpfs"}

    def by(path: str) -> str:
        over = [t for t in shown | hidden if path == t or path.startswith(f"{t.rstrip('/')}/")]
        nearest = max(over, key=len)
        return "" if nearest in shown else nearest

    return by
