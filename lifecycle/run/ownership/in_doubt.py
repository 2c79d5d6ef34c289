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

SLACK = 2.0
"""Seconds by which an engine's clock may differ from ours, and an event come late."""


@dataclass
class _Span:
    kind: Kind
    begun: float
    ended: float


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

    def may_explain(self, thing: Thing, events: Iterable[Event]) -> bool:
        """Whether one was under way when a thing of its kind changed.

        Where no event tells when it changed, any of its kind may.
        """
        with self._guard:
            spans = [s for s in self._spans if s.kind == thing.kind]
        times = [e.at for e in events if _is_about(e, thing)]
        return any(
            not times or any(s.begun - SLACK <= at <= s.ended + SLACK for at in times)
            for s in spans
        )


def changed(
    before: Inventory, after: Inventory, known: Collection[str]
) -> Iterator[tuple[Thing, str]]:
    """What was there before, is none of the run's, and is another now or gone; and how."""
    there = {thing.state for thing in after.values() if thing.kind == "image"}
    for key, was in before.items():
        now = after.get(key)
        if was.kind == "container" or not {was.id, was.state}.isdisjoint(known):
            continue  # a container is touched by its id only, and those of others are refused
        if now is None and was.id in there:
            continue  # an image that had no name and has got one
        if now is None:
            yield was, "is gone"
        elif now.state != was.state and was.kind != "volume":
            # Docker 20.10 says that a volume was made whenever something is written in it.
            yield was, f"was {was.state[:19]} and is {now.state[:19]}"


def _is_about(event: Event, thing: Thing) -> bool:
    names = {thing.id, thing.state}
    return event.kind == thing.kind and not names.isdisjoint({event.id, event.name})
