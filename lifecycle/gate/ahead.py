"""A gate's process that starts ahead: its imports take as long as reading a scenario does."""

from __future__ import annotations

import atexit
from contextlib import suppress

from lifecycle.gate.gate import GateError, GateProcess

_started: list[GateProcess] = []


def start_ahead() -> None:
    """Start one for the next run of this process, unless one waits already."""
    if not _started:
        with suppress(GateError):  # the run that needs it will tell
            _started.append(GateProcess())


def take() -> GateProcess:
    """The one that was started ahead, else a new one. Raises GateError."""
    while _started:
        process = _started.pop()
        if process.popen.poll() is None:
            return process
        process.close()
    return GateProcess()


@atexit.register
def close() -> None:
    """End one that no run has taken."""
    while _started:
        _started.pop().close()
