"""The one event stream of a run, opened before its first step.

A thread reads the stream and keeps every event; callers wait on a condition, never on a clock.
A stream that breaks, since the engine goes away, is opened again when the engine is back, and the
absence is remembered.
A listener may be called for each event as it comes, on the reading thread, so that a
container that lives for 100 ms is still inspected.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lifecycle.engine.errors import EngineError

if TYPE_CHECKING:
    from lifecycle.engine.daemon import Daemon, EventSource

_PAUSE = 0.2
_LATEST = 1 << 64
"""Nanoseconds that no clock tells of."""


@dataclass(frozen=True)
class Event:
    """One engine event (``GET /events``); ``at`` is the daemon's clock, epoch seconds."""

    kind: str
    action: str
    id: str
    name: str
    attributes: dict[str, str]
    at: float

    @property
    def key(self) -> tuple[float, str, str, str]:
        """What identifies the event; a repetition has the same key."""
        return self.at, self.kind, self.action, self.id

    def is_a(self, action: str, name: str) -> bool:
        """Whether it tells of this being done to what has this name."""
        return (self.action, self.name) == (action, name)

    @staticmethod
    def read(raw: dict[str, Any]) -> Event:
        """Read the daemon's JSON; ``exec_create: id`` becomes the action ``exec_create``."""
        actor = _mapping(raw.get("Actor"))
        pairs = _mapping(actor.get("Attributes")).items()
        attributes = {key: value for key, value in pairs if isinstance(value, str)}
        kind, identity = _text(raw.get("Type")), _text(actor.get("ID"))
        if kind == "network" and "container" in attributes:
            identity = attributes["container"]
        at = raw.get("timeNano")
        return Event(
            kind=kind,
            action=_text(raw.get("Action")).split(":")[0],
            id=identity,
            name=attributes.get("name", ""),
            attributes=attributes,
            at=at / 1e9 if isinstance(at, int) and abs(at) < _LATEST else 0.0,
        )


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


@dataclass(frozen=True)
class Absence:
    """When the stream broke, and when the engine was back; epoch seconds of this machine."""

    since: float
    until: float | None = None


class EventLog:
    """Everything the engine did since the log was opened."""

    def __init__(self, daemon: Daemon, listener: Callable[[Event], None] | None = None) -> None:
        """Open the stream; raises EngineError when the engine can't be reached."""
        self._events: list[Event] = []
        self._changed = threading.Condition()
        self._listener = listener
        self._ended = False
        self._closing = threading.Event()
        self._absences: list[Absence] = []
        self._daemon, self.opened = daemon, time.time()
        """Epoch seconds; the engine tells of whole seconds, so of a moment before it, too."""
        self._source: EventSource = daemon.events(self.opened)
        self._thread = threading.Thread(target=self._read, name="engine-events", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        again = True
        while again:
            keys = {e.key for e in self.since()}
            for raw in self._source:
                event = Event.read(raw)
                if event.key not in keys:
                    self._note(event)
            again = not self._closing.is_set() and self._open_again()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _note(self, event: Event) -> None:
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()
        if self._listener:
            self._listener(event)

    def _open_again(self) -> bool:
        """Wait for the engine to be back; False when the log is closed before."""
        broke = time.time()
        self._remember(Absence(broke))
        last = max((e.at for e in self.since()), default=self.opened)
        while not self._closing.wait(_PAUSE):
            # An engine that doesn't take callers any more may still answer those it has.
            if self._daemon.answers():
                with contextlib.suppress(EngineError):
                    self._source = self._daemon.events(last)
                    self._remember(Absence(broke, time.time()))
                    return not self._closing.is_set()
        return False

    def _remember(self, absence: Absence) -> None:
        with self._changed:
            if absence.until is not None:
                self._absences.pop()
            self._absences.append(absence)
            self._changed.notify_all()

    @property
    def absences(self) -> list[Absence]:
        """When the engine was away; the last one has no end while it still is."""
        with self._changed:
            return list(self._absences)

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

    def close(self) -> None:
        """End the stream and its thread."""
        self._closing.set()
        self._source.close()
        self._thread.join(5)
