"""A gate's process that starts ahead: its imports take as long as reading a scenario does."""

from __future__ import annotations

from contextlib import suppress

from lifecycle.gate.gate import GateError, GateProcess


class Ahead:
    """At most one process that waits for a run."""

    def __init__(self) -> None:
        """None is started yet."""
        self._waiting: GateProcess | None = None

    def start(self) -> None:
        """Start one for the next run, unless one waits already."""
        if self._waiting is None:
            with suppress(GateError):  # the run that needs it will tell
                self._waiting = GateProcess()

    def take(self) -> GateProcess:
        """The one that was started ahead, else a new one. Raises GateError."""
        process, self._waiting = self._waiting, None
        if process is not None and not process.is_running:
            process.close()
            process = None
        return process or GateProcess()

    def close(self) -> None:
        """End one that no run has taken."""
        if self._waiting is not None:
            self._waiting.close()
            self._waiting = None
