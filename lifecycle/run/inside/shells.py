"""Repeated looks inside: a shell stays open in the container for the next one.

What such a shell is (its user's number and groups) was settled when it began. So it is given up
when the container's accounts have changed; with the container's life it ends by itself.
"""

from __future__ import annotations

import shlex
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.engine.inside_shell import Resident
from lifecycle.facts.inside import MARK, Inside, Probe
from lifecycle.facts.inside_output import account_files, parse
from lifecycle.facts.inside_script import script
from lifecycle.facts.look_inside import look_inside

LIMIT = 20.0
"""Seconds that a look may take."""

_ROOT = ("0", "root")

Key = tuple[str, str]
"""A container's id, and as whom it is looked at."""


@dataclass
class Looks:
    """The shells of one run."""

    daemon: Daemon
    _once: set[Key] = field(default_factory=set)
    _open: dict[Key, tuple[Resident, str]] = field(default_factory=dict)
    _closed: bool = False
    _turns: dict[Key, threading.RLock] = field(default_factory=dict)
    """One look at a time by each: that at an event has a thread of its own."""

    def _turn(self, key: Key) -> threading.RLock:
        return self._turns.setdefault(key, threading.RLock())

    def inside(
        self, container: str, probe: Probe, user: str = "", *, again: bool = False
    ) -> Inside:
        """What one identity sees in a container that runs and isn't paused.

        ``container`` is its id; ``again`` says that another such look will follow.
        """
        key = (container, user)
        with self._turn(key):
            stayed = key in self._open
            if again or stayed or key in self._once:
                look = self._through(key, probe)
                if look is None and stayed:
                    look = self._through(key, probe)
                if look is not None:
                    return look
            self._once.add(key)
        return look_inside(self.daemon, container, probe, user)

    def prepare(self, container: str, users: Sequence[str]) -> None:
        """Begin the shells by which these users will look, so that no look waits for its own."""
        for user in users:
            key = (container, user)
            with self._turn(key):
                if not self._closed and key not in self._open:
                    # A look, so that it is known with which accounts the shell has begun.
                    self._through(key, Probe())

    def _through(self, key: Key, probe: Probe) -> Inside | None:
        """Look through the shell that stays; where it serves no more, drop it and return None."""
        try:
            shell, known = self._open.get(key) or self._begin(key)
            output = shell.ask(script(probe))
        except EngineError:
            self._drop(key)
            return None
        look, accounts = parse(output, probe), account_files(output)
        if look.unseen or known not in {accounts, ""}:
            self._drop(key)
            return None
        self._open[key] = shell, accounts
        return look

    def _begin(self, key: Key) -> tuple[Resident, str]:
        container, user = key
        self._open[key] = Resident.open(self.daemon, container, user, MARK, LIMIT), ""
        return self._open[key]

    def text(self, container: str, path: str) -> str:
        """A file as root reads it: with a shell of root's that stays, else without any."""
        output = self.ask_root(container, f"cat -- {shlex.quote(path)}")
        return output or (self.daemon.read_file(container, path) or b"").decode("utf-8", "replace")

    def ask_root(self, container: str, script: str) -> str:
        """What a script prints in a shell of root's that stays; empty where there is none.

        A shell in which it prints nothing serves no more.
        """
        for key in [(container, user) for user in _ROOT]:
            with self._turn(key):
                if key not in self._open:
                    continue
                with suppress(EngineError):
                    if output := self._open[key][0].ask(script):
                        return output
                self._drop(key)
        return ""

    def leave(self, container: str) -> None:
        """End those in one container, which is about to be stopped: it ends the sooner."""
        for key in [k for k in list(self._open) if k[0] == container]:
            self._drop(key)

    def _drop(self, key: Key) -> None:
        with self._turn(key):
            shell, _ = self._open.pop(key, (None, ""))
            if shell is not None:
                with suppress(EngineError, OSError):
                    shell.close()

    def close(self) -> None:
        """End all of them."""
        self._closed = True
        for key in list(self._turns):
            self._drop(key)
