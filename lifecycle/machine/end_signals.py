"""The wish that a process end in order: who has it, how often, and what counts as impatience."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def heeded() -> tuple[signal.Signals, ...]:
    """The signals that ask us to end, without those that we ignore (nohup)."""
    hup = signal.getsignal(signal.SIGHUP)
    return SIGNALS[:2] if hup is signal.SIG_IGN else SIGNALS


def at_terminal() -> bool:
    """Whether a terminal sends its Ctrl-C to us and to what we started."""
    with suppress(OSError), Path("/dev/tty").open("rb") as terminal:
        return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    return False


class Ending:
    """Counts the signals that ask for an end.

    A terminal that is closed sends SIGHUP to each process of it, the shell does so again, and
    ssh or systemd send SIGTERM with it, before or after: all of that is one wish. Only a second
    SIGINT or SIGTERM says that somebody will not wait.
    """

    def __init__(self) -> None:
        self.requested = False
        """An end was asked for."""
        self.leaving = False
        """It was asked for by somebody who does not wait for the clean-up."""
        self._asked = False

    def ask(self, number: int) -> bool:
        """Count a wish to end; returns whether it is the first."""
        first = not self.requested
        self.requested = True
        if number != signal.SIGHUP:
            self.leaving, self._asked = self.leaving or self._asked, True
        return first
