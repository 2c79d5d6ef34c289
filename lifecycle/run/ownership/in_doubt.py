"""What others had, and that changed while a request of the run was under way.

Whose doing that was the engine does not say: its events name what was done, not who asked.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lifecycle.engine.events import Event
from lifecycle.run.ownership.inventory import Inventory, Thing
from lifecycle.run.ownership.ledger import Kind

SLACK = 0.5
"""Seconds by which an engine's clock may differ from ours."""


@dataclass
class _Span:
    kind: Kind
    begun: float
    ended: float


@dataclass(frozen=True)
class Change:
    """What happened to a thing of somebody's, in words for people."""

    thing: Thing
    how: str
    moved: bool
    """Whether it is there, and means another."""


class Requests:
    """When requests of the run could change things of a kind. Safe to use from several threads."""

    def __init__(self) -> None:
        """None has come yet."""
        self._guard = threading.Lock()
        self._spans: list[_Span] = []

    @contextmanager
    def about(self, kind: Kind | None) -> Iterator[None]:
        """While one is under way; None for one that changes nothing that others could have."""
        if kind is None:
            yield
            return
        span = _Span(kind, time.time(), float("inf"))
        with self._guard:
            self._spans.append(span)
        try:
            yield
        finally:
            span.ended = time.time()

    def may_explain(self, change: Change, events: Iterable[Event]) -> bool:
        """Whether one may have changed a thing of its kind.

        What somebody takes away the engine tells of: that is theirs to do, and often done. That a
        tag comes to mean another image counts where one was under way then; and whatever no event
        tells of.
        """
        with self._guard:
            spans = [s for s in self._spans if s.kind == change.thing.kind]
        times = [e.at for e in events if _is_about(e, change.thing)]
        if not times:
            return bool(spans)
        return change.moved and any(
            s.begun - SLACK <= at <= s.ended + SLACK for s in spans for at in times
        )


def changed(before: Inventory, after: Inventory, known: Collection[str]) -> Iterator[Change]:
    """What was there before, is none of the run's, and is another now or gone.

    Whether a volume is another one than before the engine does not say: Docker 20.10 tells that it
    was made whenever something is written in it.
    """
    there = {thing.state for thing in after.values() if thing.kind == "image"}
    for key, was in before.items():
        now = after.get(key)
        if was.kind == "container" or not {was.id, was.state}.isdisjoint(known):
            continue  # a container is touched by its id only, and those of others are refused
        if now is None and was.id not in there:  # else an image has got its first name
            yield Change(was, "is gone", moved=False)
        elif now is not None and now.state != was.state and was.kind != "volume":
            how = f"was {was.state[:19]} and is {now.state[:19]}"
            yield Change(was, how, moved=True)


def _is_about(event: Event, thing: Thing) -> bool:
    names = {thing.id, thing.state}
    return event.kind == thing.kind and not names.isdisjoint({event.id, event.name})
