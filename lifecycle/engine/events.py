"""The one event stream of a run, opened before its first step.

A thread reads the stream and keeps every event; callers wait on a condition, never on a clock.
A listener may be called for each event as it comes, on the reading thread, so that a
container that lives for 100 ms is still inspected.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lifecycle.engine.daemon import Daemon


@dataclass(frozen=True)
class Event:
    """One engine event (``GET /events``); ``at`` is the daemon's clock, epoch seconds."""

    kind: str
    action: str
    id: str
    name: str
    attributes: dict[str, str]
    at: float

    @staticmethod
    def read(raw: dict[str, Any]) -> Event:
        """Read the daemon's JSON; ``exec_create: id`` becomes the action ``exec_create``."""
        actor = raw.get("Actor") or {}
        attributes = dict(actor.get("Attributes") or {})
        kind = raw.get("Type", "")
        identity = actor.get("ID", "")
        if kind == "network" and "container" in attributes:
            identity = attributes["container"]
        return Event(
            kind=kind,
            action=str(raw.get("Action", "")).split(":")[0],
            id=identity,
            name=attributes.get("name", ""),
            attributes=attributes,
            at=raw.get("timeNano", 0) / 1e9,
        )


class EventLog:
    """Everything the engine did since the log was opened."""

    def __init__(self, daemon: Daemon, listener: Callable[[Event], None] | None = None) -> None:
        """Open the stream; raises EngineError when the engine can't be reached."""
        self._events: list[Event] = []
        self._changed = threading.Condition()
        self._listener = listener
        self._ended = False
        self._source = daemon.events(time.time())
        self._thread = threading.Thread(target=self._read, name="engine-events", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for raw in self._source:
            event = Event.read(raw)
            with self._changed:
                self._events.append(event)
                self._changed.notify_all()
            if self._listener:
                self._listener(event)
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def mark(self) -> int:
        """A place in the log; events after it have an index at or above it."""
        with self._changed:
            return len(self._events)

    def since(self, mark: int = 0) -> list[Event]:
        """The events after a mark."""
        with self._changed:
            return self._events[mark:]

    def wait(
        self,
        wanted: Callable[[Event], bool],
        *,
        since: int,
        timeout: float,
        until: Callable[[], bool] = lambda: False,
    ) -> Event | None:
        """The first wanted event after ``since``.

        None when ``timeout`` seconds pass, the stream ends, or ``until()`` turns true; whoever
        makes ``until`` true calls :meth:`wake`.
        """
        deadline = time.monotonic() + timeout
        at = since
        with self._changed:
            while True:
                for event in self._events[at:]:
                    if wanted(event):
                        return event
                at = len(self._events)
                left = deadline - time.monotonic()
                if left <= 0 or self._ended or until():
                    return None
                self._changed.wait(left)

    def wake(self) -> None:
        """Make waiters look at their ``until`` again."""
        with self._changed:
            self._changed.notify_all()

    @property
    def ended(self) -> bool:
        """Whether the daemon has closed the stream (it went away, or we closed it)."""
        with self._changed:
            return self._ended

    def close(self) -> None:
        """End the stream and its thread."""
        self._source.close()
        self._thread.join(5)


@contextlib.contextmanager
def event_log(
    daemon: Daemon, listener: Callable[[Event], None] | None = None
) -> Iterator[EventLog]:
    """An open log, closed on the way out."""
    log = EventLog(daemon, listener)
    try:
        yield log
    finally:
        log.close()
