"""Ctrl-C and SIGTERM: once for an orderly end, twice to leave at once.

The first signal interrupts the step that is being done; what must always run still does, and is
reported. The second raises KeyboardInterrupt wherever we are, and nothing is cleaned up any more:
the ledger holds what is left, for the next sweep.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import pytest

from lifecycle.engine.process import children_of

KEY = pytest.StashKey["Interrupts"]()


class Interrupts:
    """The signals of one process.

    ``requested`` says that an end was asked for, ``leaving`` that it was asked for twice.
    """

    def __init__(self) -> None:
        self.requested = False
        self.leaving = False
        self._installed = False
        self._in_step = False

    def install(self, *, worker: bool) -> None:
        """Take the signals over.

        A terminal's Ctrl-C reaches a worker as well as its controller, which passes it on as
        SIGTERM: a worker listens to that alone, or it would take one Ctrl-C for two.
        """
        if self._installed or threading.current_thread() is not threading.main_thread():
            return
        self._installed = True
        signal.signal(signal.SIGTERM, self._handle)
        signal.signal(signal.SIGINT, signal.SIG_IGN if worker else self._handle)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self.ask() or self._in_step:
            raise KeyboardInterrupt

    def ask(self) -> bool:
        """An end is asked for; whether it was before."""
        self.leaving, self.requested = self.requested, True
        return self.leaving

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

    def handle(_number: int, _frame: FrameType | None) -> None:
        again = interrupts.ask()
        for worker in children_of(os.getpid()):
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGTERM)
        if again:
            raise KeyboardInterrupt
        tell()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
