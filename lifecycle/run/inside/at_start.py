"""Testimony that can't wait: one look inside at ``start``.

The engine's event thread calls this, so that a container that lives for 100 ms is still seen. A
look has a thread of its own: it takes as long as an exec does, and events go on meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from lifecycle.engine.events import Event
from lifecycle.facts.inside import Inside, Probe
from lifecycle.facts.model import RoundTrip
from lifecycle.facts.port_probe import is_idle
from lifecycle.facts.round_trips import RoundTrips
from lifecycle.run.ownership.ownership import Ownership


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
    prepare: Callable[[str], None] = lambda _container: None
    """Called with its id beside the look, for what later looks need."""
    inside: Inside = field(default_factory=lambda: Inside(unseen="it did not start"))
    round_trips: dict[str, RoundTrip] = field(default_factory=dict)
    done: threading.Event = field(default_factory=threading.Event)


class Witness:
    """Look into this run's containers at their start, and note which have gone."""

    def __init__(self, ownership: Ownership) -> None:
        self._ownership = ownership
        self._watches: dict[str, Watch] = {}

    def watch(self, real: str, watch: Watch) -> None:
        """Look inside a container at its next start."""
        self._watches[real] = watch

    def __call__(self, event: Event) -> None:
        """Take note of one event."""
        if event.kind != "container" or not self._ownership.owns("container", event.id):
            return
        if event.action == "destroy":
            self._ownership.gone_by_id("container", event.id)
        watch = self._watches.get(event.name)
        if watch and event.action == "start":
            del self._watches[event.name]
            for what in (partial(watch.prepare, event.id), partial(self._look, event, watch)):
                threading.Thread(target=what, name=f"look {event.name}", daemon=True).start()

    def _look(self, event: Event, watch: Watch) -> None:
        idle = is_idle(self._ownership.created.get(event.name) or {})
        probe = replace(watch.probe, listeners=watch.listeners) if idle else watch.probe
        try:
            watch.inside = watch.look(event.id, probe)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody else hears of it
            watch.inside = Inside(unseen=f"the look failed: {error!r}")
        finally:
            watch.round_trips = watch.trips.finish(watch.inside)
            watch.done.set()
