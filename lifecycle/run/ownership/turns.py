"""Requests about one name, one after the other.

What comes of a request is written down by its name. Where two ask for the same one, the engine
gives it to one of them: what the other writes down must not drop what the first one made.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

Named = tuple[str, str]
"""A kind, and a name of that kind."""


class Turns:
    """Who asks for which names now. Safe to use from several threads."""

    def __init__(self) -> None:
        """Nobody asks yet."""
        self._changed = threading.Condition()
        self._taken: set[Named] = set()

    @contextmanager
    def of(self, names: Iterable[Named]) -> Iterator[None]:
        """Wait until nobody asks for one of these, and let nobody else while it is judged.

        All are taken at once, so that two requests do not wait for each other.
        """
        wanted = set(names)
        with self._changed:
            self._changed.wait_for(lambda: wanted.isdisjoint(self._taken))
            self._taken |= wanted
        try:
            yield
        finally:
            with self._changed:
                self._taken -= wanted
                self._changed.notify_all()
