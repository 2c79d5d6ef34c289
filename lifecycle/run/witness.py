"""Testimony that can't wait: an inspect at ``create``, one look inside at ``start``.

The engine's event thread calls this, so that a container that lives for 100 ms is still seen. A
look has a thread of its own: it takes as long as an exec does, and events go on meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from lifecycle.checks.facts import RoundTrip
from lifecycle.checks.gather import RoundTrips
from lifecycle.checks.inside import Inside, Probe
from lifecycle.checks.reach import is_idle
from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.engine.events import Event
from lifecycle.run.ledger import Ledger

Json = dict[str, Any]


@dataclass
class Watch:
    """A look inside that is to happen at a container's start; ``done`` is set when it has.

    ``look`` takes it, of the container's id.
    """

    look: Callable[[str, Probe], Inside]
    probe: Probe
    trips: RoundTrips
    listeners: str = ""
    """The probe's listeners in an idle container: in another they would be in a service's way."""
    inside: Inside = field(default_factory=lambda: Inside(unseen="it did not start"))
    round_trips: dict[str, RoundTrip] = field(default_factory=dict)
    done: threading.Event = field(default_factory=threading.Event)


class Witness:
    """Keeps what was seen of this run's containers, by real name, and tells the ledger."""

    def __init__(self, daemon: Daemon, ledger: Ledger, run: str) -> None:
        """``run`` is in every name that the run makes, but for those it keeps literal."""
        self._daemon, self._ledger, self._run = daemon, ledger, run
        self._literal: set[str] = set()
        self.created: dict[str, Json] = {}
        self._watches: dict[str, Watch] = {}

    def watch(self, real: str, watch: Watch) -> None:
        """Look inside a container at its next start."""
        self._watches[real] = watch

    def __call__(self, event: Event) -> None:
        """Take note of one event."""
        if event.kind != "container" or not self._is_ours(event):
            return
        if event.action == "create":
            self._see_created(event)
        elif event.action == "destroy":
            self._ledger.gone("container", event.name)
        watch = self._watches.get(event.name)
        if watch and event.action == "start":
            del self._watches[event.name]
            target = partial(self._look, event, watch)
            threading.Thread(target=target, name=f"look {event.name}", daemon=True).start()

    def expect(self, names: Collection[str]) -> None:
        """Containers of these names, kept literal, are made by the command that runs now."""
        self._literal = set(names)

    def _is_ours(self, event: Event) -> bool:
        """By the unguessable name, the command that makes it now, or the id it was made with."""
        if self._run in event.name or event.name in self._literal:
            return True
        return bool(event.id) and self._ledger.id_of("container", event.name) == event.id

    def _see_created(self, event: Event) -> None:
        self._ledger.made("container", event.name, event.id)
        try:
            seen = self._daemon.container(event.id)
        except EngineError:
            seen = None
        if seen is None:
            return
        self.created[event.name] = seen
        for mount in seen.get("Mounts") or []:
            if mount["Type"] == "volume" and _anonymous(seen, mount):
                self._ledger.made("volume", mount["Name"], mount["Name"])

    def _look(self, event: Event, watch: Watch) -> None:
        idle = is_idle(self.created.get(event.name) or {})
        probe = replace(watch.probe, listeners=watch.listeners) if idle else watch.probe
        try:
            watch.inside = watch.look(event.id, probe)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody else hears of it
            watch.inside = Inside(unseen=f"the look failed: {error!r}")
        finally:
            watch.round_trips = watch.trips.finish(watch.inside)
            watch.done.set()


def _anonymous(seen: Json, mount: Json) -> bool:
    """A volume that no word of the line named: nobody else can hold it."""
    named = {str(b).split(":", 1)[0] for b in seen["HostConfig"].get("Binds") or []}
    named |= {m.get("Source", "") for m in seen["HostConfig"].get("Mounts") or []}
    inherited = bool(seen["HostConfig"].get("VolumesFrom"))
    return mount["Name"] not in named and not inherited
