"""Who listens: at a Unix socket, on a port, and as dockerd.

All of it is read from the file system and /proc, so that it also works for a person without
rights; what that person may not see is left out.
"""

from __future__ import annotations

import os
import re
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lifecycle.machine.procfs import socket_address

Answer = Literal["yes", "refused", "denied", "absent"]

_LISTENING = {"tcp": "0A", "udp": "07"}
_PARENT = re.compile(r"^PPid:\s+(\d+)", re.MULTILINE)
_STARTS_PROXIES = {"dockerd", "rootlesskit-doc"}
"""By the kernel's 15 characters; a rootless engine starts them through rootlesskit-docker-proxy."""
_CONTAINER_ID = re.compile(r"[0-9a-f]{64}")
_CONNECT_LIMIT = 1.0
"""Seconds that whoever listens at a socket may take to accept."""


@dataclass(frozen=True)
class SocketInfo:
    """A Unix socket as it is: whether it exists, whose it is, and whether one listens there."""

    path: str
    answers: Answer
    uid: int = 0
    gid: int = 0
    mode: int = 0

    @property
    def exists(self) -> bool:
        """Whether there is anything at the path."""
        return self.answers != "absent"

    def admits(self, uid: int, groups: tuple[int, ...]) -> bool:
        """Whether the socket's mode lets a process with these ids connect."""
        if uid == 0:
            return True
        if uid == self.uid:
            return bool(self.mode & stat.S_IWUSR)
        if self.gid in groups:
            return bool(self.mode & stat.S_IWGRP)
        return bool(self.mode & stat.S_IWOTH)


def look_at_socket(path: str) -> SocketInfo:
    """Stat the socket and try to connect to it; nothing is sent."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a path in text, as DOCKER_HOST gives it
    except PermissionError:
        return SocketInfo(path, "denied")
    except OSError:
        return SocketInfo(path, "absent")
    answers: Answer = "yes"
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(_CONNECT_LIMIT)
        try:
            client.connect(path)
        except PermissionError:
            answers = "denied"
        except OSError:
            answers = "refused"
    return SocketInfo(path, answers, status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))


@dataclass(frozen=True)
class Listener:
    """A socket that listens on a port, with the process that holds it where that can be seen."""

    address: str
    port: int
    owner: int
    pid: int | None = None
    command: str = ""
    container: str = ""
    parent: int | None = None
    parent_command: str = ""

    @property
    def is_proxy(self) -> bool:
        """Whether it is what an engine starts for a published port."""
        return self.command == "docker-proxy"

    @property
    def engine_has_gone(self) -> bool:
        """Of a proxy: no engine is its parent any more."""
        return self.parent_command not in {"", *_STARTS_PROXIES}


def listeners(
    root: Path, port: int, protocol: str = "tcp", network_of: int | None = None
) -> list[Listener]:
    """Who listens on this port, by the tables of /proc and /proc/PID/fd.

    ``network_of`` is a process in whose network the port is; without it, our own is meant.
    """
    tables = root / (f"proc/{network_of}/net" if network_of else "proc/net")
    all_listeners = []
    for family in ("", "6"):
        for address, owner, inode in _rows(tables / f"{protocol}{family}", port, protocol):
            pid = _holder(root, inode)
            all_listeners.append(_listener(root, address, port, owner, pid))
    return all_listeners


def _listener(root: Path, address: str, port: int, owner: int, pid: int | None) -> Listener:
    if pid is None:
        return Listener(address, port, owner)
    parent = _PARENT.search(_read(root / f"proc/{pid}/status"))
    return Listener(
        address,
        port,
        owner,
        pid,
        _command(root, pid),
        _container_of(root, pid),
        int(parent[1]) if parent else None,
        _command(root, int(parent[1])) if parent else "",
    )


def _rows(table: Path, port: int, protocol: str) -> Iterator[tuple[str, int, int]]:
    """(address, owner's uid, inode) of each listening row of a /proc/net table."""
    for line in _read(table).splitlines()[1:]:
        columns = line.split()
        host, _, number = columns[1].rpartition(":")
        if columns[3] == _LISTENING.get(protocol) and int(number, 16) == port:
            yield socket_address(host), int(columns[7]), int(columns[9])


def _holder(root: Path, inode: int) -> int | None:
    """The process that holds the socket; None when it is another's and may not be seen."""
    wanted = f"socket:[{inode}]"
    for process in _processes(root):
        try:
            if any(str(entry.readlink()) == wanted for entry in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:
            continue
    return None


def _command(root: Path, pid: int) -> str:
    return _read(root / f"proc/{pid}/comm").strip()


def _container_of(root: Path, pid: int) -> str:
    """The id of the container that the process lives in, by its cgroup; empty when in none."""
    match = _CONTAINER_ID.search(_read(root / f"proc/{pid}/cgroup"))
    return match[0] if match else ""


@dataclass(frozen=True)
class Daemon:
    """A running dockerd."""

    pid: int
    arguments: tuple[str, ...]

    @property
    def hosts(self) -> tuple[str, ...]:
        """The addresses given on its command line; empty means the default or a unit file."""
        return tuple(self._values("-H", "--host"))

    @property
    def data_root(self) -> str:
        """Where it keeps images and containers, as far as its command line says."""
        return next(iter(self._values("--data-root", "-g")), "/var/lib/docker")

    def _values(self, *flags: str) -> Iterator[str]:
        for at, word in enumerate(self.arguments):
            name, equals, value = word.partition("=")
            if name in flags:
                yield value if equals else "".join(self.arguments[at + 1 : at + 2])


def daemons(root: Path) -> list[Daemon]:
    """Every dockerd that this machine's /proc shows."""
    all_daemons = []
    for process in _processes(root):
        if _read(process / "comm").strip() == "dockerd":
            words = _read(process / "cmdline").split("\0")
            all_daemons.append(Daemon(int(process.name), tuple(word for word in words if word)))
    return all_daemons


def _processes(root: Path) -> Iterator[Path]:
    proc = root / "proc"
    if proc.is_dir():
        yield from (entry for entry in sorted(proc.iterdir()) if entry.name.isdigit())


def _read(path: Path) -> str:
    """The file's text; empty when it is gone or not ours to read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
