"""``run.port(8080)``: the port asked for, or another one when somebody has it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import closing

from lifecycle.engine.daemon import Daemon
from lifecycle.run.locks import Locks


class Ports:
    """Host ports of one run: locked for it, free on the engine, and the same for each asking."""

    def __init__(
        self, daemon: Daemon, locks: Locks, say: Callable[[str], None], *, local: bool
    ) -> None:
        """``local``: the engine publishes on this machine's own addresses."""
        self._daemon, self._locks, self._say, self._local = daemon, locks, say, local
        self._given: dict[int, int] = {}

    def port(self, wanted: int) -> int:
        """``wanted`` when it is free, else the next free one, saying who holds it."""
        if wanted not in self._given:
            taken = self._published()
            free = next((p for p in range(wanted, 65536) if self._free(p, taken)), None)
            if free is None:
                raise ValueError(f"no port from {wanted} to 65535 is free")
            self._given[wanted] = free
            if free != wanted:
                who = taken.get(wanted) or "a process of this machine, or another run"
                self._say(f"port {wanted} is held by {who}; using {free}")
        return self._given[wanted]

    def _free(self, port: int, taken: dict[int, str]) -> bool:
        if port in taken or port in self._given.values():
            return False
        if self._local and not _bindable(port):
            return False
        return self._locks.try_take(f"port-{port}")

    def _published(self) -> dict[int, str]:
        return {
            int(p["PublicPort"]): f"container {(c.get('Names') or ['?'])[0].lstrip('/')}"
            for c in self._daemon.containers()
            for p in c.get("Ports") or []
            if p.get("PublicPort")
        }


def _bindable(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
