"""Ctrl-C, SIGTERM and SIGHUP: once for an orderly end, twice to leave at once.

The first signal interrupts the step that is being done; what must always run still does, and is
reported. A second Ctrl-C or SIGTERM raises KeyboardInterrupt wherever we are, and nothing is
cleaned up any more: the ledger holds what is left, for the next sweep. A terminal that was closed
is nobody's impatience, however many signals come of it.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import pytest

from lifecycle.machine.end_signals import Ending, heeded
from lifecycle.machine.procfs import children_of

KEY = pytest.StashKey["Interrupts"]()


class Interrupts(Ending):
    """The signals of one process."""

    def __init__(self) -> None:
        super().__init__()
        self._installed = False
        self._in_step = False

    def install(self, *, worker: bool) -> None:
        """Take the signals over.

        A terminal's signals reach a worker as well as its controller, which passes them on as
        SIGTERM: a worker listens to that alone, or it would take one Ctrl-C for two.
        """
        if self._installed or threading.current_thread() is not threading.main_thread():
            return
        self._installed = True
        for number in heeded():
            mine = number == signal.SIGTERM or not worker
            signal.signal(number, self._handle if mine else signal.SIG_IGN)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        first = self.ask(number)
        # Only once: the step may be ending what it started, which must not be cut short.
        if self.leaving or (first and self._in_step):
            raise KeyboardInterrupt

    @contextmanager
    def step(self) -> Iterator[None]:
        """While a step that may be interrupted is being done."""
        self._in_step = True
        try:
            yield
        finally:
            self._in_step = False


def pass_on(interrupts: Interrupts, tell: Callable[[], None]) -> None:
    """In the controller of workers: hand the signals to them, and leave only at the second."""

    def handle(number: int, _frame: FrameType | None) -> None:
        first, left = interrupts.ask(number), interrupts.leaving
        # A worker counts SIGTERMs: it gets one for the first wish and one for impatience.
        if first or left:
            for worker in children_of(os.getpid()):
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGTERM)
        if left:
            raise KeyboardInterrupt
        if first:
            tell()

    for number in heeded():
        signal.signal(number, handle)
