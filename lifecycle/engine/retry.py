"""What to do with an engine that is away: fail at once, or wait a while for it to come back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from lifecycle.engine.errors import EngineAway

R = TypeVar("R")
_PAUSE = 0.2


class Patience:
    """One for each daemon. It repeats questions only within :meth:`waiting`."""

    def __init__(self, answers: Callable[[], bool]) -> None:
        """``answers`` tells whether the engine is there now."""
        self._answers = answers
        self._waits = False
        self._until: float | None = None
        self._given_up: EngineAway | None = None
        self._limit = 0.0
        self._say: Callable[[], None] | None = None

    @contextmanager
    def waiting(self, limit: float, say: Callable[[], None]) -> Iterator[None]:
        """Repeat a question that finds the engine away, once the engine is back.

        It waits ``limit`` seconds in all, and then refuses every question. It calls ``say`` when
        the waiting begins.
        """
        self._limit, self._say, self._waits = limit, say, True
        try:
            if not self._answers() and not self._comes_back():
                self._given_up = EngineAway(f"the engine has not answered for {limit:g} s")
            yield
        finally:
            self._waits, self._until, self._given_up = False, None, None

    def ask(self, question: Callable[[], R]) -> R:
        """Ask; only what may be asked twice without harm belongs into :meth:`waiting`."""
        while True:
            if self._given_up is not None:
                raise self._given_up
            try:
                return question()
            except EngineAway as error:
                if not self._waits:
                    raise
                if not self._comes_back():
                    self._given_up = error
                    raise

    def _comes_back(self) -> bool:
        if self._until is None:
            self._until = time.monotonic() + self._limit
            if self._say is not None:
                self._say()
        while time.monotonic() < self._until:
            if self._answers():
                return True
            time.sleep(_PAUSE)  # nothing tells of an engine that begins to listen
        return False
