"""Tags of others, held against what they meant before something that can't be read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping

from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.run.ownership.build_layers import tags_of


class TagWatch:
    """Which tags of others a run may have moved. Safe to use from several threads."""

    def __init__(
        self, daemon: Daemon, owns: Callable[[str], bool], made: Callable[[str], bool]
    ) -> None:
        """``owns`` tells whether the run made a tag, ``made`` whether it ever made an image."""
        self._daemon, self._owns, self._made = daemon, owns, made
        self._guard = threading.Lock()
        self._before: dict[str, str] | None = None
        self._moved: list[str] = []

    def look_before(self) -> None:
        """Before something that can't be read."""
        with self._guard:
            if self._before is None:
                self._before = self._known()

    def compare(self) -> None:
        """After it, if it came to that."""
        with self._guard:
            before, self._before = self._before, None
        now = self._known() if before is not None else None
        if before is not None and now is not None:
            self.hold_against(before, now, before)

    def hold_against(
        self, before: Mapping[str, str], now: Mapping[str, str], tags: Iterable[str]
    ) -> None:
        """Which of these tags of others mean another image than before."""
        for tag in tags:
            was, is_now = before.get(tag), now.get(tag)
            if was and not self._owns(tag) and is_now != was:
                change = f"is {is_now[:19]}" if is_now else "is gone"
                self._moved.append(f"image {tag} was {was[:19]} and {change}")

    def was_taken(self, tag: str, now: str, since: float, given: Collection[str]) -> bool:
        """Whether somebody gave a tag since then, while a request of ours gave it these images."""
        try:
            events = self._daemon.tags_given(since)
        except EngineError:
            return False  # what is not known accuses nobody
        theirs = [e.id for e in events if e.name == tag and e.id not in given]
        theirs = [identity for identity in theirs if not self._made(identity)]
        for was in theirs:
            self._moved.append(f"image {tag} was {was[:19]} and is {now[:19]}")
        return bool(theirs)

    @property
    def moved(self) -> list[str]:
        """The tags of others that changed meanwhile, a line each."""
        return list(dict.fromkeys(self._moved))

    def now(self) -> dict[str, str]:
        """Which image each tag means. Raises EngineError."""
        return {t: str(i["Id"]) for i in self._daemon.images() for t in tags_of(i)}

    def _known(self) -> dict[str, str] | None:
        try:
            return self.now()
        except EngineError:
            return None  # what is not known accuses nobody; the step tells of the engine
