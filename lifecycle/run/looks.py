"""Looks inside that are taken again: from the second on, through a shell that stays.

What such a shell is (its user's number and groups) was settled when it began. So it serves one
life of a container, and is given up when the container's accounts have changed.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from lifecycle.checks.gather import look_inside
from lifecycle.checks.inside import MARK, Inside, Probe, parse, script
from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.engine.resident import Resident

Json = dict[str, Any]
LIMIT = 20.0
"""Seconds that a look may take."""
_ACCOUNTS = ("/etc/passwd", "/etc/group")

Key = tuple[str, str, str]
"""A container's id, when it was started, and as whom it is looked at."""


@dataclass
class Looks:
    """The shells of one run."""

    daemon: Daemon
    _once: set[Key] = field(default_factory=set)
    _open: dict[Key, tuple[Resident, str]] = field(default_factory=dict)

    def inside(self, seen: Json, probe: Probe, user: str) -> Inside:
        """What one identity sees in a container that runs now; ``seen`` is its inspect."""
        key = (str(seen["Id"]), str(seen["State"].get("StartedAt")), user)
        if key in self._once and not seen["State"].get("Paused"):
            with suppress(EngineError):
                found = parse(self._shell(key).ask(script(probe)), probe)
                if not found.unseen:
                    return found
            self._drop(key)
        self._once.add(key)
        return look_inside(self.daemon, key[0], probe, user)

    def _shell(self, key: Key) -> Resident:
        container, _, user = key
        accounts = self._accounts(container)
        shell, known = self._open.get(key, (None, ""))
        if shell is not None and known == accounts:
            return shell
        self._drop(key)
        shell = Resident.open(self.daemon, container, user, MARK, LIMIT)
        self._open[key] = shell, accounts
        return shell

    def _accounts(self, container: str) -> str:
        stats = [self.daemon.stat(container, path) for path in _ACCOUNTS]
        return json.dumps(stats, sort_keys=True)

    def _drop(self, key: Key) -> None:
        shell, _ = self._open.pop(key, (None, ""))
        if shell is not None:
            with suppress(EngineError, OSError):
                shell.close()

    def close(self) -> None:
        """End all of them."""
        for key in list(self._open):
            self._drop(key)
