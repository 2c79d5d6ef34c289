"""The way from the gate to the real engine, as the subject: a socket for each request."""

from __future__ import annotations

import errno
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

DOCKER = "docker"
CONNECT_LIMIT = 20.0
"""Seconds that the engine may take to accept a connection."""
_PING = b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n"
_TLS = ("DOCKER_TLS_VERIFY", "DOCKER_TLS")


@dataclass(frozen=True)
class Upstream:
    """An engine by its address (unix, tcp, ssh), with the environment that reaches it."""

    address: str
    environ: Mapping[str, str]

    def connect(self) -> socket.socket:
        """A connection to the engine; raises OSError as the kernel says it.

        TLS and ssh are the docker CLI's own: it has the keys, the agent and the settings, and
        its ``system dial-stdio`` passes bytes on, half-closing as we do.
        """
        kind, _, rest = self.address.partition("://")
        if kind == "unix":
            return _unix(rest)
        if kind == "tcp" and not any(self.environ.get(name) for name in _TLS):
            channel = socket.create_connection(_place(self.address), CONNECT_LIMIT)
            channel.settimeout(None)
            return channel
        return self._through_cli()

    def _through_cli(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        try:
            child = subprocess.Popen(
                [DOCKER, "--host", self.address, "system", "dial-stdio"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                env=dict(self.environ),
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        _Reaper.add(child)
        return ours

    def refusal(self) -> str:
        """Why the subject can't reach the engine at all; empty when they can."""
        try:
            with self.connect() as channel:
                if self.address.startswith("unix://"):
                    return ""
                channel.settimeout(CONNECT_LIMIT)
                channel.sendall(_PING)
                return "" if channel.recv(1) else words_of(self.address, OSError(0, "it hung up"))
        except OSError as error:
            return words_of(self.address, error)


def _place(address: str) -> tuple[str, int]:
    try:
        place = urlsplit(address)
        host, port = place.hostname, place.port
    except ValueError as error:
        raise OSError(errno.EINVAL, str(error)) from None
    return host or "localhost", port or 2375


def words_of(address: str, error: OSError) -> str:
    """What the docker CLI says where it can't connect."""
    path = address.removeprefix("unix://")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return (
            f"permission denied while trying to connect to the Docker daemon socket at {address}: "
            f"dial unix {path}: connect: permission denied"
        )
    why = error.strerror or str(error)
    return (
        f"Cannot connect to the Docker daemon at {address}. Is the docker daemon running? ({why})"
    )


def _unix(path: str) -> socket.socket:
    channel = socket.socket(socket.AF_UNIX)
    try:
        channel.settimeout(CONNECT_LIMIT)
        channel.connect(path)
        channel.settimeout(None)
    except OSError:
        channel.close()
        raise
    return channel


class _Reaper:
    """The CLIs that carry connections: each is waited for once it has ended."""

    _children: list[subprocess.Popen[bytes]] = []  # noqa: RUF012 - the process's own children

    @classmethod
    def add(cls, child: subprocess.Popen[bytes]) -> None:
        cls._children = [c for c in cls._children if c.poll() is None]
        cls._children.append(child)
